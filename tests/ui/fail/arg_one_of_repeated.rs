use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(one_of("a", "a"))] _a: String) {}

fn main() {}
