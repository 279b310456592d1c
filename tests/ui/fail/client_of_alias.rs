use ui::prelude::*;

type Host = GitHub;

/// Does something.
#[tool(scopes = "repo")]
async fn t(client: AuthedClient<Host>) -> Result<()> {
    client.post("/user").send().await.map(drop)
}

fn main() {}
