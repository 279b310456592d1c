use ui::prelude::*;

#[requires("repo:read")]
async fn who(github: &AuthedClient) -> Result<String> {
    github.get("/user").send().await?.text().await
}

fn main() {}
