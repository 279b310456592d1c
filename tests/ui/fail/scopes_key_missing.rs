use ui::prelude::*;

/// Does something.
#[tool(scopes(github = "repo"))]
async fn t(github: AuthedClient<GitHub>, slack: AuthedClient<Slack>) {
    let _ = (github, slack);
}

fn main() {}
