//! Requests to a provider's API.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Serialize;
use url::Url;

use super::{
    Path, Response,
    connection::SharedConnection,
    exchange::{Body, Exchange},
    request_description::RequestDescription,
};
use crate::{
    error::{Error, ErrorKind},
    trace::PathTemplate,
};

/// The default of [`RequestBuilder::timeout`].
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

const USER_AGENT: &str = crate::support::http_client::USER_AGENT;

/// Headers that only the runtime sets: credentials, and the framing of a message.
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

/// Builds a request to the provider's API. An invalid part is an error of [`send`](Self::send).
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
pub struct RequestBuilder {
    connection: SharedConnection,
    method: Method,
    url: Result<Url, Error>,
    path_template: PathTemplate,
    headers: HeaderMap,
    body: Body,
    timeout: Duration,
}

impl RequestBuilder {
    pub(super) fn new(connection: SharedConnection, method: Method, path: Path) -> Self {
        let path_template = path.template().clone();
        let url = path.into_text().and_then(|path| connection.join(&path));
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        for &(name, value) in connection.dialect.api_headers {
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        let (body, timeout) = (Body::Empty, DEFAULT_TIMEOUT);
        Self { connection, method, url, path_template, headers, body, timeout }
    }

    /// Adds parameters to the query: a struct, a map or a list of pairs, form-encoded. Fields that are
    /// `None` are left out.
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

    /// Sets the body to a value as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let json = serde_json::to_vec(value).map_err(Error::internal);
        self.typed_body("application/json", json)
    }

    /// Sets the body to a value as a form.
    pub fn form(self, value: &(impl Serialize + ?Sized)) -> Self {
        let form = serde_urlencoded::to_string(value).map_err(Error::internal);
        self.typed_body("application/x-www-form-urlencoded", form.map(String::into_bytes))
    }

    /// Keeps a `Content-Type` that was set before.
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

    /// Sets the body: bytes, text, or a stream. A stream is sent once; if the provider needs a new
    /// token for it, the call fails and has to be repeated.
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
    /// Only the runtime sets `Authorization`, `Cookie`, `Host` and the headers that frame a message.
    /// A request that sets one of them is not sent.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        let Ok(name) = name.as_ref().parse::<HeaderName>() else {
            self.fail(Error::internal(
                "the name of a request's header has characters that none may have",
            ));
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
                format!("the value for the header `{name}` holds characters that no header can carry, so no request was sent; correct the arguments and call again"),
            ));
        }
        self
    }

    /// Sets how long the request may take, from the first connection to the end of the response's
    /// body. The default is 30 seconds, of which 10 to connect.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Keeps the first error.
    fn fail(&mut self, error: Error) {
        if self.url.is_ok() {
            self.url = Err(error);
        }
    }

    /// Sends the request with the user's token.
    ///
    /// A GET follows up to five redirects within the API's origin, and is sent once more if the
    /// connection breaks before a response begins. Any request is sent once more with a new token if
    /// the provider no longer accepts the first.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::InvalidArgument`], [`ErrorKind::Internal`]: the request could not be built.
    /// - [`ErrorKind::UpstreamRefused`], [`ErrorKind::ScopeMissing`]: the provider responded with a
    ///   status other than 200 to 299 and 304, or with a redirect to another origin.
    /// - [`ErrorKind::UpstreamUnreachable`]: it did not respond, or not in time.
    /// - [`ErrorKind::GrantExpired`]: it no longer accepts the user's authorization.
    /// - The errors of getting a token, such as [`ErrorKind::ConsentNeeded`].
    pub async fn send(self) -> Result<Response, Error> {
        let Self { connection, method, url, path_template, headers, body, timeout } = self;
        let url = url?;
        let description = RequestDescription::new(connection.provider, method, &url, timeout);
        let description = description.with_template(path_template);
        Exchange::new(connection, headers, body, description).run(url).await
    }

    /// Returns the template of the requests for the next pages.
    pub(super) fn template(&self) -> RequestTemplate {
        let mut headers = self.headers.clone();
        // They describe the first page only.
        for first_only in [header::CONTENT_TYPE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE] {
            headers.remove(first_only);
        }
        RequestTemplate { connection: self.connection.clone(), headers, timeout: self.timeout }
    }
}

impl std::fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values in the path, the query, the headers and the body are private.
        f.debug_struct("RequestBuilder")
            .field("provider", &self.connection.provider)
            .field("method", &self.method)
            .field("path", &self.path_template.to_string())
            .finish_non_exhaustive()
    }
}

/// The headers and timeout of a request, without its URL.
pub(super) struct RequestTemplate {
    connection: SharedConnection,
    headers: HeaderMap,
    timeout: Duration,
}

impl RequestTemplate {
    /// Creates a GET request for `url`. Returns the URL if the token must not be sent there.
    pub(super) fn get(&self, url: Url) -> Result<RequestBuilder, Url> {
        if !self.connection.is_within_api(&url) {
            return Err(url);
        }
        Ok(RequestBuilder {
            connection: self.connection.clone(),
            method: Method::GET,
            url: Ok(url),
            path_template: PathTemplate::link(),
            headers: self.headers.clone(),
            body: Body::Empty,
            timeout: self.timeout,
        })
    }
}
