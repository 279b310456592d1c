//! A server with all pages that a person may see: people sign in by one click, and connect a forge
//! of its own. With `FAULTY` it is a client that the forge does not accept.

use end_to_end::{host::client_at, tools::list_issues};
use toolgate::prelude::*;

/// What our customers may do.
#[catalogue]
pub enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place and cancel orders.
    #[scope("orders:write", access = write, implies(Read))]
    Write,
}

#[tokio::main]
async fn main() -> Result<()> {
    let forge = forge::start(forge::Config::default()).await?;
    let mut client = client_at(forge.url());
    if std::env::var_os("FAULTY").is_some() {
        client = client.secret("of-another-client");
    }
    toolgate::server!()
        .provider(client)
        .dev::<Acme>(["alice", "bob"])
        .tools(tools![list_issues])
        .store(toolgate::grant::MemoryStore::new())
        .serve()
        .await
}
