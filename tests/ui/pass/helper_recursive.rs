use ui::prelude::*;

#[requires("repo:read")]
async fn walk(github: &AuthedClient<GitHub>, depth: u8, names: &mut Vec<String>) -> Result<()> {
    if depth > 0 {
        names.push(depth.to_string());
        walk(github, depth - 1, names).await?;
    }
    Ok(())
}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) -> Result<String> {
    let mut names = Vec::new();
    walk(&github, 3, &mut names).await?;
    Ok(names.join(" "))
}

pub fn main() {
    let _ = t;
}
