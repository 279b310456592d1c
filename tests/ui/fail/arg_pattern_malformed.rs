use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(pattern = "[")] _a: String) {}

fn main() {}
