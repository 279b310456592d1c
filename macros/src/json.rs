//! Literals as JSON text, and text as JSON.

use std::fmt::Write;

use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

/// How deep a text may be nested.
const MAX_DEPTH: usize = 32;

/// What may stand between the tokens of JSON (RFC 8259 §2).
const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// A string, a number or a boolean; `None` for every other expression.
pub(crate) fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => {
            Some(number.base10_digits().to_owned())
        }
        Expr::Lit(ExprLit { lit, .. }) => scalar(lit),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => {
            Some(format!("-{}", literal(expr)?))
        }
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

/// A string, a whole number or a boolean.
pub(crate) fn scalar(literal: &Lit) -> Option<String> {
    match literal {
        Lit::Str(text) => Some(string(&text.value())),
        Lit::Bool(value) => Some(value.value.to_string()),
        Lit::Int(number) => Some(number.base10_digits().to_owned()),
        _ => None,
    }
}

/// A string with quotes, escaped.
pub(crate) fn string(text: &str) -> String {
    let mut json = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

/// Whether a text is a JSON value (RFC 8259).
pub(crate) fn is_valid(text: &str) -> bool {
    value(text, MAX_DEPTH).is_some_and(|rest| rest.trim_start_matches(BLANK).is_empty())
}

/// What follows the value at the beginning of a text.
fn value(text: &str, depth: usize) -> Option<&str> {
    let text = text.trim_start_matches(BLANK);
    match text.chars().next()? {
        '"' => quoted(text),
        '[' => list(text, ']', |text| value(text, depth.checked_sub(1)?)),
        '{' => list(text, '}', |text| {
            let rest = quoted(text.trim_start_matches(BLANK))?.trim_start_matches(BLANK);
            value(rest.strip_prefix(':')?, depth.checked_sub(1)?)
        }),
        '-' | '0'..='9' => number(text),
        _ => ["null", "true", "false"].iter().find_map(|word| text.strip_prefix(word)),
    }
}

/// What follows a list of items with commas between them.
fn list<'t>(
    text: &'t str,
    end: char,
    item: impl Fn(&'t str) -> Option<&'t str>,
) -> Option<&'t str> {
    let mut rest = text[1..].trim_start_matches(BLANK);
    if let Some(rest) = rest.strip_prefix(end) {
        return Some(rest);
    }
    loop {
        rest = item(rest)?.trim_start_matches(BLANK);
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return rest.strip_prefix(end),
        }
    }
}

/// What follows a string.
fn quoted(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('"')?;
    loop {
        rest = rest.trim_start_matches(|c: char| !matches!(c, '"' | '\\' | '\0'..='\x1f'));
        if let Some(rest) = rest.strip_prefix('"') {
            return Some(rest);
        }
        let escape = rest.strip_prefix('\\')?;
        rest = match escape.strip_prefix(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']) {
            Some(rest) => rest,
            None => {
                let (digits, rest) = escape.strip_prefix('u')?.split_at_checked(4)?;
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                is_hex.then_some(rest)?
            }
        };
    }
}

/// What follows a number.
fn number(text: &str) -> Option<&str> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let text = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || (whole > 1 && text.starts_with('0')) {
        return None;
    }
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        rest = fraction.get(count..).filter(|_| count > 0)?;
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = digits(exponent);
        rest = exponent.get(count..).filter(|_| count > 0)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn json_is_told_from_what_looks_like_it() {
        for good in [
            "null",
            " true ",
            "-0.5e+10",
            "[]",
            "[1, [2], {}]",
            r#"{"query":"{ viewer { id } }"}"#,
            r#"{ "a" : "\"\u00e9\n", "b" : [false] }"#,
        ] {
            assert!(is_valid(good), "{good}");
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        for bad in [
            "",
            "{ viewer { id } }",
            "nul",
            "null null",
            "'a'",
            "01",
            "1.",
            "-",
            "1e",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "\"a",
            "\"\n\"",
            r#""\x""#,
            r#""\u00g0""#,
            &deep,
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
