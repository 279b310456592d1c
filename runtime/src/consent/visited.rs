//! The pages of a consent without a router, for a listener that has nothing else.

use http::{Method, StatusCode, request::Parts};

use super::{Answer, Consents, callback, connect, page};

impl Consents {
    /// The page at `/connect/{id}` or `/callback/{provider}`.
    pub(crate) async fn visited(&self, head: &Parts) -> Answer {
        if head.method != Method::GET {
            return page::words(StatusCode::METHOD_NOT_ALLOWED, "pages are asked for by GET");
        }
        let path = head.uri.path();
        // Neither an ID of ours nor a provider's holds what a URL would encode.
        match path.trim_start_matches('/').split_once('/') {
            Some(("connect", id)) => connect::open(self, id, &head.headers).await,
            Some(("callback", provider)) => {
                let query = head.uri.query().unwrap_or_default();
                let Ok(arrival) = serde_urlencoded::from_str(query) else {
                    return page::not_ours();
                };
                callback::arrive(self, provider, arrival, &head.headers).await
            }
            None if path == page::STYLE_PATH => page::style(),
            _ => page::words(StatusCode::NOT_FOUND, "there is no such page"),
        }
    }
}
