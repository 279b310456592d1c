use ui::prelude::*;

struct Config;

/// Helps.
#[requires("repo")]
async fn helper(client: &AuthedClient<Config>) -> Result<()> {
    client.delete("/user").send().await.map(drop)
}

fn main() {}
