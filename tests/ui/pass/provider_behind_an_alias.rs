use ui::prelude::*;

type Host = GitHub;

/// Does something.
#[tool(scopes = "repo", provider = GitHub)]
async fn t(_a: AuthedClient<Host>) {}

pub fn main() {
    let _ = t;
}
