//! One process of a fleet: over the forge at `FORGE_URL`, behind a proxy at `PUBLIC_URL`.
//! `LEASE_MS`: how long the right to renew a token lasts. `LENIENT=yes`: the provider is one whose refresh tokens
//! have a leeway of 30 seconds. `PROCESS_NAME`: what the provider sees in the query of token requests.

use std::{env, time::Duration};

use integration::{
    host::{client_at, leased_for},
    tools::{Forge, list_issues},
};
use toolgate::{gate::Gate, grant::RefreshPolicy, prelude::*};

/// A forge that lets a refresh token be used again for a while.
#[provider(
    api = "http://127.0.0.1:1/api",
    authorize = "http://127.0.0.1:1/oauth/authorize",
    token = "http://127.0.0.1:1/oauth/token",
    refresh_token(leeway = 30)
)]
enum Lenient {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
}

mod lenient {
    use super::{AuthedClient, Lenient, Result, path};

    /// Lists the open issues of a repository.
    #[toolgate::tool(scopes = "repo:read")]
    pub(super) async fn list_issues(
        forge: AuthedClient<Lenient>,
        owner: String,
        repo: String,
        #[arg(default = 30, range(1..=100))] limit: u8,
    ) -> Result<String> {
        let issues = forge.get(path!("/repos/{owner}/{repo}/issues")).query(&[("per_page", limit)]);
        issues.send().await?.text().await
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let forge = env::var("FORGE_URL")?;
    let policy = match env::var("LEASE_MS") {
        Ok(lease) => leased_for(Duration::from_millis(lease.parse()?)),
        Err(_) => RefreshPolicy::default(),
    };
    let server = toolgate::server!()
        .refresh_policy(policy)
        .gate(Gate::for_broker())
        .public_url(env::var("PUBLIC_URL")?)
        .trusted_proxies(["127.0.0.1"]);
    // A token endpoint may have a query (RFC 6749 section 3.2).
    let token = format!("{forge}/oauth/token?{}", env::var("PROCESS_NAME").unwrap_or_default());
    let revoke = format!("{forge}/oauth/revoke");
    if env::var_os("LENIENT").is_none() {
        let server = server
            .provider(client_at(&forge).token(token).revoke(revoke))
            .tools(tools![list_issues]);
        return server.broker::<Forge>(|broker| broker.user("/user", "login")).serve().await;
    }
    let client = Lenient::client(forge::Config::CLIENT_ID)
        .secret(forge::Config::CLIENT_SECRET)
        .api(format!("{forge}/api"))
        .authorize(format!("{forge}/oauth/authorize"))
        .token(token)
        .issuer(forge.as_str())
        .revoke(revoke);
    let server = server.provider(client).tools(tools![lenient::list_issues]);
    server.broker::<Lenient>(|broker| broker.user("/user", "login")).serve().await
}
