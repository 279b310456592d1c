use ui::prelude::*;

/// Does something.
#[tool]
struct T;

fn main() {}
