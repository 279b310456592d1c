use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: Context<'_>) {}

fn main() {}
