//! Dynamic client registration (RFC 7591): for hosts that cannot do better.
//!
//! A `scope` in a registration is read and forgotten: a host registers with the scopes of its first
//! challenge, and a server that pinned them could never be asked for more.

use axum::{
    Json,
    extract::{Request as HttpRequest, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{error, error::OAuthError, parameters, parameters::LARGEST};
use crate::{
    broker::{
        Broker,
        client::{Registered, UNUSED, USED},
        redirect,
        store::typed_store::{CLIENTS, millis, moment},
    },
    support::digest as secret,
};
use crate::{
    grant::{SaveError, StoreError, Stored},
    support::random,
};

/// The most redirect URIs of one client.
const MOST_URIS: usize = 16;
/// The longest name of a client that is shown.
const LONGEST_NAME: usize = 80;

/// What is read of a client's metadata (RFC 7591 §2), registered or published.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) client_id: Option<String>,
    pub(crate) client_name: Option<Value>,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) token_endpoint_auth_method: Option<String>,
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(crate) grant_types: Option<Vec<String>>,
    pub(crate) response_types: Option<Vec<String>>,
    pub(crate) client_secret: Option<Value>,
}

impl Metadata {
    /// The redirect URIs, if all of them are allowed.
    pub(crate) fn check_redirect_uris(&self, schemes: &[String]) -> Result<(), String> {
        if self.redirect_uris.is_empty() {
            return Err("`redirect_uris` is missing".to_owned());
        }
        if self.redirect_uris.len() > MOST_URIS {
            return Err(format!("there are more than {MOST_URIS} redirect URIs"));
        }
        self.redirect_uris.iter().try_for_each(|uri| redirect::check(uri, schemes).map(drop))
    }

    /// The name, fit to be shown.
    pub(crate) fn name(&self) -> Option<String> {
        let name = self.client_name.as_ref()?.as_str()?;
        Some(shown(name)).filter(|name| !name.is_empty())
    }

    /// Is a list that names anything named with what we have?
    pub(crate) fn check_flow(&self) -> Result<(), String> {
        let has = |list: &Option<Vec<String>>, one: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|item| item == one))
        };
        if !has(&self.grant_types, "authorization_code") {
            return Err("`grant_types` must name authorization_code".to_owned());
        }
        if !has(&self.response_types, "code") {
            return Err("`response_types` must name code".to_owned());
        }
        Ok(())
    }

    pub(crate) fn refreshes(&self) -> bool {
        self.grant_types
            .as_ref()
            .is_none_or(|types| types.iter().any(|grant| grant == "refresh_token"))
    }
}

/// A name without what turns it round or hides in it.
fn shown(name: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
    };
    let text: String = name.chars().filter(|c| !hidden(*c)).take(LONGEST_NAME).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) async fn answer(State(broker): State<Broker>, request: HttpRequest) -> Response {
    match broker.register(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::info!(target: "toolgate::broker", code = error.code(), reason = error.description(), "a registration was refused");
            error.into_response()
        }
    }
}

impl Broker {
    async fn register(&self, request: HttpRequest) -> Result<Response, OAuthError> {
        let (parts, body) = request.into_parts();
        self.0.limits.registrations.check(crate::gate::party_of(&parts.extensions))?;
        let invalid = |why: String| OAuthError::new("invalid_client_metadata", why);
        let is_json = parts.headers.get(header::CONTENT_TYPE).is_some_and(|ty| {
            let essence = ty.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
        });
        if !is_json {
            return Err(invalid("the request must be `application/json`".to_owned()));
        }
        let bytes = parameters::body(body, LARGEST).await?;
        let metadata: Metadata = serde_json::from_slice(&bytes)
            .map_err(|_| invalid("the request is not a client's metadata in JSON".to_owned()))?;
        metadata
            .check_redirect_uris(&self.0.schemes)
            .map_err(|why| OAuthError::new("invalid_redirect_uri", why))?;
        metadata.check_flow().map_err(invalid)?;
        // What RFC 7591 takes for granted is Basic; hosts without a secret say `none`.
        let method =
            metadata.token_endpoint_auth_method.as_deref().unwrap_or("client_secret_basic");
        let secret = match method {
            "none" => None,
            "client_secret_basic" | "client_secret_post" => Some(random::text()),
            _ => {
                let known = "`token_endpoint_auth_method` is none, client_secret_basic or client_secret_post";
                return Err(invalid(known.to_owned()));
            }
        };
        let now = self.now();
        let registered = Registered {
            name: metadata.name(),
            redirect_uris: metadata.redirect_uris.clone(),
            secret: secret.as_deref().map(secret::digest),
            refreshes: metadata.refreshes(),
            kept_at: 0,
        };
        let id = format!("tg-{}", random::text());
        self.0.shelf.put(CLIENTS, &id, &registered, now + UNUSED).await?;
        tracing::info!(target: "toolgate::broker", client = %id, "a client registered itself");
        let grants: &[&str] = if registered.refreshes {
            &["authorization_code", "refresh_token"]
        } else {
            &["authorization_code"]
        };
        let mut answer = json!({
            "client_id": id,
            "client_id_issued_at": millis(now) / 1000,
            "redirect_uris": registered.redirect_uris,
            "grant_types": grants,
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
        });
        if let Some(name) = registered.name {
            answer["client_name"] = name.into();
        }
        if let Some(secret) = secret {
            answer["client_secret"] = secret.into();
            answer["client_secret_expires_at"] = 0.into();
        }
        let mut response = (StatusCode::CREATED, Json(answer)).into_response();
        error::no_store(response.headers_mut());
        Ok(response)
    }

    /// Keeps a client that registered itself and is used.
    pub(crate) async fn keep_client(&self, id: &str) -> Result<(), StoreError> {
        let Some(found) = self.0.clients.shelf.read::<Registered>(CLIENTS, id).await? else {
            return Ok(());
        };
        let Stored { value: mut registered, revision } = found;
        let now = self.now();
        if now < moment(registered.kept_at) + USED / 3 {
            return Ok(());
        }
        registered.kept_at = millis(now);
        match self.0.clients.shelf.write(CLIENTS, id, &registered, now + USED, revision).await {
            // Whoever was quicker has kept it.
            Ok(_) | Err(SaveError::Conflict) => Ok(()),
            Err(SaveError::Store(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_it_looks_like() {
        assert_eq!(shown("  Claude \n Code "), "Claude Code");
        assert_eq!(shown("Cla\u{200b}ude\u{202e}edoC\u{feff}"), "ClaudeedoC");
        assert_eq!(shown(&"x".repeat(200)).len(), LONGEST_NAME);
        assert_eq!(shown("\u{0}\u{1b}[31m"), "[31m");
    }
}
