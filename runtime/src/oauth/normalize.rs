//! Responses of token endpoints, rewritten into what RFC 6749 §5 prescribes.
//!
//! * a form-encoded body, which GitHub sends by default, becomes JSON, and the content type goes;
//! * the members that a dialect has elsewhere, as Slack the user's token, are put in their places;
//! * an error that comes with status 200, as an object or in a list becomes an error response;
//! * an error response gets its HTTP status as a member, because the crate does not keep it;
//! * scopes that are separated by commas (GitHub) or sent as an array (Twitch) are separated by
//!   spaces;
//! * members that are `null` are removed, and any success has status 200.
//!
//! What says nothing about the grant never reaches the crate: 429, 5xx, a body that is too large or
//! cannot be read become a [`TokenError`] here, with `Retry-After`, which the crate would drop.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use oauth2::HttpResponse;
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    TokenError,
    raw_response::{Exchanged, RawResponse, text},
};
use crate::provider::{Dialect, Placeholder, PlaceholderSource, TokenPointers};

/// Where an error that is an object has its code, and its description.
const CODE_KEYS: [&str; 6] = ["code", "type", "error", "reason", "status", "name"];
const DESCRIPTION_KEYS: [&str; 5] =
    ["error_description", "message", "description", "detail", "title"];

/// Rewrites a response into what RFC 6749 §5 prescribes.
pub(super) fn normalize(
    response: &RawResponse,
    dialect: &Dialect,
    exchanged: Exchanged,
) -> Result<HttpResponse, TokenError> {
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
    let Some(members) = members else {
        return Err(TokenError::unreadable(format!("status {} and no JSON", status.as_u16())));
    };
    let pointers = match exchanged {
        Exchanged::Code => dialect.token_response,
        Exchanged::RefreshToken => dialect.refresh_response.unwrap_or(dialect.token_response),
    };
    let placeholders = placeholders(&members, dialect);
    let mut members = in_their_places(members, &pointers);
    // Of this name there may be a member of the provider's.
    members.remove("placeholders");
    if let Some(error) = find_error(&members, *status) {
        return Ok(error_response(error, *status, dialect));
    }
    if !status.is_success() {
        return Err(TokenError::unreadable(format!("status {} and no error", status.as_u16())));
    }
    if members.get("error").is_some_and(is_error) {
        return Err(TokenError::unreadable("an error that cannot be read"));
    }
    if members.get("access_token").is_none_or(|token| token.as_str() == Some("")) {
        return Err(TokenError::unreadable("no access token"));
    }
    members.remove("error");
    if !placeholders.is_empty() {
        members.insert("placeholders".to_owned(), placeholders.into());
    }
    if let Some(scope) = members.remove("scope") {
        let scopes = space_delimited(&scope, dialect.response_scope_separator);
        // An empty list says that nothing was granted, an empty text nothing of what was.
        if scope.is_array() || dialect.empty_scope_is_none || !scopes.trim().is_empty() {
            members.insert("scope".to_owned(), scopes.into());
        }
    }
    Ok(json_response(StatusCode::OK, members))
}

/// The values of the placeholders that a response has.
fn placeholders(answer: &Map<String, Value>, dialect: &Dialect) -> Map<String, Value> {
    let from_response = |placeholder: &Placeholder| {
        let PlaceholderSource::TokenResponse { pointer } = placeholder.source else { return None };
        // A pointer of one segment at least, without a copy of the response.
        let mut segments = pointer.split('/').skip(1);
        let unescape = |segment: &str| segment.replace("~1", "/").replace("~0", "~");
        let first = answer.get(&unescape(segments.next()?))?;
        let rest: String = segments.flat_map(|segment| ["/", segment]).collect();
        Some((placeholder.name.to_owned(), text(first.pointer(&rest)?)?.into()))
    };
    dialect.placeholders.iter().filter_map(from_response).collect()
}

/// Moves the members that the RFC knows from where the dialect has them. What the dialect has
/// elsewhere is not taken from the RFC's place: Slack has the token of a bot there.
fn in_their_places(answer: Map<String, Value>, pointers: &TokenPointers) -> Map<String, Value> {
    let answer = Value::Object(answer);
    let mut found = Vec::new();
    for (name, pointer) in [
        ("access_token", pointers.access_token),
        ("refresh_token", pointers.refresh_token),
        ("scope", pointers.scope),
        ("expires_in", pointers.expires_in),
        ("error", pointers.error),
        ("error_description", pointers.error_description),
    ] {
        if pointer.strip_prefix('/') != Some(name) {
            found.push((name, answer.pointer(pointer).cloned()));
        }
    }
    let Value::Object(mut members) = answer else { return Map::new() };
    for (name, value) in found {
        members.remove(name);
        members.extend(value.map(|value| (name.to_owned(), value)));
    }
    members.retain(|_, value| !value.is_null());
    members
}

