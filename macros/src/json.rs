//! Literals as JSON text.

use std::fmt::Write;

use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

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
