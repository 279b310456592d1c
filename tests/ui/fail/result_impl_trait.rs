use ui::prelude::*;

/// Does something.
#[tool]
async fn t() -> impl Send {}

fn main() {}
