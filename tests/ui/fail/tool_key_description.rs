use ui::prelude::*;

#[tool(description = "Lists things.")]
async fn t() {}

fn main() {}
