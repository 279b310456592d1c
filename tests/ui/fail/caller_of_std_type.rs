use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: Caller<String>) {}

fn main() {}
