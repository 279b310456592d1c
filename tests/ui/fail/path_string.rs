use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
async fn t(github: AuthedClient<GitHub>, name: String) -> Result<()> {
    github.get(format!("/repos/{name}")).send().await.map(drop)
}

fn main() {}
