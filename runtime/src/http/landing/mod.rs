//! The page for people who open the server in a browser: what it is, its tools, and how to connect.
//!
//! It shows no more than a client with the rights of the visitor could list. A stranger sees tools
//! and instructions only where callers need no token; otherwise a person who is signed in with this
//! browser sees them.

mod hosts;
mod markup;
mod navigation;

use std::sync::{Arc, OnceLock};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use url::Url;

pub(crate) use self::hosts::Connection;
use self::markup::{Listing, View};
use super::path::PATH;
use crate::{
    browser::{
        ACCOUNTS_PATH,
        page::{FormAction, Page, STYLE_PATH},
    },
    gate::Claims,
    mcp::dispatch::Dispatch,
    support::{crypto, url::is_loopback},
};

/// The path of the page, where the server answers all paths. At the endpoint it is found as well.
pub(crate) const ROOT_PATH: &str = "/";

/// The page of a server.
pub(crate) struct LandingPage {
    dispatch: Arc<Dispatch>,
    /// What strangers get, where it does not depend on the request.
    for_strangers: OnceLock<Response<Bytes>>,
}

/// Who looks at the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visitor {
    /// It is not known who.
    Stranger,
    /// Anyone, where that is enough to list the tools.
    Anyone,
    /// A person who is signed in with this browser.
    Person,
}

impl LandingPage {
    pub(crate) fn new(dispatch: Arc<Dispatch>) -> Self {
        Self { dispatch, for_strangers: OnceLock::new() }
    }

    /// Whether a request to the endpoint is a browser's that navigates to it.
    pub(crate) fn is_wanted(request: &Parts) -> bool {
        navigation::is_navigation(request)
    }

    /// Answers a browser.
    pub(crate) async fn respond(&self, request: &Parts) -> Response {
        let visitor = self.visitor(&request.headers).await;
        let has_gate = self.dispatch.resource_server.is_some();
        let page = if visitor == Visitor::Person || !has_gate {
            self.page(&request.headers, visitor)
        } else {
            self.for_strangers.get_or_init(|| self.page(&request.headers, visitor)).clone()
        };
        let mut page = page.map(Body::from);
        let headers = page.headers_mut();
        let varies = "accept, authorization, cookie, mcp-session-id, sec-fetch-dest";
        headers.insert(header::VARY, HeaderValue::from_static(varies));
        // Caches that pass over `Vary` must not answer a client of the protocol with the page.
        let is_shared = visitor == Visitor::Anyone && request.uri.path() == ROOT_PATH;
        if is_shared && let Some(tag) = headers.get(header::ETAG).cloned() {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.remove(header::PRAGMA);
            if request.headers.get(header::IF_NONE_MATCH) == Some(&tag) {
                headers.remove(header::CONTENT_TYPE);
                *page.status_mut() = StatusCode::NOT_MODIFIED;
                return page.map(|_| Body::empty());
            }
        } else {
            headers.remove(header::ETAG);
        }
        if request.method == Method::HEAD { page.map(|_| Body::empty()) } else { page }
    }

    async fn visitor(&self, headers: &HeaderMap) -> Visitor {
        let Some(gate) = &self.dispatch.resource_server else { return Visitor::Anyone };
        if gate.allows_anonymous() {
            return Visitor::Anyone;
        }
        let consents = &self.dispatch.prompts.consents;
        if consents.authenticator().is_none() || !headers.contains_key(header::COOKIE) {
            return Visitor::Stranger;
        }
        match consents.subject(headers).await {
            Ok(Some(_)) => Visitor::Person,
            Ok(None) => Visitor::Stranger,
            Err(error) => {
                tracing::warn!(target: "toolgate::server", error, "the person behind a browser cannot be identified");
                Visitor::Stranger
            }
        }
    }

    fn page(&self, headers: &HeaderMap, visitor: Visitor) -> Response<Bytes> {
        let dispatch = &self.dispatch;
        let consents = &dispatch.prompts.consents;
        let has_gate = dispatch.resource_server.is_some();
        let site = consents.site();
        let url = self.endpoint_url(headers);
        let is_public =
            Url::parse(&url).is_ok_and(|url| url.scheme() == "https" && !is_loopback(&url));
        let connection = Connection::new(&dispatch.identity.name, url);
        let accounts = consents.path(ACCOUNTS_PATH);
        let has_accounts = consents.has_accounts() && consents.has_providers();
        let view = View {
            name: site.name(),
            identity: &dispatch.identity,
            connection: &connection,
            has_gate,
            allows_anonymous: visitor == Visitor::Anyone,
            is_public,
            accounts: has_accounts.then_some(&*accounts),
            listing: self.listing(visitor),
        };
        let page = Page {
            status: StatusCode::OK,
            title: &format!("Connect to {}", site.name()),
            body: view.body(),
            stylesheet: &consents.path(STYLE_PATH),
            form_action: FormAction::None,
        };
        let mut page = page.into_response_of(site);
        let tag = format!("\"{}\"", &crypto::sha256_base64url(page.body())[..22]);
        if let Ok(tag) = HeaderValue::try_from(tag) {
            page.headers_mut().insert(header::ETAG, tag);
        }
        page.map(Bytes::from)
    }

    /// What the visitor may list: the same that a client with the visitor's rights gets.
    fn listing(&self, visitor: Visitor) -> Option<Listing<'_>> {
        let caller = match visitor {
            Visitor::Stranger => return None,
            Visitor::Anyone => None,
            // Which scopes the person would grant a client is not known, so this one has none.
            Visitor::Person => Some(Claims::new("", "")),
        };
        let gate = self.dispatch.resource_server.as_ref();
        let for_models = || self.dispatch.tools.iter().filter(|tool| !tool.registered.app_only);
        let tools: Vec<_> = for_models()
            .filter(|tool| {
                gate.is_none_or(|gate| gate.is_listed(caller.as_ref(), &tool.required_scopes))
            })
            .collect();
        let is_partial = tools.len() < for_models().count();
        Some(Listing { instructions: self.dispatch.instructions.as_deref(), tools, is_partial })
    }

    /// The URL of the endpoint. Without a gate only this machine reaches the server, under the name
    /// that the browser used.
    fn endpoint_url(&self, headers: &HeaderMap) -> String {
        if let Some(gate) = &self.dispatch.resource_server {
            return gate.resource().to_owned();
        }
        let configured = self.dispatch.prompts.consents.url(PATH);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let used = host.and_then(|host| Url::parse(&format!("http://{host}{PATH}")).ok());
        match used {
            Some(used)
                if is_loopback(&used)
                    && Url::parse(&configured).is_ok_and(|url| is_loopback(&url)) =>
            {
                used.into()
            }
            _ => configured,
        }
    }
}
