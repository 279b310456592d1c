//! Integers that are written with a fraction or an exponent.

/// The digits of `u128::MAX`.
const MAX_DIGITS: usize = 39;

/// The integer in digits alone; `None` if the number has a fraction, or more digits than any type.
///
/// It reads the text, because a float has no room for all integers: 9007199254740993.0.
pub(super) fn integer(number: &str) -> Option<String> {
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number),
    };
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent),
        None => (number, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some("0".to_owned());
    }
    let exponent: i64 = exponent.parse().ok()?;
    // The zeros that follow the digits, or those that they must end with.
    let zeros = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let digits = if zeros < 0 {
        let cut = usize::try_from(zeros.checked_neg()?).ok()?;
        let (kept, cut) = digits.split_at_checked(digits.len().checked_sub(cut)?)?;
        cut.bytes().all(|digit| digit == b'0').then(|| kept.to_owned())?
    } else {
        let zeros = usize::try_from(zeros).ok().filter(|zeros| *zeros < MAX_DIGITS)?;
        format!("{digits}{}", "0".repeat(zeros))
    };
    (!digits.is_empty() && digits.len() <= MAX_DIGITS).then(|| format!("{sign}{digits}"))
}

/// Whether serde reads the number as an integer.
pub(super) fn is_plain_integer(number: &str) -> bool {
    number != "-0" && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}
