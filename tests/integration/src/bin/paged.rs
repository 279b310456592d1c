//! A server with all pages that a person may see: people sign in by one click, and connect a forge
//! of its own, a stand-in of GitHub where they have several accounts, or one of help desks whose
//! addresses they give. With `FAULTY` it is a client that the forge does not accept, with `WITHHELD` the
//! forge never grants that scope, and with `ANONYMOUS` callers without a token may list the tools.

use std::env;

use integration::{
    desks::{Desks, list_tickets},
    host::client_at,
    tools::{Forge, list_issues},
};
use toolgate::{
    gate::{Gate, StepUp},
    prelude::*,
    stand_in::StandIn,
};
use toolgate_providers::GitHub;

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

/// Deletes a repository that it has looked at.
#[tool(scopes = ["repo:read", "repo:delete"])]
async fn delete_repository(forge: AuthedClient<Forge>, owner: String, repo: String) -> Result<()> {
    forge.get(path!("/repos/{owner}/{repo}")).send().await?;
    forge.delete(path!("/repos/{owner}/{repo}")).send().await.map(drop)
}

/// Lists what the user has not read.
#[tool(scopes = "notifications")]
async fn list_notifications(github: AuthedClient<GitHub>) -> Result<String> {
    github.get("/notifications").send().await?.text().await
}

/// Says what has been ordered.
///
/// Only models need to know this.
#[tool(title = "Orders", scopes = "orders:read")]
async fn list_orders(caller: Caller<Acme>) -> String {
    format!("the orders of {}", caller.subject())
}

/// Places an order.
#[tool(scopes = "orders:write")]
async fn place_order(caller: Caller<Acme>) -> String {
    format!("ordered for {}", caller.subject())
}

/// Says what time it is.
#[tool]
async fn time_of_day() -> String {
    "late".to_owned()
}

/// A square with a hole.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 28 28'%3E%3Crect width='28' height='28' fill='%23b3261e'/%3E%3Ccircle cx='14' cy='14' r='7' fill='%23fff'/%3E%3C/svg%3E";

#[tokio::main]
async fn main() -> Result<()> {
    let mut config = forge::Config::default();
    if let Ok(scope) = env::var("WITHHELD") {
        config = config.withhold(scope);
    }
    let forge = forge::start(config).await?;
    let mut client = client_at(forge.url());
    if env::var_os("FAULTY").is_some() {
        client = client.secret("of-another-client");
    }
    let desks = StandIn::<Desks>::start().await?;
    let github = StandIn::<GitHub>::start().await?;
    let mut gate = Gate::for_broker().step_up(StepUp::Link);
    let mut server = toolgate::server!().title("Acme Tools").icon(ICON);
    if env::var_os("ANONYMOUS").is_some() {
        gate = gate.allow_anonymous(true);
        server = toolgate::Server::new("acme-tools", "1.0.0").website_url("https://acme.example");
    }
    server
        .description("Orders and repositories of Acme's customers.")
        .instructions("Look at the issues of a repository before you delete it.")
        .provider(client)
        .provider(desks.client())
        .provider(github.client())
        .gate(gate)
        .dev::<Acme>(["alice", "bob"])
        .tools(tools![
            list_issues,
            delete_repository,
            list_tickets,
            list_notifications,
            list_orders,
            place_order,
            time_of_day
        ])
        .store(toolgate::grant::MemoryStore::new())
        .serve()
        .await
}
