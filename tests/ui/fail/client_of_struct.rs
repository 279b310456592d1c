use ui::prelude::*;

struct Config;

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(client: AuthedClient<Config>) -> Result<String> {
    client.get("/user").send().await?.text().await
}

fn main() {
    let _ = tools![t];
}
