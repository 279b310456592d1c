//! Execution of a request: tokens, redirects and retries.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    Response, api_error,
    connection::SharedConnection,
    request_description::RequestDescription,
    signal::{self, Signal},
};
use crate::{
    error::Error,
    trace::{EventKind, Origin, SpanId, UpstreamAttempt, UpstreamFailure},
};

/// The most redirects that are followed, all of them within the API's origin.
const MAX_REDIRECTS: usize = 5;

/// How long the check of a token after a 403 may take.
const TOKEN_CHECK_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) enum Body {
    Empty,
    Bytes(Bytes),
    /// It can be sent once; `None` after that.
    Stream(Option<reqwest::Body>),
}

impl Body {
    fn take(&mut self) -> Option<reqwest::Body> {
        match self {
            Self::Empty => None,
            Self::Bytes(bytes) => Some(bytes.clone().into()),
            Self::Stream(body) => body.take(),
        }
    }
}

/// A request that is being sent.
pub(super) struct Exchange {
    connection: SharedConnection,
    headers: HeaderMap,
    body: Body,
    description: RequestDescription,
    /// The rest of the request's timeout. It does not include getting a token, which has its own
    /// limits and may involve the user.
    remaining: Duration,
    /// How often it was sent, and why it is sent now.
    attempts: u32,
    cause: UpstreamAttempt,
}

impl Exchange {
    pub(super) fn new(
        connection: SharedConnection,
        headers: HeaderMap,
        body: Body,
        description: RequestDescription,
    ) -> Self {
        let remaining = description.timeout;
        let (attempts, cause) = (0, UpstreamAttempt::First);
        Self { connection, headers, body, description, remaining, attempts, cause }
    }

