use ui::prelude::*;

async fn close(_github: &AuthedClient<GitHub>) {}
/// Does something.
#[tool(scopes = "repo")]
async fn t(github: AuthedClient<GitHub>) {
    close(&github).await
}

fn main() {}
