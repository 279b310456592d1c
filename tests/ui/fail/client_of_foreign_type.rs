use std::time::Duration;

use ui::prelude::*;

/// Does something.
#[tool(scopes(one = "repo", other = "repo"))]
async fn t(one: AuthedClient<GitHub>, other: AuthedClient<Duration>) -> Result<()> {
    one.post("/user").send().await?;
    other.post("/user").send().await.map(drop)
}

fn main() {}
