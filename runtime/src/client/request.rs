//! A request to a provider's API: built, authorized, sent, and sent again where that is right.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{Connection, Pages, Path, Response, Transport, refusal};
use crate::error::{Error, ErrorKind};

/// How long a call may take unless [`Request::timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How many redirects are followed, all of them to the same origin.
const REDIRECTS: usize = 5;

/// A request to the provider's API. What is wrong with it surfaces when it is sent.
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    connection: Arc<Connection>,
    method: Method,
    url: Result<Url, Error>,
    headers: HeaderMap,
    body: Body,
    timeout: Duration,
}

enum Body {
    Empty,
    Bytes(Bytes),
    /// Cannot be sent again.
    Stream(reqwest::Body),
}

impl Request {
    pub(super) fn new(connection: Arc<Connection>, method: Method, path: Path) -> Self {
        let url = path.into_text().and_then(|path| join(&connection.api, &path));
        Self {
            connection,
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            timeout: TIMEOUT,
        }
    }

    /// Adds to the query: a struct, a map or a list of pairs, form-encoded.
    pub fn query(mut self, query: &(impl Serialize + ?Sized)) -> Self {
        self.url = self.url.and_then(|url| {
            // reqwest's encoder, so that a query means here what it means there.
            let request = reqwest::Client::new().get(url).query(query).build();
            request.map(|request| request.url().clone()).map_err(Error::internal)
        });
        self
    }

