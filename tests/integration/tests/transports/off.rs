//! Transports that a server does not have.

use std::process::Stdio;

use integration::{host::serve, tools::add};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};
use toolgate::{Server, tools};

/// Starts the program whose server has no other transport, and returns its URL.
async fn started() -> (tokio::process::Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_crowd"))
        .args(["--http", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
    let greeting = said.next_line().await.unwrap().unwrap();
    let address = greeting.split("http://").nth(1).and_then(|url| url.split('/').next()).unwrap();
    let url = format!("http://{address}");
    // Open as long as the server may say something.
    tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
    (process, url)
}

#[tokio::test]
async fn a_client_of_2024_learns_where_the_server_is() {
    let (_process, url) = started().await;
    let client = reqwest::Client::new();
    for request in [
        client.get(format!("{url}/sse")),
        client.get(format!("{url}/sse")).header("accept", "text/event-stream"),
        client.post(format!("{url}/sse")).body("{}"),
    ] {
        let gone = request.send().await.unwrap();
        assert_eq!(gone.status(), 410);
        let words = gone.text().await.unwrap();
        assert!(words.contains(&format!("{url}/mcp")), "{words}");
    }
    for path in ["messages", "messages?sessionId=x", "ws"] {
        let response = client.get(format!("{url}/{path}")).send().await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
}

/// A router is put into an application, whose other paths are the application's.
#[tokio::test]
async fn a_router_takes_no_path_of_the_application() {
    let mcp = serve(Server::new("plain", "1").tools(tools![add])).await;
    let base = mcp.trim_end_matches("/mcp");
    for path in ["sse", "messages", "ws"] {
        let response = reqwest::get(format!("{base}/{path}")).await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
    }
}
