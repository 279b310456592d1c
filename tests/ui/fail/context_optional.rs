use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: Option<Context>) {}

fn main() {}
