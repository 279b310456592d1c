//! The program that `dev` serves: this test program, which is started again.

use std::path::PathBuf;

use toolgate::{gate::Gate, grant::MemoryStore, prelude::*, testing::Issuer};
use toolgate_providers::GitHub;

/// What our customers may do.
#[catalogue]
pub(crate) enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
}

fn version() -> String {
    std::env::var("VERSION").unwrap_or_default()
}

/// Says which version of the program answers whom.
#[tool(scopes = "orders:read")]
async fn whoami(caller: Caller<Acme>) -> String {
    format!("version {} for {}", version(), caller.subject())
}

/// Answers when something is written to the pipe.
#[tool(scopes = "orders:read")]
async fn wait(caller: Caller<Acme>, pipe: String) -> Result<String> {
    let read = tokio::fs::read_to_string(PathBuf::from(pipe)).await?;
    Ok(format!("{} in version {} for {}", read.trim(), version(), caller.subject()))
}

/// Lists the user's addresses, once something is written to the pipe.
#[tool(scopes = "user:email")]
async fn addresses(github: AuthedClient<GitHub>, pipe: String) -> Result<String> {
    tokio::fs::read_to_string(PathBuf::from(pipe)).await?;
    github.get("/user/emails").send().await?.text().await
}

/// Not a test, but the program, when `dev` starts it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves() {
    if std::env::var_os("TOOLGATE_DEV_SOCKET").is_none() {
        return;
    }
    let server = toolgate::Server::new("followed", version());
    let server = match std::env::var("GATED").as_deref() {
        Ok("1") => server.gate(Gate::new(Issuer::new().verifier())),
        _ => server.dev::<Acme>(["alice", "bob"]),
    };
    let server = server.tools(tools![whoami, wait]);
    let server = match std::env::var("IN_MEMORY").as_deref() {
        Ok("1") => server
            .store(MemoryStore::new())
            .provider(GitHub::from_env().unwrap())
            .tools(tools![addresses]),
        _ => server,
    };
    let serving = server.serve_http("127.0.0.1:0".parse().unwrap());
    serving.await.unwrap();
}
