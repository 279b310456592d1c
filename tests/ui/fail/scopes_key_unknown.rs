use ui::prelude::*;

/// Does something.
#[tool(scopes(github = "repo", slak = "chat:write"))]
async fn t(github: AuthedClient<GitHub>, slack: AuthedClient<Slack>) {
    let _ = (github, slack);
}

fn main() {}
