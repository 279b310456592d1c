use language::prelude::*;

/// A string.
#[tool(scopes = "repo:read user:email")]
async fn a(_github: AuthedClient<GitHub>) {}

/// A list.
#[tool(scopes("repo:read", "user:email"))]
async fn b(_github: AuthedClient<GitHub>) {}

/// An array.
#[tool(scopes = ["repo:read", "user:email"])]
async fn c(_github: &AuthedClient<GitHub>) {}

/// Variants.
#[tool(scopes(RepoRead, UserEmail))]
async fn d(_github: AuthedClient<GitHub>) {}

/// A key.
#[tool(scopes(github = "repo:read user:email"))]
async fn e(github: AuthedClient<GitHub>) {
    let _ = github;
}

fn main() {
    use toolgate::Requires;
    for scopes in [a::SCOPES, b::SCOPES, c::SCOPES, d::SCOPES, e::SCOPES] {
        assert_eq!(scopes, ["repo:read", "user:email"]);
    }
    let _ = (a, b, c, d, e);
}