    /// Sends the request, and once more with a new token if the first is no longer accepted. A 401
    /// means that nothing was executed, so any method may be repeated.
    // Boxed, because a future that a tool awaits is compiled again with each tool.
    pub(super) fn run(self, url: Url) -> BoxFuture<'static, Result<Response, Error>> {
        Box::pin(self.send_with_tokens(url))
    }

    async fn send_with_tokens(mut self, url: Url) -> Result<Response, Error> {
        let tokens = Arc::clone(&self.connection.tokens);
        let token = tokens.token().await?;
        let (at, response) = self.follow_redirects(url.clone(), &token).await?;
        let (signal, response) = self.read_signal(response).await?;
        if !self.is_token_refused(&at, response.status(), &signal, &token).await {
            return self.finish(at, response, signal, &token).await;
        }
        drop(response);
        // Renewed even if the request cannot be sent again: the next call uses the new token.
        let renewed = tokens.renew(&token).await?;
        if matches!(self.body, Body::Stream(_)) {
            let provider = self.description.provider;
            return Err(self.description.error_response(
                StatusCode::UNAUTHORIZED,
                format!("{provider} wanted a new access token, which it has by now, while a body was streamed, which cannot be sent twice. Call again"),
            ));
        }
        self.cause = UpstreamAttempt::NewToken;
        let (at, response) = self.follow_redirects(url, &renewed).await?;
        let (signal, response) = self.read_signal(response).await?;
        if self.is_token_refused(&at, response.status(), &signal, &renewed).await {
            tokens.reject(&renewed).await;
            return Err(tokens.rejection().unwrap_or_else(|| self.description.grant_expired()));
        }
        self.finish(at, response, signal, &renewed).await
    }

    /// Finds what the provider's dialect says that the response means.
    async fn read_signal(
        &self,
        response: reqwest::Response,
    ) -> Result<(Signal, reqwest::Response), Error> {
        let signals = &self.connection.dialect.api_signals;
        if !signal::is_watched(signals, response.status()) {
            return Ok((Signal::None, response));
        }
        signal::read(signals, response).await.map_err(|error| self.description.unreachable(error))
    }

    /// Whether the token is the reason of an error response. A 401 says so. Some providers respond 403
    /// to an expired token, which is then refused at the token check too.
    async fn is_token_refused(
        &self,
        at: &Url,
        status: StatusCode,
        signal: &Signal,
        token: &SecretString,
    ) -> bool {
        match signal {
            Signal::None => {}
            Signal::InvalidToken => return true,
            Signal::ApiError => return status == StatusCode::UNAUTHORIZED,
            Signal::RateLimited | Signal::InsufficientScope(_) => return false,
        }
        match (status, self.connection.dialect.token_check) {
            (StatusCode::UNAUTHORIZED, _) => true,
            (StatusCode::FORBIDDEN, Some(path)) => {
                let Ok(token_check) = self.connection.join(path) else { return false };
                if token_check == *at && self.description.is_safe() {
                    return true;
                }
                let Ok(bearer) = bearer(token) else { return false };
                let mut request = reqwest::Request::new(Method::GET, token_check);
                for &(name, value) in self.connection.dialect.api_headers {
                    if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                        request.headers_mut().insert(name, HeaderValue::from_static(value));
                    }
                }
                request.headers_mut().insert(header::AUTHORIZATION, bearer);
                *request.timeout_mut() = Some(self.remaining.min(TOKEN_CHECK_TIMEOUT));
                let answer = self.connection.transport.execute(request).await;
                let status = answer.map(|answer| answer.status());
                matches!(status, Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
            }
            _ => false,
        }
    }

    async fn finish(
        self,
        at: Url,
        response: reqwest::Response,
        signal: Signal,
        token: &SecretString,
    ) -> Result<Response, Error> {
        let status = response.status();
        let is_good = status.is_success() || status == StatusCode::NOT_MODIFIED;
        if is_good && signal == Signal::None {
            return Ok(Response::new(response, at, self.description));
        }
        let dialect = self.connection.dialect;
        Err(api_error::from_response(&self.description, dialect, response, signal, token).await)
    }

    /// Follows redirects of safe requests within the API's origin. Returns the final URL, too.
    async fn follow_redirects(
        &mut self,
        mut url: Url,
        token: &SecretString,
    ) -> Result<(Url, reqwest::Response), Error> {
        for _ in 0..=MAX_REDIRECTS {
            let response = self.attempt(&url, token).await?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok((url, response));
            }
            let location = response.headers().get(header::LOCATION);
            let target = location.and_then(|location| location.to_str().ok());
            let Some(target) = target.and_then(|target| url.join(target).ok()) else {
                return Err(self.description.unreadable("a redirect that leads nowhere"));
            };
            if !self.description.is_safe() {
                let message = format!(
                    "{} sends {} on to another place, and what may change something is not sent again there. Nothing is known to be done",
                    self.description.provider,
                    self.description.quoted()
                );
                return Err(self.description.error_response(status, message));
            }
            if !self.connection.is_within_api(&target) {
                return Err(self.description.outside_api(status, &target));
            }
            url = target;
            self.cause = UpstreamAttempt::Redirect;
        }
        Err(self.description.unreadable(&format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// Sends a request. A safe one is sent once more if its connection breaks before a response
    /// begins, because the server may have closed a kept connection.
    async fn attempt(
        &mut self,
        url: &Url,
        token: &SecretString,
    ) -> Result<reqwest::Response, Error> {
        self.headers.insert(header::AUTHORIZATION, bearer(token)?);

        let mut result = self.attempt_once(url).await;
        if let Err(error) = &result {
            let broke = error.is_request() && !error.is_connect() && !error.is_timeout();
            if broke && self.description.is_safe() && !matches!(self.body, Body::Stream(_)) {
                self.cause = UpstreamAttempt::Connection;
                result = self.attempt_once(url).await;
            }
        }
        result.map_err(|error| self.description.unreachable(error))
    }

    async fn attempt_once(&mut self, url: &Url) -> Result<reqwest::Response, reqwest::Error> {
        let mut request = reqwest::Request::new(self.description.method.clone(), url.clone());
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = self.body.take();
        *request.timeout_mut() = Some(self.remaining);
        let id = self.connection.span.propagate(request.headers_mut());
        let started = Instant::now();
        let result = self.connection.transport.execute(request).await;
        let took = started.elapsed();
        self.remaining = self.remaining.saturating_sub(took);
        self.attempts += 1;
        self.trace(&result, (id, took));
        let status = result.as_ref().ok().map(|response| response.status().as_u16());
        tracing::debug!(provider = self.description.provider, method = %self.description.method, status, ?took, "request to the API");
        result
    }

    fn trace(
        &self,
        result: &Result<reqwest::Response, reqwest::Error>,
        (request, took): (Option<SpanId>, Duration),
    ) {
        self.connection.span.emit(|| EventKind::UpstreamRequest {
            provider: self.connection.provider_id,
            method: (&self.description.method).into(),
            path: &self.description.path_template,
            status: result.as_ref().ok().map(|response| response.status().as_u16()),
            failure: result.as_ref().err().map(failure),
            attempt: self.attempts,
            retried: self.cause,
            origin: Origin::of(&self.connection.api),
            request,
            ms: took.into(),
        });
    }
}

fn failure(error: &reqwest::Error) -> UpstreamFailure {
    if error.is_connect() {
        UpstreamFailure::Connect
    } else if error.is_timeout() {
        UpstreamFailure::Timeout
    } else {
        UpstreamFailure::Broken
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| Error::internal("the access token has characters that no header may have"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}
