use ui::prelude::*;

/// Does something.
#[tool]
async fn t(a: _) {}

fn main() {}
