//! Times as RFC 3339 has them, in UTC.

use std::time::{Duration, SystemTime};

const DAY_S: u64 = 86_400;

/// A time with milliseconds: `2026-07-28T09:30:00.250Z`. `millis` are since 1970.
pub(crate) fn format_millis(millis: u64) -> String {
    let (days, rest) = (millis / (DAY_S * 1000), millis % (DAY_S * 1000));
    let (year, month, day) = date_of(days);
    let (s, ms) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (s / 3600, s / 60 % 60, s % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Reads a time, or a day, which begins at midnight in UTC. `None`: it is neither, or before 1970.
pub(crate) fn parse(text: &str) -> Option<SystemTime> {
    let (date, time) = match text.split_at_checked(10)? {
        (date, "") => (date, None),
        (date, time) => (date, Some(time.strip_prefix(['T', 't', ' '])?)),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if year < 1970 || !(1..=length).contains(&day) {
        return None;
    }
    let at = Duration::from_secs(days_to(year, month, day) * DAY_S);
    let Some(time) = time else { return SystemTime::UNIX_EPOCH.checked_add(at) };
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    // A leap second is the first one after it.
    if hour > 23 || minute > 59 || second > 60 || !is_fraction {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let at = at + Duration::from_secs(hour * 3600 + minute * 60 + second);
    let at = SystemTime::UNIX_EPOCH.checked_add(at + Duration::from_millis(millis))?;
    if zone.eq_ignore_ascii_case("z") {
        return Some(at);
    }
    let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = Duration::from_secs(hours * 3600 + minutes * 60);
    if zone.starts_with('+') { at.checked_sub(offset) } else { at.checked_add(offset) }
}

/// Numbers with so many digits each.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    let mut parts = text.split(between);
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// The days from 1970 to a day of the Gregorian calendar. Years begin in March here, so that a leap day
/// is the last of its year.
fn days_to(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    days - 719_468
}

/// The day so many days after 1970: year, month and day.
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year + era * 400, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u128> {
        Some(parse(text)?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis())
    }

    #[test]
    fn every_day_of_eight_centuries_comes_back() {
        for day in 0..292_194 {
            let text = format_millis(day * DAY_S * 1000 + 1);
            assert_eq!(millis(&text), Some(u128::from(day * DAY_S * 1000 + 1)), "{text}");
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
            "1996-12-20T00:39:57.Z",
            "1996-12-20T00:39:5é",
            "+996-12-20",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
