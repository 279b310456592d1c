use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(optional)] a: String) {}

fn main() {}
