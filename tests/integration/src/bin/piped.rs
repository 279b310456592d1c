//! A server over standard input, with a stand-in of help desks whose addresses people give, and an API
//! for which the tokens of callers are exchanged, which come with no call here.

use integration::desks::{Desks, list_tickets};
use toolgate::{
    gate::Gate,
    prelude::*,
    stand_in::StandIn,
    testing::{Issuer, RESOURCE},
};

/// The shop's stock.
#[provider(
    api = "https://stock.example",
    token = "https://issuer.test/token",
    issuer = "https://issuer.test",
    grant = token_exchange
)]
pub enum Stock {
    /// See what is there.
    #[scope("stock:read", access = read)]
    Read,
}

/// Counts what is there.
#[tool(scopes = "stock:read")]
async fn count_stock(stock: AuthedClient<Stock>) -> Result<String> {
    stock.get("/count").send().await?.text().await
}

#[tokio::main]
async fn main() -> Result<()> {
    let desks = StandIn::<Desks>::start().await?;
    toolgate::server!()
        .provider(desks.client())
        .provider(Stock::client("shop").secret("s"))
        .gate(Gate::new(Issuer::new().verifier()).resource(RESOURCE))
        .tools(tools![list_tickets, count_stock])
        .store(toolgate::grant::MemoryStore::new())
        .serve_stdio()
        .await
}