/// An error code and its description.
struct FoundError {
    code: String,
    description: Option<String>,
}

/// The error in a response. A 400 and a 401 are an answer to the request, whatever they say.
fn find_error(members: &Map<String, Value>, status: StatusCode) -> Option<FoundError> {
    let text = |key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
    let description = || DESCRIPTION_KEYS.iter().find_map(|key| text(key));
    if let Some(error) = members.get("error").filter(|error| is_error(error)) {
        let described = text("error_description");
        if let Some(mut error) = describe(error) {
            error.description = described.or(error.description).or_else(description);
            return Some(error);
        }
    }
    let is_refused = [400, 401, 403].contains(&status.as_u16());
    if !is_refused && members.contains_key("access_token") {
        return None;
    }
    let errors = members.get("errors").filter(|errors| is_error(errors)).and_then(describe);
    let code = format!("status {}", status.as_u16());
    match (errors, description()) {
        (Some(error), _) => Some(error),
        (None, Some(text)) if is_refused => Some(FoundError { code, description: Some(text) }),
        (None, _) if [400, 401].contains(&status.as_u16()) => {
            Some(FoundError { code, description: None })
        }
        (None, _) => None,
    }
}

/// Some providers have a member for the error in every response.
fn is_error(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Object(_) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !matches!(text.as_str(), "" | "ok" | "0"),
        Value::Array(items) => !items.is_empty(),
    }
}

/// What an error says; `None` if that cannot be read.
fn describe(error: &Value) -> Option<FoundError> {
    let code = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let found = |code: String, description| Some(FoundError { code, description });
    match error {
        Value::Array(items) => describe(items.first()?),
        Value::Object(members) => {
            let first =
                |keys: &[&str]| keys.iter().find_map(|key| members.get(*key).and_then(code));
            match (first(&CODE_KEYS), first(&DESCRIPTION_KEYS)) {
                (None, None) => None,
                (Some(code), description) => found(code, description),
                (None, description) => found("error".to_owned(), description),
            }
        }
        // As JSON writes it, which is how a dialect names it.
        Value::Bool(true) => found("true".to_owned(), None),
        value => found(code(value)?, None),
    }
}

fn error_response(error: FoundError, status: StatusCode, dialect: &Dialect) -> HttpResponse {
    let FoundError { mut code, mut description } = error;
    let is_of_grant = dialect.invalid_grant.iter().any(|known| match known.split_once(": ") {
        Some((known, text)) => {
            code == known && description.as_ref().is_some_and(|found| found.contains(text))
        }
        None => code == *known,
    });
    if is_of_grant {
        let found = std::mem::replace(&mut code, "invalid_grant".to_owned());
        description.get_or_insert(found);
    }
    let mut members = Map::new();
    members.insert("error".to_owned(), code.into());
    if let Some(description) = description {
        members.insert("error_description".to_owned(), description.into());
    }
    members.insert("status".to_owned(), status.as_u16().into());
    let status = if status.is_client_error() { status } else { StatusCode::BAD_REQUEST };
    json_response(status, members)
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
        scope => scope
            .as_str()
            .unwrap_or_default()
            .split(|c| c == ' ' || separators.contains(c))
            .collect(),
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
    use bytes::Bytes;
    use http::HeaderValue;

    use super::*;

    const COMMA: Dialect = Dialect::STANDARD.response_scope_separator(",");

    fn response(status: u16, content_type: &'static str, body: &str) -> RawResponse {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        let status = StatusCode::from_u16(status).unwrap();
        RawResponse { status, headers, body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    fn normalized(status: u16, content_type: &'static str, body: &str) -> (u16, Value) {
        let response =
            normalize(&response(status, content_type, body), &COMMA, Exchanged::Code).unwrap();
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
            let error =
                normalize(&response(status, "application/json", body), &COMMA, Exchanged::Code)
                    .unwrap_err();
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
            let found = match normalize(&response, &COMMA, Exchanged::Code).unwrap_err() {
                TokenError::Busy { retry_after } => Some(retry_after.map(|wait| wait.as_secs())),
                _ => None,
            };
            assert_eq!(found, expected, "{status} {retry_after:?}");
        }
    }
}
