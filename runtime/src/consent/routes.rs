//! The pages on a router.

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    routing::get,
};
use http::HeaderMap;

use super::{Consents, accounts, callback, connect, page};

impl Consents {
    /// The pages: `/connect/{id}`, `/callback/{provider}` and `/accounts`.
    pub(crate) fn router(&self) -> Router {
        let open =
            async |State(consents): State<Self>, Path(id): Path<String>, headers: HeaderMap| {
                connect::open(&consents, &id, &headers).await
            };
        let arrive = async |State(consents): State<Self>,
                            Path(provider): Path<String>,
                            Query(arrival): Query<callback::Arrival>,
                            headers: HeaderMap| {
            callback::arrive(&consents, &provider, arrival, &headers).await
        };
        let mut pages = Router::new()
            .route("/connect/{id}", get(open))
            .route("/callback/{provider}", get(arrive))
            .route(page::STYLE_PATH, get(async || page::style()));
        if self.0.lasts {
            let list = async |State(consents): State<Self>, headers: HeaderMap| {
                accounts::list(&consents, &headers).await
            };
            let disconnect = async |State(consents): State<Self>,
                                    headers: HeaderMap,
                                    Form(sent): Form<accounts::Sent>| {
                accounts::disconnect(&consents, &headers, sent).await
            };
            pages = pages.route(accounts::PATH, get(list).post(disconnect));
        }
        pages.with_state(self.clone())
    }
}
