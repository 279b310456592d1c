//! Routes of the page: its files, and what it asks of the server.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
    routing::any,
};
use futures::StreamExt;
use http::{HeaderValue, Method, StatusCode, header, request::Parts};
use serde::Serialize;
use serde_json::json;
use url::form_urlencoded;

use super::{
    act,
    files::{self, sentence},
    guard::{Guard, ROOT, Refusal},
    oauth_client::CALLBACK_PATH,
    send::Sent,
    state::Inspector,
};
use crate::browser::form;

/// The largest body that is read, in bytes: a widget's page, or a message with its arguments.
const MAX_BODY_BYTES: usize = 8 << 20;

impl Inspector {
    /// The routes, which are those of this listener alone: below no other path, and without the
    /// layers of the server's own.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route(ROOT, any(respond))
            .route(&format!("{ROOT}/"), any(respond))
            .route(&format!("{ROOT}/{{*path}}"), any(respond))
            .with_state(self.clone())
    }

    async fn respond(&self, parts: &Parts, body: Body) -> Result<Response, Refusal> {
        let state = &self.0;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
        state.guard.check_machine(peer, parts)?;
        let is_get = parts.method == Method::GET;
        match parts.uri.path() {
            ROOT if is_get => return Ok(self.open_link(parts)),
            CALLBACK_PATH if is_get => return Ok(self.callback(parts).await),
            _ => {}
        }
        state.guard.check_browser(parts)?;
        let name = parts.uri.path().strip_prefix(ROOT).and_then(|path| path.strip_prefix('/'));
        let name = name.unwrap_or_default();
        if let Some(api) = name.strip_prefix("api/") {
            Guard::check_page(parts)?;
            return Ok(self.answer(&parts.method, api, parts, body).await);
        }
        Ok(match files::find(name) {
            Some(file) if is_get => file.into_response(),
            Some(_) => sentence(StatusCode::METHOD_NOT_ALLOWED, "A file is read with GET."),
            None => nothing_here(),
        })
    }

    /// The link that the server printed: its token becomes a cookie.
    fn open_link(&self, parts: &Parts) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, HeaderValue::from_static("/inspector/"));
        let Some(query) = parts.uri.query() else {
            // A browser that has opened the link before needs only the address.
            let signed_in = self.0.guard.check_browser(parts).map(|()| response);
            return signed_in.unwrap_or_else(|refusal| sentence(refusal.status, refusal.reason));
        };
        let token = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token");
        if !token.is_some_and(|(_, token)| self.0.guard.is_token(&token)) {
            let text = "This link is not the one that the server printed when it started.";
            return sentence(StatusCode::UNAUTHORIZED, text);
        }
        headers.insert(header::SET_COOKIE, self.0.guard.cookie());
        response
    }

    /// The answer of the authorization server. A browser comes from another site, so it has no cookie
    /// of the page; `state` shows that the page began the sign-in.
    async fn callback(&self, parts: &Parts) -> Response {
        let query = parts.uri.query().unwrap_or_default();
        match self.finish_sign_in(query).await {
            Ok(_) => page("Signed in", "You are signed in. You can close this page."),
            Err(error) => sentence(StatusCode::BAD_REQUEST, &error),
        }
    }

    async fn answer(&self, method: &Method, api: &str, parts: &Parts, body: Body) -> Response {
        match (method, api) {
            (&Method::GET, "state") => match self.overview().await {
                Ok(overview) => json_response(&overview),
                Err(error) => {
                    sentence(StatusCode::INTERNAL_SERVER_ERROR, &format!("The store: {error}."))
                }
            },
            (&Method::GET, "events") => self.events(parts),
            (&Method::POST, "send" | "act") => {
                let body = match form::read_body(body, MAX_BODY_BYTES).await {
                    Ok(body) => body,
                    Err(error) => return sentence(error.status(), &error.to_string()),
                };
                if api == "send" {
                    self.answer_send(&body).await
                } else {
                    self.answer_act(&body).await
                }
            }
            (_, "state" | "events" | "send" | "act") => {
                sentence(StatusCode::METHOD_NOT_ALLOWED, "The method is another one.")
            }
            _ => nothing_here(),
        }
    }

    async fn answer_send(&self, body: &[u8]) -> Response {
        let sent: Sent = match serde_json::from_slice(body) {
            Ok(sent) => sent,
            Err(error) => {
                let text = format!("The message is not understood: {error}.");
                return sentence(StatusCode::BAD_REQUEST, &text);
            }
        };
        match Box::pin(self.send(&sent)).await {
            Ok(exchange) => json_response(&exchange),
            Err(error) => sentence(StatusCode::BAD_REQUEST, &error),
        }
    }

    async fn answer_act(&self, body: &[u8]) -> Response {
        let done = match act::parse(body) {
            Ok(act) => Box::pin(self.act(act)).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(done) => json_response(&done),
            Err(error) => sentence(StatusCode::BAD_REQUEST, &error),
        }
    }

    fn events(&self, parts: &Parts) -> Response {
        let Ok(permit) = self.0.streams.clone().try_acquire_owned() else {
            let text = "Too many pages follow the events: close one.";
            return sentence(StatusCode::SERVICE_UNAVAILABLE, text);
        };
        let last = parts.headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let last = last.and_then(|id| id.parse().ok()).unwrap_or(0);
        let hello = json!({ "started_at": self.0.started_at }).to_string();
        let stream = self.0.log.stream(&hello, last, self.0.shutdown.clone());
        let stream = stream.inspect(move |_| {
            let _ = &permit;
        });
        let mut response = Response::new(Body::from_stream(stream));
        let events = HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, events);
        response
    }
}

async fn respond(State(inspector): State<Inspector>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let response = Box::pin(inspector.respond(&parts, body)).await;
    let mut response = response.unwrap_or_else(|refusal| {
        tracing::debug!(target: "toolgate::server", reason = refusal.reason, "a request to the inspector was refused");
        sentence(refusal.status, refusal.reason)
    });
    files::secure(&mut response, &files::policy(&inspector.0.stage.origin()));
    response
}

fn nothing_here() -> Response {
    sentence(StatusCode::NOT_FOUND, "There is nothing here.")
}

/// A page of one sentence, without anything to load.
fn page(title: &'static str, text: &'static str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><p>{text}</p></html>"
    );
    let mut response = Response::new(Body::from(html));
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn json_response(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(json) => {
            let mut response = Response::new(Body::from(json));
            let content_type = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            response
        }
        Err(error) => sentence(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}.")),
    }
}
