use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_name: State<str>) {}

fn main() {}
