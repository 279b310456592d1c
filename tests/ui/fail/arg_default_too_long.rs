use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = "abc", length(..=2))] _a: String) {}

fn main() {}
