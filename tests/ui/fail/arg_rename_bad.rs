use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(rename = "a b")] a: String) {}

fn main() {}
