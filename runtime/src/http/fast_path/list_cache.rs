//! What is listed, made once, and `securitySchemes` of the listed tools where hosts look for them.
//!
//! rmcp's type of a tool has no such member, so it stands under `_meta` until the answer is
//! written, and here also beside it.

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
use serde_json::{Value, value::RawValue};

use super::{
    call::{fits, is_plain, respond},
    envelope::Envelope,
};
use crate::gate::Claims;
use crate::{http::headers as head, mcp::dispatch::Dispatch};

/// More lists than these are made anew each time.
const MOST: usize = 64;

/// Which tools a caller sees, a bit for each.
pub(crate) type Seen = Box<[u64]>;

/// What rmcp said when it was asked for a list, by the tools that the caller sees.
#[derive(Default)]
pub(crate) struct Lists(RwLock<HashMap<Seen, Box<RawValue>>>);

#[derive(Deserialize)]
struct Said {
    result: Box<RawValue>,
}

impl Dispatch {
    /// Which tools are listed to this caller.
    pub(crate) fn seen_by(&self, claims: Option<&Claims>) -> Seen {
        let hides = self.admission.as_ref().filter(|admission| admission.hides());
        let Some(admission) = hides else { return Seen::default() };
        let mut seen = vec![0_u64; self.tools.len().div_ceil(64)];
        for (number, tool) in self.tools.iter().enumerate() {
            seen[number / 64] |=
                u64::from(admission.lists(claims, &tool.required_scopes)) << (number % 64);
        }
        seen.into()
    }
}

impl Lists {
    /// The identifier of a `tools/list` of 2026-07-28 about which nothing is unusual.
    pub(crate) fn read<'a>(headers: &HeaderMap, envelope: &Envelope<'a>) -> Option<&'a RawValue> {
        let plain = fits(headers, "tools/list")
            && !headers.contains_key(&head::NAME)
            && envelope.is_request()
            && envelope.asks_for_first_page();
        envelope.id.filter(|id| plain && is_plain(id.get()))
    }

    /// The answer, if it was given before.
    pub(crate) fn answer(&self, seen: &Seen, id: &RawValue) -> Option<Response> {
        let lists = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(respond(id, Ok(&**lists.get(seen)?)))
    }

    /// Keeps what rmcp says to who sees these tools.
    pub(crate) async fn learn(&self, seen: Seen, response: Response) -> Response {
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
        if let Ok(said) = serde_json::from_slice::<Said>(&bytes) {
            let mut lists = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if lists.len() < MOST {
                lists.insert(seen, said.result);
            }
        }
        Response::from_parts(parts, Body::from(bytes))
    }
}

/// The answer to a `tools/list`, with the schemes lifted.
pub(crate) async fn lift_schemes(response: Response) -> Response {
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = body.collect().await.map(Collected::to_bytes) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    let lifted = if text.starts_with('{') {
        lift(text)
    } else {
        // Events: of those with data, one holds the answer.
        let event = |line: &str| match line.strip_prefix("data: ").and_then(lift) {
            Some(data) => format!("data: {data}\n"),
            None => format!("{line}\n"),
        };
        Some(text.lines().map(event).collect())
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, lifted.map_or_else(|| Body::from(bytes.clone()), Body::from))
}

/// `None`: it is no list of tools.
fn lift(message: &str) -> Option<String> {
    let mut message: Value = serde_json::from_str(message).ok()?;
    for tool in message.pointer_mut("/result/tools")?.as_array_mut()? {
        if let Some(schemes) = tool.pointer("/_meta/securitySchemes").cloned() {
            tool["securitySchemes"] = schemes;
        }
    }
    Some(message.to_string())
}
