use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(description = "A thing.")] a: String) {}

fn main() {}
