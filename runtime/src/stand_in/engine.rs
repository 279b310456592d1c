//! Engine of a stand-in: what its endpoints share.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use url::form_urlencoded;

use super::{
    faults::Faults,
    template::{self, Values},
    world::World,
};
use crate::{
    provider::profile::{Profile, Reply},
    scope::Scope,
};

/// The identifier of the client that every stand-in knows.
pub(super) const CLIENT_ID: &str = "stand-in";

/// The secret of that client.
pub(super) const CLIENT_SECRET: &str = "stand-in-secret";

/// A stand-in, apart from its listener.
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) profile: &'static Profile,
    pub(super) catalogue: &'static [Scope],
    pub(super) faults: Faults,
    /// Whether another program has the world now, and answers in place of this one.
    pub(super) has_moved: AtomicBool,
    world: Mutex<World>,
}

/// A request with its whole body.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Pairs,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) type Pairs = HashMap<String, String>;

/// The parameters of a query or a form.
pub(super) fn pairs(text: &[u8]) -> Pairs {
    form_urlencoded::parse(text).into_owned().collect()
}

impl Incoming {
    /// The members of a form, or of a JSON body as texts.
    pub(super) fn members(&self) -> Pairs {
        if !self.is_json() {
            return pairs(&self.body);
        }
        let body: serde_json::Map<String, Value> =
            serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        body.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    pub(super) fn is_json(&self) -> bool {
        self.header(header::CONTENT_TYPE).starts_with("application/json")
    }

    pub(super) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The token of the `Authorization` header (RFC 6750 §2.1).
    pub(super) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header(header::AUTHORIZATION).split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    }
}

impl Engine {
    pub(super) fn new(
        name: &'static str,
        profile: &'static Profile,
        catalogue: &'static [Scope],
    ) -> Self {
        let (faults, world) = (Faults::default(), Mutex::default());
        Self { name, profile, catalogue, faults, has_moved: AtomicBool::new(false), world }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer, filled in.
pub(super) fn reply(reply: &Reply, more: &[(&str, &str)], values: &Values) -> Response {
    let (body, is_json) = template::fill_in_body(reply.body, values);
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let content_type = if is_json { "application/json; charset=utf-8" } else { "text/plain" };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in reply.headers.iter().chain(more) {
        let value = HeaderValue::try_from(template::fill_in_text(value, values));
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(*name), value) {
            headers.append(name, value);
        }
    }
    response
}
