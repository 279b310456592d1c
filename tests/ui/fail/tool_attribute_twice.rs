use ui::prelude::*;

/// Does something.
#[tool]
#[tool]
async fn t() {}

fn main() {}
