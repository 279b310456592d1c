use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = "A", pattern = "^[a-z]+$")] _a: String) {}

fn main() {}
