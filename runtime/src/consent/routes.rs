//! The routes of the pages: `/connect/{id}`, `/callback/{provider}` and `/accounts`.

use axum::{
    Router,
    extract::{Path, Request, State},
    routing::get,
};
use http::{HeaderMap, Uri};

use super::{accounts, allow, connect, consents::Consents};
use crate::browser::{
    ACCOUNTS_PATH, CALLBACK_PATH, CONNECT_PATH, authorization_flow::callback, page,
};

impl Consents {
    /// The routes of a server, or of a listener that is there for one consent.
    pub(crate) fn router(&self) -> Router {
        let open =
            async |State(consents): State<Self>, Path(id): Path<String>, request: Request| {
                connect::open(&consents, &id, &request.into_parts().0).await
            };
        let decided =
            async |State(consents): State<Self>, Path(id): Path<String>, request: Request| {
                allow::decide(&consents, &id, request).await
            };
        let returned = async |State(consents): State<Self>, uri: Uri, headers: HeaderMap| {
            callback(consents, &uri, &headers).await
        };
        let mut pages = Router::new()
            .route(&format!("{CONNECT_PATH}/{{id}}"), get(open).post(decided))
            .route(&format!("{CALLBACK_PATH}/{{provider}}"), get(returned))
            .route(page::STYLE_PATH, get(async || page::stylesheet()));
        if self.has_accounts() {
            let list = async |State(consents): State<Self>, headers: HeaderMap| {
                accounts::list(&consents, &headers).await
            };
            let disconnect = async |State(consents): State<Self>, request: Request| {
                accounts::disconnect(&consents, request).await
            };
            pages = pages.route(ACCOUNTS_PATH, get(list).post(disconnect));
        }
        pages.with_state(self.clone())
    }
}
