use ui::prelude::*;

/// Does something.
#[tool]
async fn t<'a>(_name: &'a str) {}

fn main() {}
