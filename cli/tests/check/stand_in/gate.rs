//! Gate of the stand-in: tokens, the challenge, the metadata of the resource.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{Callers, Shared, State as StandInState, fault::Fault, reply, text};

/// The signature of the token that the stand-in accepts.
const SIGNATURE: &str = "Z29vZC1zaWduYXR1cmU";

impl StandInState {
    /// The token that opens the stand-in.
    pub(crate) fn token(&self) -> String {
        let audience =
            if self.has(Fault::UnboundToken) { "account".to_owned() } else { self.resource() };
        self.token_for(&audience)
    }

    /// A token for a resource.
    pub(super) fn token_for(&self, audience: &str) -> String {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({ "iss": self.issuer, "aud": audience, "exp": now() + 600 });
        // Whole minutes, so that it is the same for a while.
        let claims = json!({ "exp": claims["exp"].as_u64().unwrap() / 6000 * 6000 + 12000, "iss": claims["iss"], "aud": claims["aud"] });
        format!("{}.{}.{SIGNATURE}", part(json!({ "alg": "ES256", "typ": "at+jwt" })), part(claims))
    }

    /// The refusal of a request without a token that is good enough.
    pub(super) fn refuse(&self, headers: &HeaderMap, query: Option<&str>) -> Option<Response> {
        if self.kind.callers == Callers::Anyone {
            return None;
        }
        let authorization = text(headers, "authorization");
        let shown = authorization.and_then(|value| value.strip_prefix("Bearer "));
        let in_query = query.and_then(|query| query.strip_prefix("access_token="));
        let shown = shown.or(in_query.filter(|_| self.has(Fault::TokenInQuery)));
        match shown {
            Some(token) if self.accepts(token) => None,
            Some(_) => Some(self.challenge(true)),
            None => Some(self.challenge(false)),
        }
    }

    fn accepts(&self, token: &str) -> bool {
        if self.has(Fault::RefusesEveryone) {
            return false;
        }
        if token == self.token() {
            return true;
        }
        let parts: Vec<_> = token.split('.').collect();
        let decode = |part: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        };
        let [header, claims, _] = parts.as_slice() else { return self.has(Fault::AnyToken) };
        let (Some(header), Some(claims)) = (decode(header), decode(claims)) else { return false };
        let is_unsigned = header["alg"] == "none";
        let of = [
            claims["iss"] == self.issuer,
            claims["aud"] == self.resource(),
            claims["exp"].as_u64().is_some_and(|end| end > now()),
        ];
        match of {
            [true, true, true] if is_unsigned => self.has(Fault::Unsigned),
            [true, true, true] => self.has(Fault::AnySignature),
            [false, true, true] => self.has(Fault::AnyIssuer),
            [true, false, true] => self.has(Fault::AnyAudience),
            [true, true, false] => self.has(Fault::Expired),
            _ => false,
        }
    }

    fn challenge(&self, had_token: bool) -> Response {
        let is_forbidden = self.has(Fault::ForbiddenForBadTokens) && had_token
            || self.has(Fault::ForbiddenWithoutToken) && !had_token;
        let mut parameters = Vec::new();
        let has_error = had_token && !self.has(Fault::SilentAboutTokens)
            || !had_token && self.has(Fault::ErrorWithoutToken);
        if has_error {
            parameters.push(r#"error="invalid_token""#.to_owned());
        }
        let place = if self.has(Fault::NamedMetadataIsMissing) { "nowhere" } else { "mcp" };
        let metadata = format!("{}/.well-known/oauth-protected-resource/{place}", self.base);
        let is_bare = self.has(Fault::NoMetadataInChallenge) || self.has(Fault::NoMetadata);
        if self.has(Fault::UnquotedChallenge) {
            parameters.push(format!("resource_metadata={metadata}"));
        } else if !is_bare {
            parameters.push(format!(r#"resource_metadata="{metadata}""#));
        }
        if !self.has(Fault::NoScopes) {
            parameters.push(r#"scope="notes:read""#.to_owned());
        }
        let mut response =
            reply(if is_forbidden { 403 } else { 401 }, &json!({ "error": "sign in" }));
        if !self.has(Fault::NoChallenge) && !is_forbidden {
            let value = format!("Bearer {}", parameters.join(", "));
            let value = HeaderValue::from_str(&value).unwrap();
            response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
        }
        response
    }

    fn document(&self) -> Value {
        let mut document = json!({
            "resource": self.resource(),
            "authorization_servers": [self.issuer],
            "scopes_supported": ["notes:read"],
            "bearer_methods_supported": ["header"],
        });
        if self.kind.fault == Some(Fault::SlashInIssuer) {
            document["authorization_servers"] = json!([format!("{}/", self.issuer)]);
        }
        let Some(fault) = self.kind.fault else { return document };
        let (member, value) = match fault {
            Fault::ForeignResource => ("resource", json!("https://other.example/mcp")),
            Fault::NoResource => ("resource", Value::Null),
            Fault::SlashInResource => ("resource", json!(format!("{}/", self.resource()))),
            Fault::NoIssuers => ("authorization_servers", json!([])),
            Fault::QueryMethod => ("bearer_methods_supported", json!(["header", "query"])),
            Fault::OfflineAccess => ("scopes_supported", json!(["notes:read", "offline_access"])),
            Fault::NoScopes => ("scopes_supported", Value::Null),
            Fault::UnknownScopes => ("scopes_supported", json!(["notes:read", "notes:write"])),
            _ => return document,
        };
        document[member] = value;
        document
    }
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(super) async fn metadata(State(state): State<Shared>) -> Response {
    if state.has(Fault::NoMetadata) || state.kind.callers == Callers::Anyone {
        return StatusCode::NOT_FOUND.into_response();
    }
    let mut response = reply(200, &state.document());
    if state.has(Fault::MetadataAsText) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    if state.kind.has_cors && !state.has(Fault::PrivateMetadata) {
        let everyone = HeaderValue::from_static("*");
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, everyone);
    }
    response
}

pub(super) async fn metadata_at_root(State(state): State<Shared>) -> Response {
    if state.has(Fault::MetadataDiffers) {
        let mut document = state.document();
        document["resource"] = state.base.clone().into();
        return reply(200, &document);
    }
    metadata(State(state)).await
}
