//! What a provider's refusal means, in words that a model can act on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use http::{HeaderMap, Method, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorKind};

/// As much of an error's body as is read, in bytes.
const BODY: usize = 16 << 10;

/// As much of a provider's own words as is repeated, in characters.
const WORDS: usize = 300;

/// The error for an answer that is neither a success nor a 401.
pub(super) async fn read(
    provider: &'static str,
    method: &Method,
    response: reqwest::Response,
    token: &SecretString,
) -> Error {
    let status = response.status();
    let headers = response.headers().clone();
    let words = words(&body(response).await, token);
    let said =
        if words.is_empty() { String::new() } else { format!(" ({provider} says: {words})") };
    let retry_after = retry_after(&headers, SystemTime::now());

    if status == StatusCode::FORBIDDEN {
        let scopes = needed_scopes(&headers);
        if !scopes.is_empty() {
            let list = scopes.join(" ");
            return Error::of(
                ErrorKind::ScopeMissing { provider, scopes },
                format!(
                    "{provider} wants a scope for this that the user's grant lacks: one of `{list}`{said}. The tool has to declare it before the user can grant it"
                ),
            );
        }
    }
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::FORBIDDEN && text(&headers, "x-ratelimit-remaining") == Some("0");
    let advice = match status {
        _ if limited => match retry_after {
            Some(wait) => format!(
                "{provider} limits how often it may be asked; call again in {} seconds",
                wait.as_secs().max(1)
            ),
            None => format!(
                "{provider} limits how often it may be asked; wait a while before calling again"
            ),
        },
        StatusCode::FORBIDDEN => {
            format!("{provider} does not let this user do that; another call will not help")
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => format!(
            "{provider} has nothing there, or nothing that this user may see; check the names in the arguments"
        ),
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => format!(
            "{provider} refused because of what is there by now; read it again before changing it"
        ),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => {
            format!("{provider} does not accept these values; correct the arguments")
        }
        status if status.is_server_error() && *method == Method::GET => {
            format!("{provider} failed at this (status {}); call again later", status.as_u16())
        }
        status if status.is_server_error() => format!(
            "{provider} failed at this (status {}); it may have been done all the same, so look before calling again",
            status.as_u16()
        ),
        status => format!("{provider} refused this with status {}", status.as_u16()),
    };
    Error::of(
        ErrorKind::UpstreamRefused { provider, status: status.as_u16(), retry_after },
        format!("{advice}{said}"),
    )
}

/// A second 401 in a row: what was just renewed is not accepted either.
pub(super) fn no_longer_accepted(provider: &'static str) -> Error {
    Error::of(
        ErrorKind::GrantExpired { provider },
        format!(
            "{provider} no longer accepts the user's authorization; the user has to connect {provider} again"
        ),
    )
}

/// No answer. `error` goes to the log without the URL, which may hold what the user asked for.
pub(super) fn unreachable(provider: &'static str, error: reqwest::Error) -> Error {
    let what = if error.is_timeout() { "did not answer in time" } else { "cannot be reached" };
    Error::of(
        ErrorKind::UpstreamUnreachable { provider },
        format!("{provider} {what}; call again later"),
    )
    .because(error.without_url())
}

/// An answer that means nothing.
pub(super) fn unreadable(provider: &'static str, what: &str) -> Error {
    Error::of(
        ErrorKind::UpstreamUnreachable { provider },
        format!("{provider} answered with {what}"),
    )
}

async fn body(response: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(Ok(chunk)) = stream.next().await {
        body.extend_from_slice(&chunk);
        if body.len() >= BODY {
            body.truncate(BODY);
            break;
        }
    }
    body
}

/// What the provider says in its JSON: one line, bounded, and never our own token back.
fn words(body: &[u8], token: &SecretString) -> String {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) else { return String::new() };
    let words = ["message", "error_description", "detail", "error"]
        .into_iter()
        .filter_map(|key| json.get(key))
        .find_map(|value| value.as_str().or_else(|| value.get("message")?.as_str()))
        .unwrap_or_default();
    let token = token.expose_secret();
    let words =
        if token.is_empty() { words.to_owned() } else { words.replace(token, "[redacted]") };
    let printable = words.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.take(WORDS).collect::<String>().trim().to_owned()
}

