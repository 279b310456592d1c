//! An authorization server that registers nobody, and reads metadata documents of clients.

use axum::{
    Json, Router,
    http::{StatusCode, header},
    routing::{get, post},
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::call;

/// Serves it with what it says of documents, and returns the URL of the endpoint.
async fn start(reads_documents: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = format!("{base}/mcp");
    let resource = json!({ "resource": endpoint, "authorization_servers": [base] });
    let issuer = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "client_id_metadata_document_supported": reads_documents,
    });
    let refused = (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")]);
    let router = Router::new()
        .route("/mcp", post(move || async move { refused }))
        .route(
            "/.well-known/oauth-protected-resource/mcp",
            get(move || async move { Json(resource) }),
        )
        .route("/.well-known/oauth-authorization-server", get(move || async move { Json(issuer) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}

#[tokio::test]
async fn what_to_publish_is_printed_where_clients_have_documents() {
    let (code, _, error) = call(&start(true).await, &["list_notes", "--as", "alice"]).await;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("publish this one") && error.contains("--client-id"), "{error}");
    // The document is JSON, and its redirect URI has no port: the port is another at each call.
    let from = error.find('{').unwrap();
    let document: serde_json::Value = serde_json::from_str(error[from..].trim()).unwrap();
    assert_eq!(document["redirect_uris"], json!(["http://127.0.0.1/callback"]));
    assert_eq!(document["token_endpoint_auth_method"], "none");
    assert_eq!(document["client_id"], "https://..");

    let (code, _, error) = call(&start(false).await, &["list_notes", "--as", "alice"]).await;
    assert_eq!(code, 2);
    assert!(error.contains("cannot register there") && !error.contains('{'), "{error}");
}

/// The published document is a client as any other that is known already.
#[tokio::test]
async fn the_url_of_a_document_is_a_client() {
    let url = start(true).await;
    let document = "https://me.example/client.json";
    let arguments = ["list_notes", "--client-id", document, "--wait", "1"];
    let (code, _, error) = call(&url, &arguments).await;
    assert_eq!(code, 2);
    assert!(error.contains("client_id=https%3A%2F%2Fme.example%2Fclient.json&"), "{error}");
}
