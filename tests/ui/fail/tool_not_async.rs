use ui::prelude::*;

/// Does something.
#[tool]
fn t() {}

fn main() {}
