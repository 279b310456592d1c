use toolgate::client::http::Method;
use ui::prelude::*;

/// Closes an issue.
#[tool(scopes = "repo:read user:email")]
async fn t(github: &AuthedClient<GitHub>) -> Result<()> {
    github.request(Method::DELETE, "/issues").send().await.map(drop)
}

fn main() {}
