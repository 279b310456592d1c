//! How a request is sent, and sent again where that is right.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Closure, Connection, Response, Transport, asked::Asked, refusal};
use crate::error::Error;

/// How many redirects are followed, all of them within the API's origin.
const REDIRECTS: usize = 5;

/// How long the question may take whether a token is good at all.
const PROBE: Duration = Duration::from_secs(10);

pub(super) enum Body {
    Empty,
    Bytes(Bytes),
    /// Can be sent once; `None` after that.
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

/// One request on its way.
pub(super) struct Exchange {
    pub(super) connection: Arc<Connection>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) asked: Asked,
    /// What is left of the request's time. Getting a token is not counted: that has limits of its
    /// own, and a person may be part of it.
    pub(super) left: Duration,
}

impl Exchange {
    /// Once more with a new token, if the first is no longer accepted. A 401 means that nothing
    /// was done, so that any method may be repeated.
    // Boxed here: what a tool awaits would be compiled again with it.
    pub(super) fn run(self, url: Url) -> BoxFuture<'static, Result<Response, Error>> {
        Box::pin(self.run_to_its_end(url))
    }

    async fn run_to_its_end(mut self, url: Url) -> Result<Response, Error> {
        let tokens = Arc::clone(&self.connection.tokens);
        let token = tokens.token().await?;
        let (at, response) = self.followed(url.clone(), &token).await?;
        if !self.is_refused(&at, response.status(), &token).await {
            return self.judge(at, response, &token).await;
        }
        drop(response);
        // Also if nothing can be sent again: the next call will have it.
        let renewed = tokens.renew(&token).await?;
        if matches!(self.body, Body::Stream(_)) {
            let provider = self.asked.provider;
            return Err(self.asked.refused(
                StatusCode::UNAUTHORIZED,
                format!("{provider} wanted a new access token, which it has by now, while a body was streamed, which cannot be sent twice. Call again"),
            ));
        }
        let (at, response) = self.followed(url, &renewed).await?;
        if self.is_refused(&at, response.status(), &renewed).await {
            tokens.give_up(&renewed).await;
            return Err(self.asked.no_longer_accepted());
        }
        self.judge(at, response, &renewed).await
    }

    /// Is it the token that is refused? A 401 says so; what a 403 means, some providers tell only by
    /// whether the token opens anything at all.
    async fn is_refused(&self, at: &Url, status: StatusCode, token: &SecretString) -> bool {
        match (status, self.connection.token_check) {
            (StatusCode::UNAUTHORIZED, _) => true,
            (StatusCode::FORBIDDEN, Some(path)) => {
                let Ok(token_check) = self.connection.join(path) else { return false };
                if token_check == *at && self.asked.is_safe() {
                    return true;
                }
                let Ok(bearer) = bearer(token) else { return false };
                let mut request = reqwest::Request::new(Method::GET, token_check);
                request.headers_mut().insert(header::AUTHORIZATION, bearer);
                *request.timeout_mut() = Some(self.left.min(PROBE));
                let answer = self.connection.transport.carry(request).await;
                let status = answer.map(|answer| answer.status());
                matches!(status, Ok(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
            }
            _ => false,
        }
    }

    async fn judge(
        self,
        at: Url,
        response: reqwest::Response,
        token: &SecretString,
    ) -> Result<Response, Error> {
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(Response::new(response, at, self.asked));
        }
        Err(refusal::read(&self.asked, response, token).await)
    }

    /// Follows redirects of safe requests within the API's origin; says where that led.
    async fn followed(
        &mut self,
        mut url: Url,
        token: &SecretString,
    ) -> Result<(Url, reqwest::Response), Error> {
        for _ in 0..=REDIRECTS {
            let response = self.attempt(&url, token).await?;
            let status = response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok((url, response));
            }
            let location = response.headers().get(header::LOCATION);
            let target = location.and_then(|location| location.to_str().ok());
            let Some(target) = target.and_then(|target| url.join(target).ok()) else {
                return Err(self.asked.unreadable("a redirect that leads nowhere"));
            };
            if !self.asked.is_safe() {
                let message = format!(
                    "{} sends {} on to another place, and what may change something is not sent again there. Nothing is known to be done",
                    self.asked.provider,
                    self.asked.what()
                );
                return Err(self.asked.refused(status, message));
            }
            if !self.connection.is_ours(&target) {
                return Err(self.asked.elsewhere(status, &target));
            }
            url = target;
        }
        Err(self.asked.unreadable(&format!("more than {REDIRECTS} redirects")))
    }

    /// A safe request whose connection broke before an answer began is sent once more: a kept
    /// connection may have been closed at the other end.
    async fn attempt(
        &mut self,
        url: &Url,
        token: &SecretString,
    ) -> Result<reqwest::Response, Error> {
        self.headers.insert(header::AUTHORIZATION, bearer(token)?);

        let mut result = self.once(url).await;
        if let Err(error) = &result {
            let broke = error.is_request() && !error.is_connect() && !error.is_timeout();
            if broke && self.asked.is_safe() && !matches!(self.body, Body::Stream(_)) {
                result = self.once(url).await;
            }
        }
        result.map_err(|error| self.asked.unreachable(error))
    }

    async fn once(&mut self, url: &Url) -> Result<reqwest::Response, reqwest::Error> {
        let mut request = reqwest::Request::new(self.asked.method.clone(), url.clone());
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = self.body.take();
        *request.timeout_mut() = Some(self.left);
        let started = Instant::now();
        let result = self.connection.transport.carry(request).await;
        let took = started.elapsed();
        self.left = self.left.saturating_sub(took);
        let status = result.as_ref().ok().map(|response| response.status().as_u16());
        tracing::debug!(provider = self.asked.provider, method = %self.asked.method, status, ?took, "asked the API");
        result
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
        .map_err(|_| Error::internal("the access token holds what no header can carry"))?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

#[async_trait]
impl Transport for reqwest::Client {
    async fn carry(&self, request: reqwest::Request) -> Result<reqwest::Response, reqwest::Error> {
        self.execute(request).await
    }
}

#[async_trait]
impl<F> Transport for Closure<F>
where
    F: Fn(http::Request<Bytes>) -> http::Response<Bytes> + Send + Sync,
{
    async fn carry(
        &self,
        mut request: reqwest::Request,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let body = match request.body_mut().take() {
            Some(body) => body.collect().await?.to_bytes(),
            None => Bytes::new(),
        };
        let mut asked = http::Request::new(body);
        *asked.method_mut() = request.method().clone();
        // What a URL may hold and a URI may not was encoded when the URL was parsed.
        *asked.uri_mut() = request.url().as_str().parse().unwrap_or_default();
        *asked.headers_mut() = std::mem::take(request.headers_mut());
        Ok(self.0(asked).into())
    }
}

impl Connection {
    /// May the token go there?
    pub(super) fn is_ours(&self, url: &Url) -> bool {
        // A name and a password in a URL would become another `Authorization`.
        url.origin() == self.api.origin() && url.username().is_empty() && url.password().is_none()
    }

    /// The API's path and the request's, one after the other, at the API's origin.
    pub(super) fn join(&self, path: &str) -> Result<Url, Error> {
        let path = format!("{}{path}", self.api.path().trim_end_matches('/'));
        let mut url = self.api.clone();
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        // `set_path` normalises; what it made of the path must still be the path.
        if !self.is_ours(&url) || url.path() != path {
            return Err(Error::internal(format!("`{path}` is not a path at {}", self.provider)));
        }
        Ok(url)
    }
}
