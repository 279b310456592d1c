//! Tests of error responses.

use std::time::UNIX_EPOCH;

use http::{HeaderName, HeaderValue, Method};
use url::Url;

use super::{message::MAX_MESSAGE_CHARS, *};
use crate::error::{Error, ErrorKind};

const NOW: Duration = Duration::from_secs(1_700_000_000);

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let parse = |(name, value): &(&str, &str)| -> (HeaderName, HeaderValue) {
        (name.parse().unwrap(), value.parse().unwrap())
    };
    pairs.iter().map(parse).collect()
}

fn refused(method: Method, status: u16, pairs: &[(&str, &str)], message: &str) -> Error {
    let url = Url::parse("https://api.example.com/repos/alice/compass").unwrap();
    let description = RequestDescription::new("Forge", method, &url, Duration::from_secs(30));
    let status = StatusCode::from_u16(status).unwrap();
    from_parts(&description, status, &headers(pairs), Signal::None, message, UNIX_EPOCH + NOW)
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
    assert_eq!(read(&[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1700000003")]), None);
}

#[test]
fn a_limit_says_when_it_ends_in_the_words_of_every_provider() {
    let read = |pairs: &[(&str, &str)]| status_of(&refused(Method::GET, 429, pairs, "")).1;
    for (name, value, expected) in [
        ("x-ratelimit-reset", "1700000003", Some(3)),
        ("x-ratelimit-reset", "7", Some(7)),
        ("x-rate-limit-reset", "1700000009", Some(9)),
        ("x-ratelimit-requests-reset", "1700000004500", Some(4)),
        ("x-ratelimit-reset-after", "1.5", Some(1)),
        ("x-ratelimit-reset", "2023-11-14T22:14Z", Some(40)),
        ("x-ratelimit-reset", "2023-11-14T22:13:21.5Z", Some(1)),
        ("x-ratelimit-reset", "2024-02-29T00:00:00+00:00", Some(9_164_800)),
        ("x-ratelimit-reset", "2024-02-31T00:00Z", Some(9_337_600)),
        ("retry-after-ms", "2500", Some(2)),
        ("ratelimit", r#""burst";r=0;t=12, "day";r=9;t=3600"#, Some(12)),
        ("ratelimit", "limit=100, remaining=0, reset=50", Some(50)),
        ("x-ratelimit-reset", "soon", None),
        ("x-ratelimit-reset", "-1", None),
        ("x-ratelimit-reset", "1e300", None),
        ("x-ratelimit-reset", "NaN", None),
        ("x-ratelimit-reset", "2023-99-14T22:14Z", None),
        ("x-ratelimit-reset", "2024-02-32T00:00Z", None),
        ("x-ratelimit-reset", "2023-11-14T22:14:99999999999999999999Z", None),
        ("ratelimit", r#""burst";r=1;t=12"#, None),
    ] {
        assert_eq!(read(&[(name, value)]), expected, "{name}: {value}");
    }
    let exhausted = [("ratelimit", r#""burst";r=0;t=12"#)];
    assert_eq!(status_of(&refused(Method::GET, 403, &exhausted, "")), (429, Some(12)));
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
fn a_message_is_found_bounded_and_clean() {
    let token = SecretString::from("s3cret");
    let read = |json: &str| error_message(json.as_bytes(), &token);
    assert_eq!(read(r#"{"message":"Not Found"}"#), "Not Found");
    assert_eq!(read(r#"{"error":"invalid_request","error_description":"No code."}"#), "No code");
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
        MAX_MESSAGE_CHARS
    );
}

#[test]
fn the_token_is_never_repeated() {
    let token = SecretString::from("s3cret");
    for json in [
        r#"{"message":"bad s3cret here s3cret"}"#,
        r#"{"message":"s3\u200bcret"}"#,
        r#"{"message":"s3\u0063ret"}"#,
        &format!(r#"{{"message":"{}s3cret"}}"#, "x".repeat(MAX_MESSAGE_CHARS - 3)),
    ] {
        let words = error_message(json.as_bytes(), &token);
        assert!(!words.contains("s3c") && words.contains("[re"), "{json}: {words}");
    }
}
