use ui::prelude::*;

/// Does something.
#[tool(scopes = "repo")]
async fn t(_github: AuthedClient<GitHub>, _slack: AuthedClient<Slack>) {}

fn main() {}
