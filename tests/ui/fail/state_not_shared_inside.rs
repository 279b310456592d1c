use std::rc::Rc;

use ui::prelude::*;

struct Cache {
    entries: Rc<String>,
}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: &AuthedClient<GitHub>, cache: &State<Cache>) -> Result<String> {
    github.get("/user").send().await?;
    Ok(cache.entries.to_string())
}

fn main() {}
