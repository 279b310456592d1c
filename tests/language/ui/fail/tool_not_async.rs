use language::prelude::*;

/// Does something.
#[tool]
fn t() {}

fn main() {}
