use ui::prelude::*;

/// Does something.
#[tool]
async fn bool() {}

fn main() {}
