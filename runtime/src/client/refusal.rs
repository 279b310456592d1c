//! What a provider's refusal means, in words that a model can act on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    asked::{Asked, words},
    parameters::parameters,
};
use crate::{
    error::{Error, ErrorKind},
    support::http_client::first_bytes,
};

/// How much is read of the body of an error, in bytes.
const MAX_ERROR_BODY_BYTES: usize = 64 << 10;

/// As much of a provider's own words as is repeated, in characters.
const WORDS: usize = 300;

/// As many scopes as a message names, and as long as one may be.
const SCOPES: usize = 16;
const SCOPE: usize = 128;

/// Where APIs keep what they say to people: OAuth (RFC 6749 §5.2), problem details (RFC 9457), and
/// what most of the others do.
const KEYS: [&str; 8] =
    ["message", "error_description", "detail", "error", "title", "error_message", "errors", "msg"];

/// The error for an answer that is neither a success nor a 401.
pub(super) async fn read(
    asked: &Asked,
    response: reqwest::Response,
    token: &SecretString,
) -> Error {
    let status = response.status();
    let headers = response.headers().clone();
    let said =
        own_words(&first_bytes(reqwest::Body::from(response), MAX_ERROR_BODY_BYTES).await, token);
    judge(asked, status, &headers, &said, SystemTime::now())
}

fn judge(
    asked: &Asked,
    status: StatusCode,
    headers: &HeaderMap,
    said: &str,
    now: SystemTime,
) -> Error {
    let provider = asked.provider;
    let said = if said.is_empty() { String::new() } else { format!(". {provider} says: {said}") };
    let retry_after = retry_after(headers, now);

    // GitHub refuses with 403 what others refuse with 429, and names scopes with every refusal.
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::FORBIDDEN && (is_used_up(headers) || retry_after.is_some());
    if status == StatusCode::FORBIDDEN
        && !limited
        && let Some((which, scopes)) = needed_scopes(headers)
    {
        let list = scopes.join("`, `");
        let what = asked.what();
        return Error::with_kind(
            ErrorKind::ScopeMissing { provider, scopes },
            format!(
                "{provider} wants {which} `{list}` for {what}, which the user's grant lacks; the tool has to declare it, and the user to connect {provider} again{said}"
            ),
        );
    }
    let status = if limited { StatusCode::TOO_MANY_REQUESTS } else { status };
    Error::with_kind(
        ErrorKind::UpstreamRefused { provider, status: status.as_u16(), retry_after },
        format!("{}{said}", advice(asked, status, retry_after)),
    )
}

fn advice(asked: &Asked, status: StatusCode, retry_after: Option<Duration>) -> String {
    let (provider, what, code) = (asked.provider, asked.what(), status.as_u16());
    let wait = match retry_after {
        Some(wait) => format!("in {}", words(wait.max(Duration::from_secs(1)))),
        None => "later".to_owned(),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS => format!(
            "{provider} limits how often it may be asked, and did not do {what} ({code}). Call again {wait}, and not before"
        ),
        StatusCode::FORBIDDEN => format!(
            "{provider} does not let this user do {what} ({code}). Calling again will not help; somebody with more rights has to change that at {provider}"
        ),
        StatusCode::NOT_FOUND | StatusCode::GONE => format!(
            "{provider} has nothing at {what} ({code}), or nothing that this user may see. Check the names in the arguments"
        ),
        StatusCode::CONFLICT
        | StatusCode::PRECONDITION_FAILED
        | StatusCode::PRECONDITION_REQUIRED => {
            format!(
                "{provider} refused {what} because of what is there by now ({code}). Read that again, then decide"
            )
        }
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => format!(
            "{provider} does not accept the values of {what} ({code}). Correct the arguments and call again"
        ),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => {
            format!("{what} is too large for {provider} ({code}). Call again with less")
        }
        StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => {
            format!("{provider} is not available ({code}) and did not do {what}. Call again {wait}")
        }
        status if status.is_server_error() => {
            format!("{provider} failed at {what} ({code}). {}", asked.once_more())
        }
        _ => format!("{provider} refused {what} with status {code}"),
    }
}

