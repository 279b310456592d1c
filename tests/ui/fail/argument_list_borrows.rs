use ui::prelude::*;

/// Does something.
#[tool]
async fn t(_names: Vec<&str>) {}

fn main() {}
