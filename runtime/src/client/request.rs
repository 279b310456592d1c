//! A request to a provider's API.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{
    Connection, Pages, Path, Response,
    asked::Asked,
    exchange::{Body, Exchange},
};
use crate::error::{Error, ErrorKind};

/// How long a request may take unless [`Request::timeout`] says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

const USER_AGENT: &str = crate::support::http_client::USER_AGENT;

/// What the runtime sets itself: who asks, and where a message begins and ends.
const RESERVED: [HeaderName; 9] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
];

/// A request to the provider's API. What is wrong with it surfaces when it is sent.
///
/// ```
/// # use toolgate::prelude::*;
/// # #[provider(api = "https://a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
/// # pub enum Forge {
/// #     /// Writes.
/// #     #[scope("repo:write")]
/// #     Write,
/// # }
/// /// Opens an issue.
/// #[tool(scopes = "repo:write")]
/// async fn open_issue(forge: AuthedClient<Forge>, repo: String, title: String) -> Result<String> {
///     #[derive(serde::Deserialize)]
///     struct Issue {
///         number: u64,
///     }
///     let issue: Issue = forge
///         .post(path!("/repos/{repo}/issues"))
///         .query(&[("notify", "false")])
///         .header("x-api-version", "3")
///         .json(&serde_json::json!({ "title": title }))
///         .send()
///         .await?
///         .json()
///         .await?;
///     Ok(format!("Issue {} is open.", issue.number))
/// }
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    connection: Arc<Connection>,
    method: Method,
    url: Result<Url, Error>,
    headers: HeaderMap,
    body: Body,
    timeout: Duration,
}

impl Request {
    pub(super) fn new(connection: Arc<Connection>, method: Method, path: Path) -> Self {
        let url = path.into_text().and_then(|path| connection.join(&path));
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        Self { connection, method, url, headers, body: Body::Empty, timeout: TIMEOUT }
    }

    /// Adds to the query: a struct, a map or a list of pairs, form-encoded. What is `None` is left
    /// out.
    pub fn query(mut self, query: &(impl Serialize + ?Sized)) -> Self {
        match serde_urlencoded::to_string(query) {
            Ok(more) if more.is_empty() => {}
            Ok(more) => {
                if let Ok(url) = &mut self.url {
                    let query = match url.query() {
                        Some(query) => format!("{query}&{more}"),
                        None => more,
                    };
                    url.set_query(Some(&query));
                }
            }
            Err(error) => self.fail(Error::internal(error)),
        }
        self
    }

    /// Sends a value as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let json = serde_json::to_vec(value).map_err(Error::internal);
        self.typed_body("application/json", json)
    }

    /// Sends a value as a form.
    pub fn form(self, value: &(impl Serialize + ?Sized)) -> Self {
        let form = serde_urlencoded::to_string(value).map_err(Error::internal);
        self.typed_body("application/x-www-form-urlencoded", form.map(String::into_bytes))
    }

    /// A `Content-Type` that was set before stays.
    fn typed_body(mut self, content_type: &'static str, body: Result<Vec<u8>, Error>) -> Self {
        match body {
            Ok(bytes) => {
                self.body = Body::Bytes(bytes.into());
                let content_type = HeaderValue::from_static(content_type);
                self.headers.entry(header::CONTENT_TYPE).or_insert(content_type);
            }
            Err(error) => self.fail(error),
        }
        self
    }

    /// Sends a body as it is: bytes, text, or a stream. A stream is sent once; if the provider
    /// wants a new token for it, the call fails and has to be repeated.
    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        let body = body.into();
        self.body = match body.as_bytes() {
            Some(bytes) => Body::Bytes(Bytes::copy_from_slice(bytes)),
            None => Body::Stream(Some(body)),
        };
        self
    }

    /// Sets a header.
    ///
    /// # Security
    ///
    /// `Authorization`, `Cookie`, `Host` and the headers that frame a message are the runtime's
    /// own: a request that sets them is not sent.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let Ok(name) = name.as_ref().parse::<HeaderName>() else {
            self.fail(Error::internal("the name of a request's header holds what none may"));
            return self;
        };
        if RESERVED.contains(&name) {
            self.fail(Error::internal(format!(
                "a tool may not set the header `{name}`: the runtime does, and the token goes only into its own"
            )));
        } else if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
            self.headers.insert(name, value);
        } else {
            self.fail(Error::with_kind(
                ErrorKind::InvalidArgument,
                format!("the value for the header `{name}` holds characters that no header can carry, so nothing was asked for; correct the arguments and call again"),
            ));
        }
        self
    }

    /// How long the request may take, from the first connection to the end of the answer's body;
    /// 30 seconds if nothing is said, of which 10 to connect.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The first fault is the one that is told.
    fn fail(&mut self, error: Error) {
        if self.url.is_ok() {
            self.url = Err(error);
        }
    }

    /// The items of this page and of those that follow it by `Link: <..>; rel="next"` (RFC 8288),
    /// where each page is a JSON array.
    pub fn paginate<T: DeserializeOwned + Send + 'static>(self) -> Pages<T> {
        Pages::new(self)
    }

    /// Sends it, with the user's token.
    ///
    /// A GET follows up to five redirects within the API's origin, and is sent once more if the
    /// connection breaks before an answer begins. Any request is sent once more with a new token
    /// if the provider no longer accepts the first.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidArgument`], [`ErrorKind::Internal`]: the request could not be built.
    /// - [`ErrorKind::UpstreamRefused`], [`ErrorKind::ScopeMissing`]: the provider answered with a
    ///   status other than 200 to 299 and 304, or with a redirect to another origin.
    /// - [`ErrorKind::UpstreamUnreachable`]: it did not answer, or not in time.
    /// - [`ErrorKind::GrantExpired`]: it accepts the user's authorization no longer.
    /// - What getting a token can end with, [`ErrorKind::ConsentNeeded`] among it.
    pub async fn send(self) -> Result<Response, Error> {
        let Self { connection, method, url, headers, body, timeout } = self;
        let url = url?;
        let asked = Asked::new(connection.provider, method, &url, timeout);
        Exchange { connection, headers, body, asked, left: timeout }.run(url).await
    }

    /// What the pages after this one are asked with.
    pub(super) fn template(&self) -> Template {
        let mut headers = self.headers.clone();
        // These are about the first page: what it holds, and what its reader knows of it.
        for first_only in [header::CONTENT_TYPE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
            headers.remove(first_only);
        }
        Template { connection: Arc::clone(&self.connection), headers, timeout: self.timeout }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Query, headers and body may hold what nobody should read.
        let path = self.url.as_ref().map(Url::path).unwrap_or_default();
        f.debug_struct("Request")
            .field("provider", &self.connection.provider)
            .field("method", &self.method)
            .field("path", &path)
            .finish_non_exhaustive()
    }
}

/// A request without a place to go.
pub(super) struct Template {
    connection: Arc<Connection>,
    headers: HeaderMap,
    timeout: Duration,
}

impl Template {
    /// A GET of `url`, or the URL back if the token must not go there.
    pub(super) fn get(&self, url: Url) -> Result<Request, Url> {
        if !self.connection.is_ours(&url) {
            return Err(url);
        }
        Ok(Request {
            connection: Arc::clone(&self.connection),
            method: Method::GET,
            url: Ok(url),
            headers: self.headers.clone(),
            body: Body::Empty,
            timeout: self.timeout,
        })
    }
}
