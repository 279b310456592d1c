use ui::prelude::*;

struct Config;

/// Does something.
#[tool(scopes = "repo")]
async fn t(client: &AuthedClient<Config>) -> Result<()> {
    client.post("/user").send().await.map(drop)
}

/// Does something else.
#[tool(scopes = "repo")]
async fn u(github: AuthedClient<GitHub>) -> Result<()> {
    github.post("/user").send().await.map(drop)
}

fn main() {
    let _ = tools![t, u];
}
