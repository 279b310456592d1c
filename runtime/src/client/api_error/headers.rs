//! Headers of error responses: needed scopes and rate limits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{Days, NaiveDate};
use http::{HeaderMap, header};

use crate::client::parameters::parameters;

/// The most scopes in a message, and the longest one.
const MAX_SCOPES: usize = 16;
const MAX_SCOPE_LEN: usize = 128;

/// How much of a limit is left.
const REMAINING: [&str; 5] = [
    "x-ratelimit-remaining",
    "ratelimit-remaining",
    "x-rate-limit-remaining",
    "x-ratelimit-requests-remaining",
    "x-ratelimit-remaining-requests",
];

/// When a limit is reset: after a time (Discord), or at a moment.
const RESET: [&str; 7] = [
    "x-ratelimit-reset-after",
    "ratelimit-reset-after",
    "x-ratelimit-reset",
    "ratelimit-reset",
    "x-rate-limit-reset",
    "x-ratelimit-requests-reset",
    "x-ratelimit-reset-requests",
];

/// When to try again, in milliseconds.
const RETRY_AFTER_MS: [&str; 2] = ["retry-after-ms", "x-ms-retry-after-ms"];

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
    let milliseconds = RETRY_AFTER_MS.iter().find_map(|name| text(headers, name));
    if let Some(milliseconds) = milliseconds.and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_millis(milliseconds));
    }
    if is_rate_limited(headers) { reset_after(headers, now) } else { None }
}

/// How long it is until a limit is reset.
pub(super) fn reset_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    if let Some(Limit { reset_after: Some(reset), .. }) = exhausted_limit(headers) {
        return Some(reset);
    }
    moment(RESET.iter().find_map(|name| text(headers, name))?, now)
}

/// Whether a rate limit is used up.
pub(super) fn is_rate_limited(headers: &HeaderMap) -> bool {
    REMAINING.iter().any(|name| text(headers, name).map(str::trim) == Some("0"))
        || exhausted_limit(headers).is_some()
}

/// How long it is until a moment: a number of seconds from now or since 1970, of milliseconds since
/// 1970, or a date of ISO 8601 in UTC.
fn moment(text: &str, now: SystemTime) -> Option<Duration> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let Ok(number) = text.trim().parse::<f64>() else {
        return Some(iso_date(text.trim())?.saturating_sub(now));
    };
    if !(0.0..1e15).contains(&number) {
        return None;
    }
    Some(if number < 1e9 {
        Duration::from_secs_f64(number)
    } else if number < 1e11 {
        Duration::from_secs_f64(number).saturating_sub(now)
    } else {
        Duration::from_secs_f64(number / 1e3).saturating_sub(now)
    })
}

/// The time from 1970 to a date such as `2026-11-29T15:00Z`. A day that its month does not have, as 31
/// February, is one of the next month.
fn iso_date(text: &str) -> Option<Duration> {
    let (date, time) = text.strip_suffix('Z').or(text.strip_suffix("+00:00"))?.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let year = date.next()?.parse().ok().filter(|year| (1970..=9999).contains(year))?;
    let month = NaiveDate::from_ymd_opt(year, date.next()?.parse().ok()?, 1)?;
    let day: u64 = date.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let days = month.checked_add_days(Days::new(day - 1))?.to_epoch_days();
    let mut time = time.splitn(3, ':');
    let hours: u64 = time.next()?.parse().ok().filter(|hours| *hours < 24)?;
    let minutes: u64 = time.next()?.parse().ok().filter(|minutes| *minutes < 60)?;
    let seconds: f64 = time.next().map_or(Some(0.0), |seconds| seconds.parse().ok())?;
    let seconds = Duration::try_from_secs_f64(seconds).ok().filter(|s| s.as_secs() <= 60)?;
    let minutes = u64::try_from(days).ok()? * 1440 + hours * 60 + minutes;
    Some(Duration::from_secs(minutes * 60) + seconds)
}

/// A limit of the header `RateLimit`.
struct Limit {
    remaining: Option<u64>,
    reset_after: Option<Duration>,
}

/// The limit that is used up, of those that the header `RateLimit` lists
/// (draft-ietf-httpapi-ratelimit-headers): `"hour";r=0;t=120`, in earlier drafts
/// `limit=100, remaining=0, reset=120`.
fn exhausted_limit(headers: &HeaderMap) -> Option<Limit> {
    let all = text(headers, "ratelimit")?;
    let read = |text: &str| {
        let mut limit = Limit { remaining: None, reset_after: None };
        for (name, value) in text.split([';', ',']).filter_map(|part| part.split_once('=')) {
            let value = value.trim().parse().ok();
            match name.trim() {
                "r" | "remaining" => limit.remaining = value,
                "t" | "reset" => limit.reset_after = value.map(Duration::from_secs),
                _ => {}
            }
        }
        limit
    };
    let is_early = all.contains("remaining=");
    let limits: Vec<Limit> =
        if is_early { vec![read(all)] } else { all.split(',').map(read).collect() };
    let exhausted = limits.into_iter().filter(|limit| limit.remaining == Some(0));
    exhausted.max_by_key(|limit| limit.reset_after)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
