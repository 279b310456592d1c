use ui::prelude::*;

/// Does something.
#[tool]
async fn t(#[arg(default = "opn", one_of("open", "closed"))] _a: String) {}

fn main() {}
