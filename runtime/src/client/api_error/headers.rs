//! Headers of error responses: needed scopes and rate limits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, header};

use crate::client::parameters::parameters;

/// The most scopes in a message, and the longest one.
const MAX_SCOPES: usize = 16;
const MAX_SCOPE_LEN: usize = 128;

/// The scopes that a 403 asks for, and whether one of them or all are needed: from a challenge (RFC
/// 6750 §3) or GitHub's header.
pub(super) fn needed_scopes(headers: &HeaderMap) -> Option<(&'static str, Vec<String>)> {
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
    // If the token has one of them, the scopes are not the reason.
    if accepted.is_empty() || accepted.iter().any(|scope| held.contains(scope)) {
        return None;
    }
    Some((if accepted.len() == 1 { "the scope" } else { "one of the scopes" }, accepted))
}

/// The scope tokens (RFC 6749 §3.3) of a list.
fn split(list: &str) -> Vec<String> {
    let is_scope = |scope: &&str| {
        let in_grammar = |b: u8| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) && b != b'`';
        !scope.is_empty() && scope.len() <= MAX_SCOPE_LEN && scope.bytes().all(in_grammar)
    };
    list.split([',', ' ']).filter(is_scope).take(MAX_SCOPES).map(str::to_owned).collect()
}

/// When to try again: `Retry-After` in seconds or as a date (RFC 9110 §10.2.3), else the moment at
/// which an exhausted limit is reset.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(value) = text(headers, header::RETRY_AFTER.as_str()) {
        let value = value.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        // A date that has passed means now.
        let date = httpdate::parse_http_date(value).ok()?;
        return Some(date.duration_since(now).unwrap_or_default());
    }
    if !is_rate_limited(headers) {
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

/// Whether a rate limit is used up.
pub(super) fn is_rate_limited(headers: &HeaderMap) -> bool {
    ["x-ratelimit-remaining", "ratelimit-remaining"]
        .iter()
        .any(|name| text(headers, name).map(str::trim) == Some("0"))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
