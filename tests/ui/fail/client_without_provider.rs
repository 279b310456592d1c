use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient) -> Result<String> {
    github.get("/user").send().await?.text().await
}

fn main() {
    let _ = tools![t];
}
