//! The routes of the pages: `/connect/{id}`, `/callback/{provider}` and `/accounts`.

use axum::{
    Router,
    extract::{Path, Request, State},
    routing::get,
};
use http::{HeaderMap, Uri};

use super::{
    accounts, address, allow, connect,
    consents::Consents,
    forms::{self, FormKind},
};
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
                match forms::receive(&consents, &id, request).await {
                    Ok((FormKind::Allow, sent)) => allow::decide(&consents, &id, sent).await,
                    Ok((FormKind::Address, sent)) => address::submit(&consents, &id, sent).await,
                    Err(response) => *response,
                }
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
            let submit = async |State(consents): State<Self>, request: Request| {
                accounts::submit(&consents, request).await
            };
            pages = pages.route(ACCOUNTS_PATH, get(list).post(submit));
        }
        pages.with_state(self.clone())
    }
}
