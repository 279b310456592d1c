use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
async fn t(_name: String) {}

fn main() {}
