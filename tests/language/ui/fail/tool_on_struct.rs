use language::prelude::*;

/// Does something.
#[tool]
struct T;

fn main() {}
