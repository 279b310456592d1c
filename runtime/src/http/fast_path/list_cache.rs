//! Lists of tools, cached for callers who see the same tools.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    eligibility::{has_plain_headers, is_plain_id},
    response::response,
};
use crate::{
    gate::Claims,
    http::headers as names,
    mcp::{dispatch::Dispatch, message::Message},
};

/// Lists beyond this many are not cached.
const MAX_LISTS: usize = 64;

/// The tools that are listed to a caller, one bit for each; empty if all callers see all tools.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct VisibleTools(Box<[u64]>);

/// The results of `tools/list` that rmcp gave, by the tools that are listed.
#[derive(Default)]
pub(crate) struct ListCache(RwLock<HashMap<VisibleTools, Box<RawValue>>>);

impl VisibleTools {
    pub(crate) fn new(dispatch: &Dispatch, caller: Option<&Claims>) -> Self {
        let Some(gate) =
            dispatch.resource_server.as_ref().filter(|gate| gate.hides_unauthorized_tools())
        else {
            return Self(Box::default());
        };
        let mut bits = vec![0_u64; dispatch.tools.len().div_ceil(64)];
        for (number, tool) in dispatch.tools.iter().enumerate() {
            let listed = gate.is_listed(caller, &tool.required_scopes);
            bits[number / 64] |= u64::from(listed) << (number % 64);
        }
        Self(bits.into())
    }
}

impl ListCache {
    /// The identifier of the request, if it is a `tools/list` that the fast path takes.
    pub(crate) fn request_id<'a>(
        headers: &HeaderMap,
        message: &Message<'a>,
    ) -> Option<&'a RawValue> {
        let is_plain = message.method() == "tools/list"
            && has_plain_headers(headers, "tools/list")
            && !headers.contains_key(&names::NAME)
            && message.is_request()
            && message.has_only_meta();
        message.id.filter(|id| is_plain && is_plain_id(id.get()))
    }

    /// The response, if the list is cached.
    pub(crate) fn get(&self, visible: &VisibleTools, id: &RawValue) -> Option<Response> {
        let lists = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(response(id, Ok(&**lists.get(visible)?), ""))
    }

    /// Caches the list in rmcp's response, which is returned.
    pub(crate) async fn insert(&self, visible: VisibleTools, response: Response) -> Response {
        #[derive(Deserialize)]
        struct WithResult {
            result: Box<RawValue>,
        }
        let json = HeaderValue::from_static("application/json");
        if response.status() != StatusCode::OK
            || response.headers().get(header::CONTENT_TYPE) != Some(&json)
        {
            return response;
        }
        let (parts, body) = response.into_parts();
        let Ok(bytes) = body.collect().await.map(Collected::to_bytes) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        if let Ok(message) = serde_json::from_slice::<WithResult>(&bytes) {
            let mut lists = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if lists.len() < MAX_LISTS {
                lists.insert(visible, message.result);
            }
        }
        Response::from_parts(parts, Body::from(bytes))
    }
}
