//! The authorization endpoint: from a client's request to the consent page.

use std::net::IpAddr;

use axum::{
    extract::{Request as HttpRequest, State},
    response::Response,
};
use http::{HeaderMap, StatusCode, header};
use url::Url;

use super::request::{AuthorizationError, AuthorizationRequest};
use crate::support::escape::escape;
use crate::{
    broker::{
        client::{Client, ClientError, ClientTrust},
        documents::error::DocumentError,
        page, redirect,
        state::Broker,
        traced,
    },
    support::crypto,
};
use crate::{
    browser::{form::Parameters, page::redirect as redirect_to, request_limit::TooManyRequests},
    grant::StoreError,
    trace::{Decision, EventKind, Found},
};

/// Handles an authorization request.
pub(crate) async fn authorize(State(broker): State<Broker>, request: HttpRequest) -> Response {
    let party = crate::gate::connected_ip_key(request.extensions());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let headers = request.headers().clone();
    broker.authorize(&query, &headers, party).await
}

impl Broker {
    async fn authorize(&self, query: &str, headers: &HeaderMap, party: Option<IpAddr>) -> Response {
        if let Err(refused) = self.0.limits.authorizations.check(party) {
            return self.too_many_requests(refused);
        }
        let asked = match Parameters::parse(query.as_bytes()) {
            Ok(asked) => asked,
            Err(error) => return self.stop(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        // Without a valid client and redirect URI, there is no redirect (RFC 6749 §4.1.2.1).
        let (client, redirect_uri) = match self.client_and_redirect_uri(&asked, party).await {
            Ok(found) => found,
            Err(response) => return *response,
        };
        let (browser, is_new) = match self.browser_cookie(headers) {
            Some(browser) => (browser.to_owned(), false),
            None => (crypto::random_token(), true),
        };
        let read =
            self.read_request(&asked, &client, &redirect_uri, crypto::sha256_base64url(&browser));
        let request = match read {
            Ok(request) => request,
            Err(error) => {
                let state = asked.get("state");
                return self.send_back_early(&client, &redirect_uri, state, &error);
            }
        };
        let prompt = asked.get("prompt").unwrap_or_default();
        if prompt.split(' ').any(|prompt| prompt == "none") {
            let error = AuthorizationError::new("login_required", "a person has to sign in");
            let state = request.state.as_deref();
            return self.send_back_early(&client, &redirect_uri, state, &error);
        }
        tracing::info!(target: "toolgate::broker", client = %escape(&client.id), scopes = %escape(&request.scopes.join(" ")), "a client asks for authorization");
        self.authorization_span(&request.challenge).emit(|| EventKind::AuthorizationBegun {
            client: Found::new(&client.id),
            trust: (&client.trust).into(),
            scopes: request.scopes[..].into(),
        });
        let asks_again = prompt.split(' ').any(|p| p == "consent" || p == "select_account");
        let shown = self.ask_or_redirect(request, headers, &browser, asks_again).await;
        let mut response = shown.unwrap_or_else(|error| self.failed(&error));
        if is_new {
            let cookie = self.set_browser_cookie(&browser);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// Shows the consent page, unless the person who signed in last with this browser has agreed
    /// before.
    async fn ask_or_redirect(
        &self,
        request: AuthorizationRequest,
        headers: &HeaderMap,
        browser: &str,
        asks_again: bool,
    ) -> Result<Response, StoreError> {
        let signed_in = self.signed_in(headers).await?;
        if let Some(subject) = &signed_in
            && !asks_again
            && self.remembers(subject, &request).await?
        {
            self.trace_consent(&request, Decision::Remembered);
            return self.redirect_to_provider(request, browser, signed_in, true).await;
        }
        self.ask(request, browser, signed_in.as_deref(), None).await
    }

    /// The client, and its redirect URI; otherwise a page that tells what is wrong.
    async fn client_and_redirect_uri(
        &self,
        asked: &Parameters,
        party: Option<IpAddr>,
    ) -> Result<(Client, String), Box<Response>> {
        let stop = |text: &str| Err(Box::new(self.stop(StatusCode::BAD_REQUEST, text)));
        let Some(id) = asked.get("client_id") else {
            return stop(
                "The request does not say which application it comes from: `client_id` is missing.",
            );
        };
        let client = match self.client(id, party).await {
            Ok(client) => client,
            Err(ClientError::Unknown) => {
                return stop(
                    "This server does not know the application, or no longer. Remove the server in the application and add it again, so that it registers again.",
                );
            }
            Err(ClientError::Document(DocumentError::Unreachable { host })) => {
                return Err(Box::new(self.no_way_out(&host)));
            }
            Err(ClientError::Document(why @ DocumentError::Invalid(_))) => {
                tracing::warn!(target: "toolgate::broker", client = %escape(id), why = ?why.to_string(), "a client's document was refused");
                return stop(&format!("The application's metadata cannot be used: {why}."));
            }
            Err(ClientError::TooManyRequests(refused)) => {
                return Err(Box::new(self.too_many_requests(refused)));
            }
            Err(ClientError::Store(error)) => return Err(Box::new(self.failed(&error))),
        };
        let Some(redirect_uri) = asked.get("redirect_uri") else {
            return stop(
                "The request does not say where to go afterwards: `redirect_uri` is missing.",
            );
        };
        if !redirect::is_registered(&client.redirect_uris, redirect_uri) {
            tracing::warn!(target: "toolgate::broker", client = %escape(&client.id), "a redirect URI is not the client's");
            return stop(
                "The address to go to afterwards (`redirect_uri`) is not one that the application has registered.",
            );
        }
        Ok((client, redirect_uri.to_owned()))
    }

    /// Returns an error to the client before a person has agreed to anything.
    ///
    /// The page of a client that nobody vouches for has a link instead of a redirect: otherwise
    /// anyone could register a site to which this server redirects at once (RFC 9700 §4.11.2).
    fn send_back_early(
        &self,
        client: &Client,
        redirect_uri: &str,
        state: Option<&str>,
        error: &AuthorizationError,
    ) -> Response {
        tracing::info!(target: "toolgate::broker", client = %escape(&client.id), code = error.code, reason = %escape(&error.description), "a client was refused");
        traced::refused(&self.new_span(), &client.id, error.code);
        let is_native =
            redirect::check(redirect_uri).is_ok_and(|destination| destination.is_native());
        let url = self.answer_url(redirect_uri, state, &error_pairs(error));
        if is_native || client.trust == ClientTrust::Known {
            return redirect_to(&url);
        }
        let host = Url::parse(redirect_uri).ok().and_then(|url| url.host_str().map(str::to_owned));
        page::stop(
            &self.0.root,
            StatusCode::BAD_REQUEST,
            "The application asked for what it cannot get",
            &format!("{}: {}.", error.code, error.description),
            host.as_deref().map(|host| (host, url.as_str())),
        )
    }

    /// Redirects to the client with an error, after the person was asked.
    pub(crate) fn send_back(
        &self,
        request: &AuthorizationRequest,
        error: &AuthorizationError,
    ) -> Response {
        tracing::info!(target: "toolgate::broker", client = %escape(&request.client_id), code = error.code, reason = %escape(&error.description), "an authorization came to nothing");
        let span = self.authorization_span(&request.challenge);
        traced::refused(&span, &request.client_id, error.code);
        let state = request.state.as_deref();
        redirect_to(&self.answer_url(&request.redirect_uri, state, &error_pairs(error)))
    }

    /// The redirect URI with an answer, which always has the issuer (RFC 9207).
    pub(crate) fn answer_url(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        pairs: &[(&str, &str)],
    ) -> String {
        let Ok(mut url) = Url::parse(redirect_uri) else { return self.0.issuer.clone() };
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(pairs);
            if let Some(state) = state {
                query.append_pair("state", state);
            }
            query.append_pair("iss", &self.0.issuer);
        }
        url.into()
    }

    /// A page for an application that this server knows only by a document that it cannot fetch.
    fn no_way_out(&self, host: &str) -> Response {
        let text = format!(
            "The application publishes who it is at {host}, and this server cannot fetch that: it may have no way out, or the site may be down. Try again later. If this server is cut off, its operator can make applications register instead, with `client_metadata_documents(false)`."
        );
        let title = "This server cannot reach the application's site";
        page::stop(&self.0.root, StatusCode::BAD_REQUEST, title, &text, None)
    }

    pub(crate) fn stop(&self, status: StatusCode, text: &str) -> Response {
        page::stop(&self.0.root, status, "This cannot go on", text, None)
    }

    pub(crate) fn too_many_requests(
        &self,
        TooManyRequests { retry_after }: TooManyRequests,
    ) -> Response {
        let text = "too many requests; try again later";
        let mut response = self.stop(StatusCode::TOO_MANY_REQUESTS, text);
        let seconds = retry_after.as_secs().max(1);
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        response
    }

    pub(crate) fn failed(&self, error: &StoreError) -> Response {
        tracing::error!(target: "toolgate::broker", %error, "the broker's records failed");
        let status = match error {
            StoreError::Full => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        self.stop(
            status,
            "This server failed. Its operator's log has the details; try again later.",
        )
    }
}

fn error_pairs(error: &AuthorizationError) -> [(&'static str, &str); 2] {
    [("error", error.code), ("error_description", &error.description)]
}
