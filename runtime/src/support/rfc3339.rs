//! Times as RFC 3339 has them, in UTC.

use std::time::SystemTime;

use chrono::{DateTime, Datelike as _, SecondsFormat, SubsecRound as _, Utc};

/// A time with milliseconds: `2026-07-28T09:30:00.250Z`. `millis` are since 1970.
pub(crate) fn format_millis(millis: u64) -> String {
    let time = i64::try_from(millis).ok().and_then(DateTime::from_timestamp_millis);
    time.unwrap_or(DateTime::<Utc>::MAX_UTC).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Reads a time, to the millisecond, or a day, which begins at midnight in UTC. `None`: it is neither,
/// or its year is before 1970.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let is_day = text.len() == 10;
    let time = if is_day { &format!("{text}T00:00:00Z") } else { text };
    let time = DateTime::parse_from_rfc3339(time).ok()?;
    // The minus sign of Unicode is accepted before an offset, which the RFC does not have.
    let is_accepted = text.is_ascii() && time.year() >= 1970;
    is_accepted.then(|| time.trunc_subsecs(3).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn millis(text: &str) -> Option<u128> {
        Some(parse(text)?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis())
    }

    #[test]
    fn every_day_of_eight_centuries_comes_back() {
        for day in 0..292_194 {
            let text = format_millis(day * DAY_MS + 1);
            assert_eq!(millis(&text), Some(u128::from(day * DAY_MS + 1)), "{text}");
        }
        assert_eq!(format_millis(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(format_millis(0), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn times_of_the_rfc_are_read() {
        assert_eq!(millis("1985-04-12T23:20:50.52Z"), Some(482_196_050_520));
        assert_eq!(millis("1996-12-19T16:39:57-08:00"), Some(851_042_397_000));
        assert_eq!(millis("1996-12-20t00:39:57z"), Some(851_042_397_000));
        assert_eq!(millis("1996-12-20"), Some(851_040_000_000));
        assert_eq!(millis("1996-12-20 00:39:57.1239Z"), Some(851_042_397_123));
        assert_eq!(millis("1990-12-31T23:59:60.5Z"), Some(662_688_000_500));
        assert_eq!(millis("1969-12-31T23:30:00-01:00"), None);
        for wrong in [
            "",
            "1996",
            "1996-13-01",
            "1995-02-29",
            "1969-12-31",
            "1996-12-20T",
            "é996-12-201",
            "1996-12-20T00:39:57",
            "1996-12-20T24:00:00Z",
            "1996-12-20T00:39:57+24:00",
            "1996-12-20T00:39:57\u{2212}08:00",
            "1996-12-20T00:39:57Z08:00",
            "1996-12-20T00:39:57.Z",
            "1996-12-20T00:39:5é",
            "+996-12-20",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
