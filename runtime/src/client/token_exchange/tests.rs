//! How long tokens are kept, and what failures mean.

use super::*;
use crate::oauth::TokenError;

#[test]
fn a_token_is_used_until_shortly_before_its_end() {
    let now = SystemTime::UNIX_EPOCH;
    let seconds = |life: Option<u64>, end: Option<u64>| {
        let end = end.map(|end| now + Duration::from_secs(end));
        let until = usable_until(now, life.map(Duration::from_secs), end);
        until.duration_since(now).unwrap().as_secs()
    };
    assert_eq!(seconds(Some(300), Some(10)), 270, "its own life counts");
    assert_eq!(seconds(Some(40), None), 30);
    assert_eq!(seconds(Some(4), None), 3);
    assert_eq!(seconds(Some(u64::MAX), None), 24 * 3600 - 30);
    for unknown in [None, Some(0)] {
        assert_eq!(seconds(unknown, None), 60);
        assert_eq!(seconds(unknown, Some(3600)), 60);
        assert_eq!(seconds(unknown, Some(10)), 10, "not longer than the caller's token");
    }
}

#[test]
fn a_refusal_is_of_the_caller_or_of_the_client() {
    let refused = |code: &str| {
        let description = format!("{code} in words");
        Failure::of(&TokenError::Refused { status: 400, description }.into())
    };
    for code in ["access_denied", "invalid_request", "invalid_scope", "invalid_target"] {
        assert_eq!(refused(code), Failure::Denied { status: 400 }, "{code}");
    }
    for code in ["invalid_client", "unauthorized_client", "unsupported_grant_type", "", "odd"] {
        assert_eq!(refused(code), Failure::Misconfigured { status: Some(400) }, "{code}");
    }
    let dead = TokenError::InvalidGrant { description: None };
    assert_eq!(Failure::of(&dead.into()), Failure::Denied { status: 400 });
    let busy = TokenError::Busy { retry_after: None };
    assert_eq!(Failure::of(&busy.into()), Failure::Busy);
    assert_eq!(Failure::of(&ExchangeError::Aborted), Failure::Unreachable);
}
