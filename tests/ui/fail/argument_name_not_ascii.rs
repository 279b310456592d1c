use ui::prelude::*;

/// Does something.
#[tool]
async fn t(größe: String) {}

fn main() {}
