//! Several accounts of one person at one provider.

mod argument;
mod endpoint;
mod identity;
mod page;

use serde_json::json;
use toolgate::{
    grant::{GrantStore, MemoryStore},
    prelude::*,
    stand_in::StandIn,
    testing::{Answer, Client, Person},
};
use toolgate_providers::GitHub;

/// Lists the user's addresses.
#[tool(scopes = "user:email")]
async fn addresses(github: AuthedClient<GitHub>) -> Result<String> {
    github.get("/user/emails").send().await?.text().await
}

/// Says what is unread, and by whom.
#[tool(scopes = "notifications")]
async fn unread(github: AuthedClient<GitHub>) -> Result<String> {
    github.get("/user").send().await?.text().await
}

/// A server whose only user is at this machine, and a stand-in of GitHub.
struct Desk {
    github: StandIn<GitHub>,
    client: Client,
    user: Person,
}

impl Desk {
    async fn new() -> Self {
        Self::with(MemoryStore::new()).await
    }

    async fn with(store: impl GrantStore) -> Self {
        let github = StandIn::<GitHub>::start().await.unwrap();
        let server = toolgate::server!().provider(github.client()).tools(tools![addresses, unread]);
        let client = Client::of(server.store(store)).await.unwrap();
        let user = client.person("alice");
        Self { github, client, user }
    }

    async fn call(&self, tool: &str) -> Answer {
        self.client.call(tool, json!({})).await
    }

    /// Opens the link of a call, signed in at the provider as `account`.
    async fn connect(&self, answer: &Answer, account: &str) -> String {
        let link = answer.link().unwrap_or_else(|| panic!("no link: {}", answer.body()));
        self.user.account(account).open(link).await.unwrap().text().to_owned()
    }
}

/// The names of accounts in an error that lists them.
fn names(answer: &Answer) -> Vec<String> {
    let text = answer.text();
    let (_, list) = text.split_once("; there is ").unwrap_or_else(|| panic!("no list: {text}"));
    let (list, _) = list.split_once(". Call again").unwrap();
    list.split(", ").map(|name| name.replace('`', "")).collect()
}