/// The scopes that would do, from GitHub's header or from a challenge (RFC 6750 §3).
fn needed_scopes(headers: &HeaderMap) -> Vec<String> {
    let split = |list: &str| -> Vec<String> {
        let scopes = list.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty());
        scopes.take(16).map(str::to_owned).collect()
    };
    if let Some(accepted) = text(headers, "x-accepted-oauth-scopes") {
        let held: Vec<_> = text(headers, "x-oauth-scopes").map(split).unwrap_or_default();
        let accepted = split(accepted);
        // GitHub sends it with every refusal; only if none of them is held is it the reason.
        return if accepted.iter().any(|scope| held.contains(scope)) {
            Vec::new()
        } else {
            accepted
        };
    }
    let Some(challenge) = text(headers, header::WWW_AUTHENTICATE.as_str()) else {
        return Vec::new();
    };
    if !challenge.contains("insufficient_scope") {
        return Vec::new();
    }
    let list = challenge.split("scope=\"").nth(1).and_then(|rest| rest.split('"').next());
    list.map(split).unwrap_or_default()
}

/// When to try again: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), or GitHub's reset.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(value) = text(headers, header::RETRY_AFTER.as_str()) {
        return value
            .trim()
            .parse()
            .map(Duration::from_secs)
            .ok()
            .or_else(|| httpdate::parse_http_date(value).ok()?.duration_since(now).ok());
    }
    if text(headers, "x-ratelimit-remaining")? != "0" {
        return None;
    }
    let reset = Duration::from_secs(text(headers, "x-ratelimit-reset")?.parse().ok()?);
    (UNIX_EPOCH + reset).duration_since(now).ok()
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect::<Vec<(http::HeaderName, http::HeaderValue)>>()
            .into_iter()
            .collect()
    }

    #[test]
    fn retry_after_in_both_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), now);
        assert_eq!(read(&[("retry-after", "120")]), Some(Duration::from_secs(120)));
        assert_eq!(
            read(&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")]),
            Some(Duration::from_secs(10)),
        );
        assert_eq!(read(&[("retry-after", "soon")]), None);
        assert_eq!(
            read(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "784111780")]),
            Some(Duration::from_secs(3)),
        );
        assert_eq!(read(&[("x-ratelimit-remaining", "7")]), None);
    }

    #[test]
    fn scopes_that_would_do() {
        let read = |pairs: &[(&'static str, &str)]| needed_scopes(&headers(pairs));
        assert_eq!(read(&[("x-accepted-oauth-scopes", "repo, admin")]), ["repo", "admin"]);
        assert!(
            read(&[("x-accepted-oauth-scopes", "repo"), ("x-oauth-scopes", "repo")]).is_empty()
        );
        let challenge = r#"Bearer error="insufficient_scope", scope="a b""#;
        assert_eq!(read(&[("www-authenticate", challenge)]), ["a", "b"]);
        assert!(read(&[("www-authenticate", r#"Bearer scope="a""#)]).is_empty());
    }

    #[test]
    fn words_are_bounded_and_without_the_token() {
        let token = SecretString::from("s3cret");
        let read = |json: &str| words(json.as_bytes(), &token);
        assert_eq!(read(r#"{"message":"bad s3cret\nhere"}"#), "bad [redacted] here");
        assert_eq!(read(r#"{"error":{"message":"nested"}}"#), "nested");
        assert_eq!(read("<html>"), "");
        assert_eq!(read(&format!(r#"{{"message":"{}"}}"#, "x".repeat(1000))).len(), WORDS);
    }
}
