use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_state: State) {}

fn main() {}
