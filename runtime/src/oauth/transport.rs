//! HTTP transport for the `oauth2` crate: bounded, and normalising.
//!
//! The crate accepts only what RFC 6749 §5 prescribes. Providers depart from it, so the transport
//! rewrites a response before the crate reads it:
//!
//! * a form-encoded body, which GitHub sends by default, becomes JSON, and the content type goes;
//! * an error that comes with status 200, as GitHub's do, becomes an error response;
//! * an error response gets its HTTP status as a member, because the crate does not keep it;
//! * scopes that are separated by commas (GitHub) or sent as an array (Twitch) are separated by
//!   spaces;
//! * members that are `null` are removed, and any success has status 200.
//!
//! What says nothing about the grant never reaches the crate: 429, 5xx, a body that is too large or
//! cannot be read become a [`TokenError`] here, with `Retry-After`, which the crate would drop.

use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, StatusCode, header};
use oauth2::{AsyncHttpClient, HttpRequest, HttpResponse};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::TokenError;
use crate::support::http_client::{BodyError, bounded_bytes};

/// The largest response body that is read.
const MAX_BODY_BYTES: usize = 1 << 20;

/// How long a token request may take.
pub(super) const TOKEN_REQUEST_TIMEOUT: Duration = Duration::from_secs(25);

/// Sends the requests of the `oauth2` crate.
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    /// The characters between the scopes of the provider's responses.
    pub(super) scope_separators: &'static str,
}

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TokenError;
    type Future = BoxFuture<'c, Result<HttpResponse, TokenError>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        async move {
            let response = self.send(request).await?;
            normalize(&response, self.scope_separators)
        }
        .boxed()
    }
}

