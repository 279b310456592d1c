use ui::prelude::*;

/// Does something.
#[tool(scopes = "orders:read")]
async fn t(a: Caller) { let _ = a; }

fn main() {}
