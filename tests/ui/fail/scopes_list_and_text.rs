use ui::prelude::*;

/// Does something.
#[tool(scopes = ["repo:read"], "user:email")]
async fn t(a: AuthedClient<GitHub>) { let _ = a; }

fn main() {}
