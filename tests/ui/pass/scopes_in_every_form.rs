use ui::prelude::*;

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

/// More than most tools ask for.
#[catalogue]
enum Wide {
    /// Does one thing.
    #[scope("one")]
    One,
    /// Does another.
    #[scope("two")]
    Two,
    /// Does a third.
    #[scope("three")]
    Three,
    /// Does a fourth.
    #[scope("four")]
    Four,
    /// Does a fifth.
    #[scope("five")]
    Five,
}

/// Four scopes.
#[tool(scopes = "one two three four")]
async fn few(_caller: Caller<Wide>) {}

/// Five scopes.
#[tool(scopes = "one two three four five")]
async fn many(_caller: Caller<Wide>) {}

pub fn main() {
    use toolgate::scope::Requires;
    for scopes in [a::scopes(), b::scopes(), c::scopes(), d::scopes(), e::scopes()] {
        assert_eq!(scopes, ["repo:read", "user:email"]);
    }
    assert_eq!(few::scopes(), ["one", "two", "three", "four"]);
    assert_eq!(many::scopes(), ["one", "two", "three", "four", "five"]);
    let _ = (a, b, c, d, e, few, many);
}
