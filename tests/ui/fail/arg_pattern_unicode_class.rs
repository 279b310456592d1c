use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(pattern = "^\\p{L}+$")] _a: String) {}

fn main() {}
