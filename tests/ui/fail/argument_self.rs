use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: Self) {}

fn main() {}
