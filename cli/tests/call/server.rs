//! Server in development: people without passwords, scopes of its own, and a stand-in.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use toolgate::{grant::MemoryStore, prelude::*};
use toolgate_providers::GitHub;

/// What people may do here.
#[catalogue]
enum Notes {
    /// See your notes.
    #[scope("notes:read", access = read)]
    Read,
    /// Write notes.
    #[scope("notes:write", access = write, implies(Read))]
    Write,
}

/// Counts the caller's notes.
#[tool(scopes = "notes:read")]
async fn list_notes(caller: Caller<Notes>) -> String {
    format!("{} has 0 notes", caller.subject())
}

/// Adds a note.
#[tool(scopes = "notes:write")]
async fn add_note(caller: Caller<Notes>, text: String, #[arg(default = 1)] copies: u8) -> String {
    let _ = caller;
    format!("{text}, {copies} times")
}

/// Fails.
#[tool(scopes = "notes:read")]
async fn fail(caller: Caller<Notes>) -> Result<()> {
    let _ = caller;
    Err("The tool has failed.".into())
}

/// Returns the user's profile at GitHub.
#[tool(scopes = "read:user")]
async fn github_profile(github: AuthedClient<GitHub>) -> Result<String> {
    github.get("/user").send().await?.text().await
}

/// Serves it, and returns the URL of its endpoint.
pub(crate) async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = toolgate::server!()
        .dev::<Notes>(["alice", "bob"])
        .provider(GitHub::from_env().unwrap())
        .tools(tools![list_notes, add_note, fail, github_profile])
        .public_url(url.as_str())
        .store(MemoryStore::new());
    let app = server.build().await.unwrap();
    let service = app.into_router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("{url}/mcp")
}
