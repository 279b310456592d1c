#![allow(clippy::duplicate_underscore_argument, reason = "the names of arguments are free")]

use ui::prelude::*;

/// Does something.
#[tool]
async fn shadow(
    shadow: String,
    call: u8,
    _call: u8,
    context: toolgate::Context,
    path: String,
) -> String {
    let _ = context;
    format!("{shadow}{call}{path}")
}

pub fn main() {
    let _ = shadow;
}
