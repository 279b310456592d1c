use ui::prelude::*;

/// Does something.
#[tool]
async fn t(größe: String) { let _ = größe; }

fn main() {}
