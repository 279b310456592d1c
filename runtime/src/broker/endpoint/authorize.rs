//! The authorization endpoint: from a client's request to our consent page.

use std::net::IpAddr;

use axum::{
    extract::{Request as HttpRequest, State},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use url::Url;

use super::{
    parameters::Parameters,
    request::{Refusal, Request},
};
use crate::{
    broker::{
        Broker,
        client::{Client, NoClient, Standing},
        page, redirect,
    },
    support::digest as secret,
};
use crate::{grant::StoreError, support::random};

pub(crate) async fn begin(State(broker): State<Broker>, request: HttpRequest) -> Response {
    let party = crate::gate::party_of(request.extensions());
    let query = request.uri().query().unwrap_or_default().to_owned();
    let headers = request.headers().clone();
    broker.authorize(&query, &headers, party).await
}

impl Broker {
    async fn authorize(&self, query: &str, headers: &HeaderMap, party: Option<IpAddr>) -> Response {
        if let Err(refused) = self.0.limits.authorizations.check(party) {
            return self.stop(StatusCode::TOO_MANY_REQUESTS, refused.description());
        }
        let asked = match Parameters::parse(query.as_bytes()) {
            Ok(asked) => asked,
            Err(error) => return self.stop(StatusCode::BAD_REQUEST, &error.words()),
        };
        // Until both of these are known to be good, nobody is sent anywhere (RFC 6749 §4.1.2.1).
        let (client, redirect_uri) = match self.trusted_way_back(&asked, party).await {
            Ok(found) => found,
            Err(response) => return *response,
        };
        let (browser, is_new) = match self.0.cookies.browser(headers) {
            Some(browser) => (browser, false),
            None => (random::text(), true),
        };
        let read = self.read_request(&asked, &client, &redirect_uri, secret::digest(&browser));
        let request = match read {
            Ok(request) => request,
            Err(refusal) => {
                let state = asked.get("state");
                return self.send_back_early(&client, &redirect_uri, state, &refusal);
            }
        };
        let prompt = asked.get("prompt").unwrap_or_default();
        if prompt.split(' ').any(|prompt| prompt == "none") {
            let refusal = Refusal::new("login_required", "a person has to sign in");
            let state = request.state.as_deref();
            return self.send_back_early(&client, &redirect_uri, state, &refusal);
        }
        tracing::info!(target: "toolgate::broker", client = %client.id, scopes = %request.scopes.join(" "), "a client asks for authorization");
        let asks_again = prompt.split(' ').any(|p| p == "consent" || p == "select_account");
        let shown = self.ask_or_depart(request, headers, &browser, asks_again).await;
        let mut response = shown.unwrap_or_else(|error| self.failed(&error));
        if is_new {
            let cookie = self.0.cookies.set_browser(&browser);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// Shows the consent page, unless the person who signed in last with this browser has agreed.
    async fn ask_or_depart(
        &self,
        request: Request,
        headers: &HeaderMap,
        browser: &str,
        asks_again: bool,
    ) -> Result<Response, StoreError> {
        let signed_in = self.signed_in(headers).await?;
        if let Some(subject) = &signed_in
            && !asks_again
            && self.remembers(subject, &request).await?
        {
            return self.depart(request, signed_in, true).await;
        }
        self.ask(request, browser, signed_in.as_deref(), None).await
    }

    /// The client, and a redirect URI of its own; otherwise a page.
    async fn trusted_way_back(
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
            Err(NoClient::Unknown) => {
                return stop(
                    "This server does not know the application, or no longer. Remove the server in the application and add it again, so that it registers anew.",
                );
            }
            Err(NoClient::Document(why)) => {
                tracing::warn!(target: "toolgate::broker", client = ?id, %why, "a client's document was refused");
                return stop(&format!("The application's metadata cannot be used: {why}."));
            }
            Err(NoClient::Busy(error)) => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                return Err(Box::new(self.stop(status, error.description())));
            }
            Err(NoClient::Store(error)) => return Err(Box::new(self.failed(&error))),
        };
        let Some(redirect_uri) = asked.get("redirect_uri") else {
            return stop(
                "The request does not say where to go afterwards: `redirect_uri` is missing.",
            );
        };
        if !redirect::is_registered(&client.redirect_uris, redirect_uri) {
            tracing::warn!(target: "toolgate::broker", client = %client.id, "a redirect URI is not the client's");
            return stop(
                "The address to go to afterwards (`redirect_uri`) is not one that the application has registered.",
            );
        }
        Ok((client, redirect_uri.to_owned()))
    }

    /// Tells the client of an error before a person has agreed to anything.
    ///
    /// A stranger's site gets a link and no redirect: otherwise anybody could register one, and
    /// this server's address would lead there at once (RFC 9700 §4.11.2).
    fn send_back_early(
        &self,
        client: &Client,
        redirect_uri: &str,
        state: Option<&str>,
        refusal: &Refusal,
    ) -> Response {
        tracing::info!(target: "toolgate::broker", client = %client.id, code = refusal.code, reason = %refusal.description, "a client was refused");
        let is_native = redirect::check(redirect_uri, &self.0.schemes)
            .is_ok_and(|destination| destination.is_native());
        let url = self.answer_url(redirect_uri, state, &error_pairs(refusal));
        if is_native || client.standing == Standing::Known {
            return page::redirect(&url);
        }
        let host = Url::parse(redirect_uri).ok().and_then(|url| url.host_str().map(str::to_owned));
        page::stop(
            &self.0.root,
            StatusCode::BAD_REQUEST,
            "The application asked for what it cannot get",
            &format!("{}: {}.", refusal.code, refusal.description),
            host.as_deref().map(|host| (host, url.as_str())),
        )
    }

    /// Sends the answer to the client, after the person had a say.
    pub(crate) fn send_back(&self, request: &Request, refusal: &Refusal) -> Response {
        tracing::info!(target: "toolgate::broker", client = %request.client_id, code = refusal.code, reason = %refusal.description, "an authorization came to nothing");
        let state = request.state.as_deref();
        page::redirect(&self.answer_url(&request.redirect_uri, state, &error_pairs(refusal)))
    }

    /// The redirect URI with an answer: always with our issuer (RFC 9207).
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

    pub(crate) fn stop(&self, status: StatusCode, text: &str) -> Response {
        let mut response = page::stop(&self.0.root, status, "This cannot go on", text, None);
        if status == StatusCode::TOO_MANY_REQUESTS {
            let wait = HeaderValue::from_static("60");
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
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

fn error_pairs(refusal: &Refusal) -> [(&'static str, &str); 2] {
    [("error", refusal.code), ("error_description", &refusal.description)]
}
