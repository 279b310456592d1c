use ui::prelude::*;

/// Does something.
#[tool(scope = "repo:read")]
async fn t(github: AuthedClient<GitHub>) -> Result<()> {
    github.post("/a").send().await.map(drop)
}

fn main() {
    let _ = tools![t];
}
