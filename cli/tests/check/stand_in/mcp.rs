//! Endpoint of the stand-in: both eras of MCP.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Shared, State as StandInState, fault::Fault, reply, rpc_error, text};

const MODERN: &str = "2026-07-28";
const LEGACY: [&str; 3] = ["2025-11-25", "2025-06-18", "2025-03-26"];

pub(super) async fn endpoint(
    State(state): State<Shared>,
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if state.has(Fault::Redirects) && uri.path() == "/mcp" {
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/moved")]).into_response();
    }
    let mut response = state.answer(&method, uri.query(), &headers, &body);
    if state.kind.has_cors {
        state.allow_pages(&method, &mut response);
    }
    response
}

impl StandInState {
    fn answer(
        &self,
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response {
        if *method == Method::OPTIONS && self.kind.has_cors {
            return StatusCode::NO_CONTENT.into_response();
        }
        let host = text(headers, "host").unwrap_or_default();
        if !self.base.ends_with(host) && !self.has(Fault::AnyHost) {
            return StatusCode::FORBIDDEN.into_response();
        }
        let is_foreign =
            text(headers, "origin").is_some_and(|origin| !origin.contains("localhost"));
        if is_foreign && !self.has(Fault::AnyOrigin) {
            return StatusCode::FORBIDDEN.into_response();
        }
        if let Some(refusal) = self.refuse(headers, query) {
            return refusal;
        }
        match *method {
            Method::POST => self.post(headers, body),
            Method::GET if self.has(Fault::GetAsPage) => Html("<h1>Hello</h1>").into_response(),
            Method::DELETE => {
                if !self.has(Fault::SessionOutlivesDelete) {
                    let id = text(headers, "mcp-session-id").unwrap_or_default();
                    self.sessions.lock().unwrap().remove(id);
                }
                StatusCode::NO_CONTENT.into_response()
            }
            _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        }
    }

    fn post(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let Ok(message) = serde_json::from_slice::<Value>(body) else {
            if self.has(Fault::ParseErrorAsPage) {
                return (StatusCode::INTERNAL_SERVER_ERROR, Html("<h1>500</h1>")).into_response();
            }
            return rpc_error(400, &Value::Null, -32700, "Parse error");
        };
        let method = message["method"].as_str().unwrap_or_default();
        let id = &message["id"];
        if text(headers, "mcp-protocol-version") == Some(MODERN) {
            return self.modern(method, &message, headers);
        }
        if self.has(Fault::ModernOnly) {
            return rpc_error(400, id, -32022, "Unsupported protocol version");
        }
        if method == "initialize" {
            return self.initialize(&message);
        }
        let session = text(headers, "mcp-session-id").unwrap_or_default();
        if !self.sessions.lock().unwrap().contains(session) {
            return match self.kind.fault {
                Some(Fault::UnknownSessionWith500) => rpc_error(500, id, -32603, "Internal error"),
                Some(Fault::UnknownSessionWith400) => rpc_error(400, id, -32000, "No session"),
                _ => rpc_error(404, id, -32001, "Session not found"),
            };
        }
        if id.is_null() {
            let with_200 = self.has(Fault::NotificationWith200);
            return if with_200 { StatusCode::OK } else { StatusCode::ACCEPTED }.into_response();
        }
        self.call(method, &message)
    }

    fn initialize(&self, message: &Value) -> Response {
        let id = &message["id"];
        if self.has(Fault::NoInitialize) {
            return rpc_error(500, id, -32603, "Internal error");
        }
        let asked = message["params"]["protocolVersion"].as_str().unwrap_or_default();
        if !LEGACY.contains(&asked) && self.has(Fault::UnknownVersionRefused) {
            return rpc_error(400, id, -32602, "Unsupported protocol version");
        }
        let version = if LEGACY.contains(&asked) { asked } else { LEGACY[0] };
        let mut result = json!({
            "protocolVersion": version,
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "stand-in", "version": "1" },
        });
        if self.has(Fault::NoServerInfo) {
            result.as_object_mut().unwrap().remove("serverInfo");
        }
        let mut sessions = self.sessions.lock().unwrap();
        let number = sessions.len() + 1;
        let session = if self.has(Fault::GuessableSessions) {
            number.to_string()
        } else {
            format!("6f1c2b7e-5d0a-4d6f-9f64-{number:012}")
        };
        sessions.insert(session.clone());
        let id = if self.has(Fault::IdAsText) { json!(id.to_string()) } else { id.clone() };
        let mut response = reply(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result }));
        let headers = response.headers_mut();
        headers.insert("mcp-session-id", HeaderValue::from_str(&session).unwrap());
        if self.has(Fault::AnswersAsText) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        }
        response
    }

    /// A request of 2026-07-28.
    fn modern(&self, method: &str, message: &Value, headers: &HeaderMap) -> Response {
        let id = &message["id"];
        if text(headers, "mcp-method") != Some(method) && !self.has(Fault::HeadersIgnored) {
            return rpc_error(400, id, -32020, "Header mismatch");
        }
        if self.has(Fault::NoInitialize) {
            return rpc_error(500, id, -32603, "Internal error");
        }
        if method != "server/discover" {
            return self.call(method, message);
        }
        let mut result = json!({
            "resultType": "complete",
            "supportedVersions": [MODERN],
            "capabilities": { "tools": {} },
            "ttlMs": 0,
            "cacheScope": "public",
        });
        if self.has(Fault::NoResultType) {
            result.as_object_mut().unwrap().remove("resultType");
        }
        reply(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
    }

    fn call(&self, method: &str, message: &Value) -> Response {
        let id = &message["id"];
        match method {
            "tools/list" if self.has(Fault::NoList) => rpc_error(200, id, -32603, "Internal error"),
            "tools/list" => {
                let mut result = json!({
                    "resultType": "complete",
                    "tools": self.tools(),
                    "ttlMs": 0,
                    "cacheScope": "private",
                });
                if self.has(Fault::NoCacheScope) {
                    result.as_object_mut().unwrap().remove("cacheScope");
                }
                if self.has(Fault::EndlessPages) {
                    result["nextCursor"] = json!("again");
                    // Each page has tools of its own, so that the cursor is the only fault.
                    if message["params"]["cursor"].is_string() {
                        result["tools"] = json!([]);
                    }
                }
                reply(200, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
            }
            "tools/call" => match self.kind.fault {
                Some(Fault::UnknownToolWith403) => rpc_error(403, id, -32000, "Forbidden"),
                Some(Fault::StackTrace) => {
                    let trace = "No such tool\n    at call (/srv/app/server.js:12:3)";
                    rpc_error(200, id, -32602, trace)
                }
                _ => rpc_error(200, id, -32602, "Unknown tool"),
            },
            _ if self.has(Fault::UnknownMethodWith500) => {
                rpc_error(500, id, -32603, "Internal error")
            }
            _ => rpc_error(200, id, -32601, "Method not found"),
        }
    }

    fn allow_pages(&self, method: &Method, response: &mut Response) {
        let headers = response.headers_mut();
        let mut set = |name, value| drop(headers.insert(name, HeaderValue::from_static(value)));
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        if self.has(Fault::CookiesForEveryone) {
            set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        if *method == Method::OPTIONS {
            let names = "authorization, content-type, mcp-protocol-version, mcp-session-id";
            set(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        } else if !self.has(Fault::NothingExposed) {
            set(header::ACCESS_CONTROL_EXPOSE_HEADERS, "mcp-session-id, www-authenticate");
        }
    }
}
