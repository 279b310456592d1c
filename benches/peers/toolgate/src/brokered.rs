//! Server behind its own broker, with SQLite: the token is the broker's, and each call looks up the
//! grant of its client.

use std::{env, fs, net::SocketAddr, time::Duration};

use toolgate::{
    Result,
    client::http,
    grant::{MasterKey, SqliteStore},
    prelude::*,
    testing::{Account, Client, FakeProvider, RESOURCE},
};

use crate::TEXT;

/// The longest that the broker's access tokens may live.
const LIFE: Duration = Duration::from_secs(60 * 60);

/// A code host.
#[provider(
    api = "https://api.forge.example",
    authorize = "https://forge.example/authorize",
    token = "https://forge.example/token"
)]
pub(crate) enum Forge {
    /// Read repositories.
    #[scope("repo:read", access = read)]
    Read,
}

/// Returns a simple text.
#[tool(scopes = "repo:read")]
async fn test_simple_text(_forge: AuthedClient<Forge>) -> &'static str {
    TEXT
}

/// Signs a person in with the broker, as a host does, writes the token to `TOKEN_FILE`, and serves. The
/// server's public URL is that of the sign-in, so requests carry its `Host`.
pub(crate) async fn serve(address: SocketAddr) -> Result<()> {
    let forge = FakeProvider::<Forge>::start(|request| {
        let account = request.extensions().get::<Account>();
        let name = account.map_or("", |account| &account.name);
        http::Response::new(serde_json::json!({ "id": name }).to_string().into())
    })
    .await?;
    forge.access_token_life(LIFE);
    let folder = env::current_dir()?.join(format!("store-{}", address.port()));
    fs::create_dir_all(&folder)?;
    let store = || SqliteStore::at(&folder).key(MasterKey::from_bytes([7; 32])).open();
    let server = |store: SqliteStore| {
        toolgate::server!()
            .provider(forge.client())
            .broker::<Forge>(|broker| broker.user("/user", "id").access_token_ttl(LIFE))
            .public_url(RESOURCE.trim_end_matches("/mcp"))
            .store(store)
            .tools(tools![test_simple_text])
    };
    let client = Client::of(server(store().await?)).await?;
    let alice = client.sign_in(&client.person("alice"), "repo:read").await?;
    fs::write(env::var("TOKEN_FILE")?, alice.token().unwrap_or_default())?;
    server(store().await?).serve_http(address).await
}
