use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = 1.5, range(..=1.0))] _a: f64) {}

fn main() {}
