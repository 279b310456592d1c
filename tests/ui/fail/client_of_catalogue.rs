use ui::prelude::*;

/// The rights of this server's own tokens.
#[catalogue]
enum Rights {
    /// Reads.
    #[scope("read", access = read)]
    Read,
}

/// Does something.
#[tool(scopes = "read")]
async fn t(client: AuthedClient<Rights>) -> Result<String> {
    client.get("/user").send().await?.text().await
}

fn main() {}
