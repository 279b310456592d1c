use ui::prelude::*;

#[tool]
async fn t() {}

fn main() {}
