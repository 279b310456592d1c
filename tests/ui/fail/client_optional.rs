use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: Option<AuthedClient<GitHub>>) -> Result<String> {
    github.unwrap().get("/user").send().await?.text().await
}

fn main() {}