/// What the provider says in its JSON: one line, bounded, and never our own token back.
fn own_words(body: &[u8], token: &SecretString) -> String {
    let Ok(json) = serde_json::from_slice(body) else { return String::new() };
    let words = sentences(&json, 3).join("; ");
    // First the token, then the rest: cutting and cleaning must not hide it from the search. What
    // would be cleaned away cannot stand within a token, so it is looked for in both forms.
    let token = token.expose_secret();
    let scrub = |text: &str| match token {
        "" => text.to_owned(),
        token => text.replace(token, "[redacted]"),
    };
    let words: String = scrub(&words).chars().filter(|c| !is_invisible(*c)).collect();
    let words = scrub(&words).replace(char::is_control, " ");
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    // A full stop would end in two.
    words.chars().take(WORDS).collect::<String>().trim_end_matches('.').to_owned()
}

/// The first of the known members that says something, at most three levels deep; of a list, all.
fn sentences(json: &Value, depth: u8) -> Vec<&str> {
    match json {
        Value::String(text) if !text.trim().is_empty() => vec![text],
        Value::Array(items) if depth > 0 => {
            items.iter().take(8).flat_map(|item| sentences(item, depth - 1)).collect()
        }
        Value::Object(members) if depth > 0 => {
            let known = KEYS.iter().filter_map(|key| members.get(*key));
            let mut found =
                known.map(|value| sentences(value, depth - 1)).filter(|s| !s.is_empty());
            let first = found.next().unwrap_or_default();
            // GitHub's 422 says `Validation Failed`, and under `errors` what failed.
            let details = members.get("errors").filter(|_| members.contains_key("message"));
            let details = details.map(|errors| sentences(errors, depth - 1)).unwrap_or_default();
            first.into_iter().chain(details).collect()
        }
        _ => Vec::new(),
    }
}

/// Characters that change what a line looks like without being seen: marks of direction, zero
/// width, tags.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The scopes that a 403 asks for, and whether it wants one of them or all: GitHub's header, or a
/// challenge (RFC 6750 §3).
fn needed_scopes(headers: &HeaderMap) -> Option<(&'static str, Vec<String>)> {
    for challenge in headers.get_all(header::WWW_AUTHENTICATE) {
        let parameters = parameters(challenge.to_str().unwrap_or_default());
        let find = |wanted: &str| {
            let mut matching =
                parameters.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
            matching.next().map(|(_, value)| value.as_str())
        };
        if find("error") == Some("insufficient_scope") {
            let scopes = split(find("scope").unwrap_or_default());
            if !scopes.is_empty() {
                let which = if scopes.len() == 1 { "the scope" } else { "the scopes" };
                return Some((which, scopes));
            }
        }
    }
    let accepted = split(text(headers, "x-accepted-oauth-scopes")?);
    let held = split(text(headers, "x-oauth-scopes").unwrap_or_default());
    // If one of them is held, the scopes are not the reason.
    if accepted.is_empty() || accepted.iter().any(|scope| held.contains(scope)) {
        return None;
    }
    Some((if accepted.len() == 1 { "the scope" } else { "one of the scopes" }, accepted))
}

/// The scope tokens (RFC 6749 §3.3) of a list.
fn split(list: &str) -> Vec<String> {
    let is_scope = |scope: &&str| {
        let in_grammar = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) && b != b'`';
        !scope.is_empty() && scope.len() <= SCOPE && scope.bytes().all(in_grammar)
    };
    list.split([',', ' ']).filter(is_scope).take(SCOPES).map(str::to_owned).collect()
}