/// A response as the provider sent it, with its whole body.
struct RawResponse {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Transport {
    async fn send(&self, request: HttpRequest) -> Result<RawResponse, TokenError> {
        let mut request = reqwest::Request::try_from(request)?;
        if let Some(credentials) = request.headers_mut().get_mut(header::AUTHORIZATION) {
            credentials.set_sensitive(true);
        }
        *request.timeout_mut() = Some(TOKEN_REQUEST_TIMEOUT);
        let response = self.http.execute(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = bounded_bytes(reqwest::Body::from(response), MAX_BODY_BYTES).await;
        let body = body.map_err(|error| match error {
            BodyError::TooLarge => TokenError::unreadable("a response of more than 1 MiB"),
            BodyError::Broken(error) => error.into(),
        })?;
        Ok(RawResponse { status, headers, body })
    }
}

/// Rewrites a response into what RFC 6749 §5 prescribes.
fn normalize(response: &RawResponse, separators: &str) -> Result<HttpResponse, TokenError> {
    let RawResponse { status, headers, body } = response;
    let retry_after = retry_after(headers);
    if *status == StatusCode::TOO_MANY_REQUESTS
        || *status == StatusCode::SERVICE_UNAVAILABLE && retry_after.is_some()
    {
        return Err(TokenError::Busy { retry_after });
    }
    if status.is_server_error() {
        return Err(TokenError::unreadable(format!("status {}", status.as_u16())));
    }
    let members = if is_form(headers) { Some(parse_form(body)) } else { parse_json(body) };
    let Some(mut members) = members else {
        return Err(TokenError::unreadable(format!("status {} and no JSON", status.as_u16())));
    };
    members.retain(|_, value| !value.is_null());
    if members.contains_key("error") {
        members.insert("status".to_owned(), status.as_u16().into());
        let error = if status.is_client_error() { *status } else { StatusCode::BAD_REQUEST };
        return Ok(json_response(error, members));
    }
    if !status.is_success() {
        return Err(TokenError::unreadable(format!("status {} and no error", status.as_u16())));
    }
    if members.get("access_token").is_none_or(|token| token.as_str() == Some("")) {
        return Err(TokenError::unreadable("no access token"));
    }
    if let Some(scope) = members.remove("scope") {
        members.insert("scope".to_owned(), space_delimited(&scope, separators).into());
    }
    Ok(json_response(StatusCode::OK, members))
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn is_form(headers: &HeaderMap) -> bool {
    const FORM: &[u8] = b"application/x-www-form-urlencoded";
    let content_type = headers.get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    content_type.and_then(|ty| ty.get(..FORM.len())).is_some_and(|ty| ty.eq_ignore_ascii_case(FORM))
}

fn parse_form(body: &[u8]) -> Map<String, Value> {
    form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect()
}

fn parse_json(body: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

fn space_delimited(scope: &Value, separators: &str) -> String {
    let scopes: Vec<&str> = match scope {
        Value::Array(scopes) => scopes.iter().filter_map(Value::as_str).collect(),
        scope => scope.as_str().unwrap_or_default().split(|c| separators.contains(c)).collect(),
    };
    scopes.join(" ")
}

fn json_response(status: StatusCode, members: Map<String, Value>) -> HttpResponse {
    let mut response = HttpResponse::new(Value::from(members).to_string().into_bytes());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn response(status: u16, content_type: &'static str, body: &str) -> RawResponse {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let status = StatusCode::from_u16(status).unwrap();
        RawResponse { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    fn normalized(status: u16, content_type: &'static str, body: &str) -> (u16, Value) {
        let response = normalize(&response(status, content_type, body), ",").unwrap();
        assert!(response.headers().is_empty(), "the crate refuses other content types than JSON");
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    #[test]
    fn what_providers_send_becomes_what_the_rfc_prescribes() {
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for (status, content_type, body, expected_status, expected) in [
            // GitHub without an `Accept` header.
            (
                200,
                "Application/X-WWW-Form-Urlencoded; charset=utf-8",
                "access_token=a&scope=repo%2Cuser&token_type=bearer&expires_in=60",
                200,
                r#"{"access_token":"a","scope":"repo user","token_type":"bearer","expires_in":"60"}"#,
            ),
            // GitHub's errors.
            (
                200,
                "application/json; charset=utf-8",
                r#"{"error":"bad_verification_code","error_description":"The code is incorrect"}"#,
                400,
                r#"{"error":"bad_verification_code","error_description":"The code is incorrect","status":200}"#,
            ),
            (
                401,
                "text/html",
                r#"{"error":"invalid_client"}"#,
                401,
                r#"{"error":"invalid_client","status":401}"#,
            ),
            // Twitch's scopes.
            (
                200,
                "application/json",
                r#"{"access_token":"a","scope":["b","c"]}"#,
                200,
                r#"{"access_token":"a","scope":"b c"}"#,
            ),
            (
                201,
                "text/plain",
                r#"{"access_token":"a","error":null,"scope":null}"#,
                200,
                r#"{"access_token":"a"}"#,
            ),
        ] {
            let found = normalized(status, content_type, body);
            assert_eq!(found, (expected_status, json(expected)), "{body}");
        }
    }

    #[test]
    fn responses_that_say_nothing_about_the_grant_are_errors_of_the_transport() {
        for (status, body, expected) in [
            (500, r#"{"error":"invalid_grant"}"#, "status 500"),
            (503, "", "status 503"),
            (200, "<html>", "status 200 and no JSON"),
            (200, "[]", "status 200 and no JSON"),
            (200, "{}", "no access token"),
            (200, r#"{"access_token":""}"#, "no access token"),
            (302, r#"{"access_token":"a"}"#, "status 302 and no error"),
            (404, r#"{"message":"Not Found"}"#, "status 404 and no error"),
        ] {
            let error = normalize(&response(status, "application/json", body), ",").unwrap_err();
            let TokenError::Unreachable { description, maybe_sent: true } = error else {
                panic!("{body}: {error}")
            };
            assert_eq!(description, expected, "{body}");
        }
    }

    #[test]
    fn a_busy_provider_says_when_to_come_back() {
        for (status, retry_after, expected) in [
            (429, Some("7"), Some(Some(7))),
            (429, Some("soon"), Some(None)),
            (429, None, Some(None)),
            (503, Some("9"), Some(Some(9))),
            (503, None, None),
            (500, Some("9"), None),
        ] {
            let mut response = response(status, "application/json", "{}");
            if let Some(value) = retry_after {
                response.headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
            }
            let found = match normalize(&response, ",").unwrap_err() {
                TokenError::Busy { retry_after } => Some(retry_after.map(|wait| wait.as_secs())),
                _ => None,
            };
            assert_eq!(found, expected, "{status} {retry_after:?}");
        }
    }
}
