//! Values that are known when the macro runs: literals.

use std::cmp::Ordering;

use syn::{Expr, ExprLit, Lit};

/// A value that is known when the macro runs.
pub(super) enum Known {
    Text(String),
    Number(Number),
}

impl Known {
    pub(super) fn new(value: &Expr) -> Option<Self> {
        match value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(Self::Text(text.value())),
            Expr::Group(group) => Self::new(&group.expr),
            Expr::Paren(paren) => Self::new(&paren.expr),
            // `"text".to_owned()`
            Expr::MethodCall(call) if call.args.is_empty() => {
                let owns = ["to_owned", "to_string", "into"].iter().any(|own| call.method == own);
                if owns { Self::new(&call.receiver) } else { None }
            }
            // `Some(30)`, `String::from("text")`
            Expr::Call(call) if call.args.len() == 1 => {
                let Expr::Path(function) = &*call.func else { return None };
                let names = function.path.segments.iter().map(|segment| segment.ident.to_string());
                let name = names.collect::<Vec<_>>().join("::");
                let wraps = ["Some", "String::from"].contains(&name.as_str());
                if wraps { Self::new(&call.args[0]) } else { None }
            }
            value => Number::new(value).map(Self::Number),
        }
    }
}

#[derive(Clone, Copy)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

impl Number {
    pub(super) fn new(value: &Expr) -> Option<Self> {
        match value {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => match number.suffix() {
                // syn takes `1f64` for an integer.
                "f32" | "f64" => number.base10_digits().parse().map(Self::Float).ok(),
                _ => number.base10_digits().parse().map(Self::Int).ok(),
            },
            Expr::Lit(ExprLit { lit: Lit::Float(number), .. }) => {
                number.base10_digits().parse().map(Self::Float).ok()
            }
            Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => {
                Some(match Self::new(&unary.expr)? {
                    Self::Int(number) => Self::Int(-number),
                    Self::Float(number) => Self::Float(-number),
                })
            }
            Expr::Group(group) => Self::new(&group.expr),
            Expr::Paren(paren) => Self::new(&paren.expr),
            _ => None,
        }
    }

    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => Some(one.cmp(&other)),
            (one, other) => one.float().partial_cmp(&other.float()),
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "a float is compared as a float")]
    fn float(self) -> f64 {
        match self {
            Self::Int(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}
