use ui::prelude::*;

/// Does something.
#[tool(scopes = "mail:read")]
async fn t(_mail: AuthedClient<Mail>, account: String) {
    let _ = account;
}

fn main() {}
