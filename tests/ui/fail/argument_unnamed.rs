use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_: String) {}

fn main() {}
