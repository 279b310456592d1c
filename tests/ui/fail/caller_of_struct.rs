use ui::prelude::*;

struct Config;

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(caller: Caller<Config>) -> String {
    caller.subject().to_owned()
}

fn main() {}
