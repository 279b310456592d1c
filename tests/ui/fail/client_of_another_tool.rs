use ui::prelude::*;

/// Writes.
#[tool(scopes = "repo")]
async fn write(_github: AuthedClient<GitHub>) {}

/// Reads, and would write.
#[tool(scopes = "repo:read")]
async fn read(github: AuthedClient<GitHub, write>) -> Result<()> {
    github.post("/a").send().await.map(drop)
}

fn main() {}
