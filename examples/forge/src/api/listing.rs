//! Lists in pages with `Link` headers (RFC 8288), and entity tags (RFC 9110 §8.8.3).

use aws_lc_rs::digest;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Forge;

#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    page: Option<usize>,
    per_page: Option<usize>,
    pub(super) state: Option<String>,
}

impl Forge {
    /// One page of `items`, found at `path` of the API.
    pub(super) fn page(
        &self,
        path: &str,
        paging: &Paging,
        items: &[Value],
        headers: &HeaderMap,
    ) -> Response {
        let size = paging.per_page.unwrap_or(30).clamp(1, 100);
        let page = paging.page.unwrap_or(1).max(1);
        let last = items.len().div_ceil(size).max(1);
        let start = ((page - 1) * size).min(items.len());
        let end = (start + size).min(items.len());
        let mut response = tagged(&items[start..end], headers);
        let state =
            paging.state.as_ref().map(|state| format!("&state={state}")).unwrap_or_default();
        let link = |rel: &str, to: usize| {
            let base = &self.base;
            format!("<{base}/api{path}?page={to}&per_page={size}{state}>; rel=\"{rel}\"")
        };
        let mut links = Vec::new();
        if page > 1 {
            links.push(link("prev", page - 1));
            links.push(link("first", 1));
        }
        if page < last {
            links.push(link("next", page + 1));
            links.push(link("last", last));
        }
        if let Ok(links) = HeaderValue::try_from(links.join(", "))
            && !links.is_empty()
        {
            response.headers_mut().insert(header::LINK, links);
        }
        response
    }
}

/// A value with its entity tag, or 304 if the asker has it.
pub(super) fn tagged(value: &(impl Serialize + ?Sized), headers: &HeaderMap) -> Response {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let digest = digest::digest(&digest::SHA256, &text);
    let bytes = digest.as_ref();
    let tag = format!("{:08x}", u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
    let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("hexadecimal fits into a header");
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    ([(header::ETAG, tag)], Json(value)).into_response()
}
