use ui::prelude::*;

/// A provider.
#[provider(
    api = "https://a.example",
    authorise = "https://a.example/authorize",
    token = "https://a.example/token"
)]
pub enum Example {
    /// Reads.
    #[scope("read", access = read)]
    Read,
}

/// Does something.
#[tool(scopes = "read")]
async fn t(example: AuthedClient<Example>) -> Result<()> {
    helper(&example).await?;
    example.get("/a").send().await.map(drop)
}

#[requires("read")]
async fn helper(_example: &AuthedClient<Example>) -> Result<()> {
    Ok(())
}

fn main() {
    let _ = toolgate::server!().provider(Example::from_env().unwrap()).tools(tools![t]);
}