    /// Sends a value as JSON.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => {
                self.body = Body::Bytes(bytes.into());
                self.headers
                    .entry(header::CONTENT_TYPE)
                    .or_insert(HeaderValue::from_static("application/json"));
            }
            Err(error) => self.fail(Error::internal(error)),
        }
        self
    }

    /// Sends a body as it is. A stream is sent once: if the token has to be renewed meanwhile, the
    /// call fails instead.
    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        let body = body.into();
        self.body = match body.as_bytes() {
            Some(bytes) => Body::Bytes(Bytes::copy_from_slice(bytes)),
            None => Body::Stream(body),
        };
        self
    }

    /// Adds a header. `Authorization`, `Cookie` and `Host` are the runtime's own.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let pair = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
        match pair {
            (Ok(header::AUTHORIZATION | header::COOKIE | header::HOST), _) => {
                self.fail(Error::internal(format!("a tool may not set the header `{name}` itself")))
            }
            (Ok(name), Ok(value)) => drop(self.headers.append(name, value)),
            _ => self.fail(Error::internal(format!("`{name}` or its value is not a header"))),
        }
        self
    }

    /// How long the call may take, the answer's headers included; 30 seconds if nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn fail(&mut self, error: Error) {
        if self.url.is_ok() {
            self.url = Err(error);
        }
    }

    /// Follows the `next` links of the answers (RFC 8288): a stream of items of type `T`, where
    /// each page is a JSON array of them.
    pub fn paginate<T: DeserializeOwned + Send + 'static>(self) -> Pages<T> {
        Pages::new(self)
    }

    /// Sends it, with the caller's token.
    ///
    /// # Errors
    ///
    /// The request could not be built; the provider refused it ([`ErrorKind::UpstreamRefused`],
    /// [`ErrorKind::ScopeMissing`]), could not be reached, or accepts the caller's grant no longer.
    /// A status of 200 to 299, and 304, is no error.
    pub async fn send(self) -> Result<Response, Error> {
        let Self { connection, method, url, headers, body, timeout } = self;
        let url = url?;
        let sending = Sending { connection: &connection, method, headers, timeout };
        sending.authorized(url, body).await
    }

    pub(super) fn again(&self, url: Url) -> Result<Self, Error> {
        let connection = Arc::clone(&self.connection);
        if url.origin() != connection.api.origin() {
            return Err(elsewhere(&connection, &url));
        }
        Ok(Self {
            connection,
            method: self.method.clone(),
            url: Ok(url),
            headers: self.headers.clone(),
            body: Body::Empty,
            timeout: self.timeout,
        })
    }

    pub(super) fn duplicate(&self) -> Result<Self, Error> {
        match &self.url {
            Ok(url) => self.again(url.clone()),
            Err(error) => Err(Error::of(error.kind().clone(), error.message().to_owned())),
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The query may hold what nobody should read.
        let path = self.url.as_ref().map(Url::path).unwrap_or_default();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

/// The API's path and the request's, one after the other, at the API's origin.
fn join(api: &Url, path: &str) -> Result<Url, Error> {
    let mut url = api.clone();
    let base = api.path().trim_end_matches('/');
    url.set_path(&format!("{base}{path}"));
    url.set_query(None);
    // `set_path` normalises; what it made of the path must still be the path.
    if url.path() != format!("{base}{path}") {
        return Err(Error::of(
            ErrorKind::InvalidArgument,
            "a value in the path is no segment of one, so nothing was asked for; correct the arguments and call again",
        ));
    }
    Ok(url)
}

struct Sending<'a> {
    connection: &'a Connection,
    method: Method,
    headers: HeaderMap,
    timeout: Duration,
}

impl Sending<'_> {
    /// Once more with a new token, if the first is no longer accepted. A 401 means that nothing
    /// was done, so that any method may be repeated.
    async fn authorized(&self, url: Url, body: Body) -> Result<Response, Error> {
        let tokens = &self.connection.tokens;
        let token = tokens.token().await?;
        let again = match &body {
            Body::Empty => Some(Body::Empty),
            Body::Bytes(bytes) => Some(Body::Bytes(bytes.clone())),
            Body::Stream(_) => None,
        };
        let response = self.followed(url.clone(), body, &token).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return self.judge(response, &token).await;
        }
        drop(response);
        let renewed = tokens.renew(&token).await?;
        let Some(body) = again else {
            return Err(Error::of(
                ErrorKind::UpstreamRefused {
                    provider: self.connection.provider,
                    status: 401,
                    retry_after: None,
                },
                "the access token was renewed while a body was streamed, which cannot be sent twice; call again",
            ));
        };
        let response = self.followed(url, body, &renewed).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            tokens.give_up(&renewed).await;
            return Err(refusal::no_longer_accepted(self.connection.provider));
        }
        self.judge(response, &renewed).await
    }

    async fn judge(
        &self,
        response: reqwest::Response,
        token: &SecretString,
    ) -> Result<Response, Error> {
        let status = response.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(Response::new(response, self.connection.provider));
        }
        Err(refusal::read(self.connection.provider, &self.method, response, token).await)
    }

    /// Follows redirects of safe requests within the API's origin.
    async fn followed(
        &self,
        mut url: Url,
        body: Body,
        token: &SecretString,
    ) -> Result<reqwest::Response, Error> {
        let mut body = Some(body);
        for _ in 0..=REDIRECTS {
            let sent = body.take().unwrap_or(Body::Empty);
            let response = self.once(&url, sent, token).await?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED
            {
                return Ok(response);
            }
            let location = response.headers().get(header::LOCATION);
            let target = location
                .and_then(|location| location.to_str().ok())
                .and_then(|location| url.join(location).ok())
                .ok_or_else(|| {
                    refusal::unreadable(
                        self.connection.provider,
                        "a redirect without a place to go",
                    )
                })?;
            if target.origin() != self.connection.api.origin() {
                return Err(elsewhere(self.connection, &target));
            }
            if !matches!(self.method, Method::GET | Method::HEAD) {
                return Err(refusal::unreadable(
                    self.connection.provider,
                    "a redirect of a request that changes something, which is not repeated elsewhere",
                ));
            }
            url = target;
        }
        Err(refusal::unreadable(self.connection.provider, "too many redirects"))
    }

    async fn once(
        &self,
        url: &Url,
        body: Body,
        token: &SecretString,
    ) -> Result<reqwest::Response, Error> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| Error::internal("an access token that no header can carry"))?;
        bearer.set_sensitive(true);
        let mut headers = self.headers.clone();
        headers.insert(header::AUTHORIZATION, bearer);
        headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));

        match &self.connection.transport {
            Transport::Closure(api) => {
                let body = match body {
                    Body::Bytes(bytes) => bytes,
                    Body::Empty | Body::Stream(_) => Bytes::new(),
                };
                let mut request = http::Request::new(body);
                *request.method_mut() = self.method.clone();
                *request.uri_mut() = url.as_str().parse().map_err(Error::internal)?;
                *request.headers_mut() = headers;
                Ok(api(request).into())
            }
            Transport::Http(http) => {
                let mut request = reqwest::Request::new(self.method.clone(), url.clone());
                *request.headers_mut() = headers;
                *request.timeout_mut() = Some(self.timeout);
                *request.body_mut() = match body {
                    Body::Empty => None,
                    Body::Bytes(bytes) => Some(bytes.into()),
                    Body::Stream(body) => Some(body),
                };
                http.execute(request)
                    .await
                    .map_err(|error| refusal::unreachable(self.connection.provider, error))
            }
        }
    }
}

fn elsewhere(connection: &Connection, target: &Url) -> Error {
    let provider = connection.provider;
    let host = target.host_str().unwrap_or("nowhere");
    Error::of(
        ErrorKind::UpstreamRefused { provider, status: 302, retry_after: None },
        format!(
            "{provider} sends this request on to {host}, which is not its API; it was not followed and the token was not sent there"
        ),
    )
}