/// When to try again: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), else the moment at
/// which a limit that is used up starts anew.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(value) = text(headers, header::RETRY_AFTER.as_str()) {
        let value = value.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        // A date that has passed means now.
        let date = httpdate::parse_http_date(value).ok()?;
        return Some(date.duration_since(now).unwrap_or_default());
    }
    if !is_used_up(headers) {
        return None;
    }
    let reset = text(headers, "x-ratelimit-reset").or_else(|| text(headers, "ratelimit-reset"))?;
    let reset = Duration::from_secs(reset.trim().parse().ok()?);
    // Some count from 1970, some from now.
    if reset < Duration::from_secs(1_000_000_000) {
        return Some(reset);
    }
    Some(reset.saturating_sub(now.duration_since(UNIX_EPOCH).unwrap_or_default()))
}

fn is_used_up(headers: &HeaderMap) -> bool {
    ["x-ratelimit-remaining", "ratelimit-remaining"]
        .iter()
        .any(|name| text(headers, name).map(str::trim) == Some("0"))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue, Method};
    use url::Url;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let parse = |(name, value): &(&str, &str)| -> (HeaderName, HeaderValue) {
            (name.parse().unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(parse).collect()
    }

    fn refused(method: Method, status: u16, pairs: &[(&str, &str)], said: &str) -> Error {
        let url = Url::parse("https://api.example.com/repos/alice/compass").unwrap();
        let asked = Asked::new("Forge", method, &url, Duration::from_secs(30));
        let status = StatusCode::from_u16(status).unwrap();
        judge(&asked, status, &headers(pairs), said, UNIX_EPOCH + NOW)
    }

    fn status_of(error: &Error) -> (u16, Option<u64>) {
        match error.kind() {
            ErrorKind::UpstreamRefused { status, retry_after, .. } => {
                (*status, retry_after.map(|wait| wait.as_secs()))
            }
            kind => panic!("{kind:?}"),
        }
    }

    #[test]
    fn retry_after_in_every_form() {
        let read = |pairs: &[(&str, &str)]| {
            retry_after(&headers(pairs), UNIX_EPOCH + NOW).map(|wait| wait.as_secs())
        };
        assert_eq!(read(&[("retry-after", "120")]), Some(120));
        assert_eq!(read(&[("retry-after", "Tue, 14 Nov 2023 22:13:30 GMT")]), Some(10));
        assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(0));
        for nonsense in ["soon", "-1", "", "1.5", "99999999999999999999999"] {
            assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        assert_eq!(
            read(&[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000003")]),
            Some(3)
        );
        assert_eq!(read(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "7")]), Some(7));
        assert_eq!(
            read(&[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1700000003")]),
            None
        );
    }

    #[test]
    fn githubs_403_for_a_limit_is_a_429() {
        let scopes = ("x-accepted-oauth-scopes", "repo");
        let primary = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000600"), scopes];
        let error = refused(Method::GET, 403, &primary, "");
        assert_eq!(status_of(&error), (429, Some(600)));
        assert!(error.message().contains("Call again in 10 minutes"), "{error}");
        let secondary = refused(Method::GET, 403, &[("retry-after", "60"), scopes], "");
        assert_eq!(status_of(&secondary), (429, Some(60)));
    }

    #[test]
    fn a_403_that_names_scopes_is_a_lack_of_them() {
        let kind = |pairs: &[(&str, &str)]| refused(Method::GET, 403, pairs, "").kind().clone();
        let missing = |scopes: &[&str]| ErrorKind::ScopeMissing {
            provider: "Forge",
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        };
        assert_eq!(
            kind(&[("x-accepted-oauth-scopes", "repo, admin:org")]),
            missing(&["repo", "admin:org"])
        );
        assert_eq!(
            kind(&[("x-accepted-oauth-scopes", "repo"), ("x-oauth-scopes", "gist")]),
            missing(&["repo"])
        );
        let challenge = r#"Bearer realm="x, y", error="insufficient_scope", scope="a b""#;
        assert_eq!(kind(&[("www-authenticate", challenge)]), missing(&["a", "b"]));
        let unquoted = "Bearer error=insufficient_scope, scope=a";
        assert_eq!(
            kind(&[("www-authenticate", "Basic"), ("www-authenticate", unquoted)]),
            missing(&["a"])
        );

        for others in [
            &[("x-accepted-oauth-scopes", "")][..],
            &[("x-accepted-oauth-scopes", "repo, admin"), ("x-oauth-scopes", "gist, repo")],
            &[("www-authenticate", r#"Bearer error="insufficient_scope""#)],
            &[("www-authenticate", r#"Bearer scope="a""#)],
            &[
                ("www-authenticate", r#"Bearer error="insufficient_scope", scope="`; rm""#),
                ("x-oauth-scopes", ""),
            ],
            &[],
        ] {
            let error = refused(Method::GET, 403, others, "");
            if matches!(error.kind(), ErrorKind::ScopeMissing { .. }) {
                assert!(!error.message().contains("``"), "{others:?}: {error}");
            } else {
                assert_eq!(status_of(&error), (403, None), "{others:?}");
            }
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        for (status, advice) in [
            (400, "Correct the arguments"),
            (403, "Calling again will not help"),
            (404, "Check the names"),
            (409, "Read that again"),
            (422, "Correct the arguments"),
            (429, "Call again later"),
            (500, "call again later"),
            (503, "call again later"),
        ] {
            let error = refused(Method::GET, status, &[], "because");
            assert!(error.message().contains(advice), "{error}");
            assert!(error.message().contains("`GET /repos/alice/compass`"), "{error}");
            assert!(error.message().ends_with("Forge says: because"), "{error}");
            assert_eq!(status_of(&error), (status, None));
        }
        let error = refused(Method::POST, 502, &[], "");
        assert!(error.message().contains("look before calling again"), "{error}");
        let error = refused(Method::POST, 503, &[("retry-after", "1")], "");
        assert!(error.message().ends_with("Call again in 1 second"), "{error}");
    }

    #[test]
    fn own_words_are_found_bounded_and_clean() {
        let token = SecretString::from("s3cret");
        let read = |json: &str| own_words(json.as_bytes(), &token);
        assert_eq!(read(r#"{"message":"Not Found"}"#), "Not Found");
        assert_eq!(
            read(r#"{"error":"invalid_request","error_description":"No code."}"#),
            "No code"
        );
        assert_eq!(read(r#"{"error":{"message":"nested","code":1}}"#), "nested");
        assert_eq!(read(r#"{"errors":[{"detail":"one"},{"title":"two"}]}"#), "one; two");
        assert_eq!(
            read(r#"{"message":"Validation Failed","errors":[{"message":"title is missing"}]}"#),
            "Validation Failed; title is missing",
        );
        assert_eq!(read("a\u{1b}"), "");
        assert_eq!(read(r#"{"message":"a\u0000\n\u001b[31mb\u202e"}"#), "a [31mb");
        for nothing in ["<html>", "", "[]", "{}", "7", r#"{"message":7}"#, r#"{"message":" "}"#] {
            assert_eq!(read(nothing), "", "{nothing}");
        }
        assert_eq!(
            read(&format!(r#"{{"message":"{}"}}"#, "ä".repeat(1000))).chars().count(),
            WORDS
        );
    }

    #[test]
    fn the_token_is_never_repeated() {
        let token = SecretString::from("s3cret");
        for json in [
            r#"{"message":"bad s3cret here s3cret"}"#,
            r#"{"message":"s3\u200bcret"}"#,
            r#"{"message":"s3\u0063ret"}"#,
            &format!(r#"{{"message":"{}s3cret"}}"#, "x".repeat(WORDS - 3)),
        ] {
            let words = own_words(json.as_bytes(), &token);
            assert!(!words.contains("s3c") && words.contains("[re"), "{json}: {words}");
        }
    }
}
