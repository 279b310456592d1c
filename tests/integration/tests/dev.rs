//! A server that is being developed: a host goes from sign-in to a call, and no other client can.

use integration::{
    acme::{Acme, order, orders},
    broker::{Application, Browser, s256},
    client::{call_message, message_request},
};
use reqwest::Response;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use toolgate::{
    Server, dev,
    gate::Gate,
    grant::MemoryStore,
    prelude::*,
    testing::{Client, Issuer, RESOURCE},
};

fn server() -> Server {
    toolgate::server!().dev::<Acme>(["alice", "bob"]).tools(tools![orders, order])
}

async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = server().public_url(url.as_str()).store(MemoryStore::new()).build().await.unwrap();
    integration::host::serve_at(listener, app.into_router());
    url
}

async fn call(url: &str, token: &str, tool: &str) -> Response {
    let body = call_message(tool, json!({}));
    let request = message_request(&format!("{url}/mcp"), &body).bearer_auth(token);
    request.send().await.unwrap()
}

async fn said(url: &str, token: &str, tool: &str) -> String {
    let answer: Value = call(url, token, tool).await.json().await.unwrap();
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_host_signs_a_user_in_by_one_click_and_steps_up() {
    let url = start().await;
    let host = Application::register_at(&url).await;
    let browser = Browser::new();
    let tokens = host.sign_in(&browser, "orders:read", "bob").await;
    let token = tokens.text("access_token");
    assert_eq!(tokens.claims()["sub"], "bob");
    assert_eq!(said(&url, &token, "orders").await, "the orders of bob");
    let refused = call(&url, &token, "order").await;
    assert_eq!(refused.status(), 403);
    let wider = host.sign_in(&browser, "orders:read orders:write", "bob").await;
    assert_eq!(said(&url, &wider.text("access_token"), "order").await, "ordered for bob");
}

#[tokio::test]
async fn a_token_for_curl_is_good_here_until_it_ends() {
    let url = start().await;
    let mint = async |query: &str| {
        let minted = reqwest::get(format!("{url}/dev/token?{query}")).await.unwrap();
        (minted.status().as_u16(), minted.text().await.unwrap())
    };
    let (_, token) = mint("user=alice&scope=orders:read%20orders:write").await;
    assert_eq!(said(&url, &token, "order").await, "ordered for alice");
    let (_, expired) = mint("user=alice&scope=orders:read&expired").await;
    let refused = call(&url, &expired, "orders").await;
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    // A second may pass on the way.
    let says_when = (60..90).any(|age| challenge.contains(&format!("expired {age} s ago")));
    assert!(says_when, "{challenge}");
    let (status, says) = mint("user=mallory").await;
    assert_eq!((status, says.as_str()), (400, "`user` is one of: alice, bob\n"));
    let elsewhere = dev::token("alice").audience("http://127.0.0.1:1/mcp").to_string();
    assert_eq!(call(&url, &elsewhere, "orders").await.status(), 401);
}

#[tokio::test]
async fn nobody_comes_from_elsewhere() {
    let url = start().await;
    let http = reqwest::Client::new();
    for path in ["/dev/token?user=alice", "/dev/login", "/mcp", "/oauth/authorize"] {
        for (name, value) in [
            ("x-forwarded-for", "192.0.2.1"),
            ("host", "tools.example"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let request = http.get(format!("{url}{path}")).header(name, value);
            assert_eq!(request.send().await.unwrap().status(), 403, "{path} {name}");
        }
    }
}

#[tokio::test]
async fn forms_of_its_own_pages_come_without_an_origin() {
    let url = start().await;
    let send = async |site: &str| {
        let form = reqwest::Client::new().post(format!("{url}/oauth/consent"));
        let form = form.header("origin", "null").header("sec-fetch-site", site);
        form.form(&[("decision", "allow")]).send().await.unwrap().text().await.unwrap()
    };
    assert!(send("same-origin").await.contains("not the browser that began"));
    for site in ["same-site", "cross-site", "none", ""] {
        assert!(send(site).await.contains("not a page of this machine"), "{site}");
    }
}

#[tokio::test]
async fn its_login_is_for_its_people_and_its_codes_for_who_asked() {
    let url = start().await;
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let login = async |user: &str| {
        let challenge = s256("the-verifier-of-who-asked-0123456789-0123456789");
        let query = format!(
            "redirect_uri={url}/callback/dev&state=s&code_challenge={challenge}&user={user}"
        );
        http.get(format!("{url}/dev/login?{query}")).send().await.unwrap()
    };
    assert_eq!(login("mallory").await.status(), 400);
    let redeem = async |verifier: &str| {
        let back = login("alice").await.headers()["location"].to_str().unwrap().to_owned();
        let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        let form = [("code", code.as_str()), ("code_verifier", verifier)];
        http.post(format!("{url}/dev/access")).form(&form).send().await.unwrap().status()
    };
    assert_eq!(redeem("another-verifier-0123456789-0123456789-0123456").await, 400);
    assert_eq!(redeem("the-verifier-of-who-asked-0123456789-0123456789").await, 200);
}

#[tokio::test]
async fn it_starts_nowhere_else() {
    let why = async |server: Server| {
        server.store(MemoryStore::new()).build().await.unwrap_err().to_string()
    };
    let public = why(server().public_url("https://tools.example")).await;
    assert!(public.contains("`https://tools.example/` is not this machine alone"), "{public}");
    let resource = Gate::for_broker().resource("https://tools.example/mcp");
    let gated = why(server().gate(resource)).await;
    assert!(gated.contains("not this machine alone"), "{gated}");
    let nowhere = why(server()).await;
    assert!(nowhere.contains("has to know the URL"), "{nowhere}");
    let twice = why(server().gate(Gate::new(Issuer::new().verifier()).resource(RESOURCE))).await;
    assert!(twice.contains("another sign-in"), "{twice}");
    let none: [&str; 0] = [];
    let nobody = why(toolgate::server!().dev::<Acme>(none).public_url("http://127.0.0.1:1")).await;
    assert!(nobody.contains("names nobody"), "{nobody}");
}

#[tokio::test]
async fn the_client_of_a_test_needs_no_socket_for_it() {
    let client = Client::of(server()).await.unwrap();
    let read = || dev::token("alice").scopes("orders:read");
    assert_eq!(client.with(read()).call("orders", json!({})).await.text(), "the orders of alice");
    assert_eq!(client.with(read()).call("order", json!({})).await.status(), 403);
    assert_eq!(client.with(read().expired()).call("orders", json!({})).await.status(), 401);

    let alice = client.sign_in(&client.person("alice"), "orders:read").await.unwrap();
    assert_eq!(alice.call("orders", json!({})).await.text(), "the orders of alice");
    let denied = client.sign_in(&client.person("alice").denies(), "orders:read").await;
    assert!(denied.unwrap_err().to_string().contains("access_denied"));
    assert!(client.sign_in(&client.person("mallory"), "orders:read").await.is_err());
}
