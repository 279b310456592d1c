//! The form that asks for an address: what it takes, and from whom.

use std::sync::Arc;

use integration::{
    broker::Browser,
    client::{link_in, params, text},
    desks::{Desks, list_tickets},
};
use reqwest::{Client as Http, StatusCode, redirect::Policy};
use rmcp::{ServiceExt, transport::TokioChildProcess};
use serde_json::json;
use tokio::{net::TcpListener, process::Command};
use toolgate::{
    broker::Broker,
    grant::{Grants, MemoryStore, SystemClock},
    prelude::*,
    provider::OAuthClient,
    stand_in::StandIn,
    testing::{Client, RESOURCE},
};

use super::{
    Mall,
    shops::{Shop, client, orders},
};

/// Trackers that companies run themselves, at hosts of this company.
#[provider(
    api = "{site}/rest",
    authorize = "{site}/oauth/authorize",
    token = "{site}/oauth/token",
    placeholders(site(
        from = person,
        label = "The address of your tracker",
        hosts("*.trackers.example")
    ))
)]
enum Trackers {
    /// See issues.
    #[scope("issues", access = read)]
    Issues,
}

/// Lists issues.
#[tool(scopes = "issues")]
async fn issues(trackers: AuthedClient<Trackers>) -> Result<String> {
    trackers.get("/issues").send().await?.text().await
}

#[tokio::test]
async fn a_stand_in_asks_for_the_address_too() {
    let desks = StandIn::<Desks>::start().await.unwrap();
    let server = toolgate::server!().provider(desks.client()).tools(tools![list_tickets]);
    let client = Client::of(server).await.unwrap();
    let alice = client.person("alice");
    let link = client.call("list_tickets", json!({})).await.link().unwrap();
    let form = alice.open(&link).await.unwrap();
    assert_eq!(form.status(), 200);
    for part in [
        "<label for=\"address.subdomain\">The subdomain of your help desk</label>",
        "https://acme.desks.example",
        "aria-describedby=\"address.subdomain.hint\"",
        "maxlength=\"63\"",
    ] {
        assert!(form.text().contains(part), "{part}: {}", form.text());
    }
    assert!(!form.text().contains("aria-invalid"), "{}", form.text());
    let page = alice.address("subdomain", " Acme ").open(&link).await.unwrap();
    assert!(page.text().contains("Desks is connected"), "{}", page.text());
    let read = client.call("list_tickets", json!({})).await;
    assert!(read.text().contains("The first"), "{}", read.body());
    desks.expire_access_tokens();
    assert!(client.call("list_tickets", json!({})).await.text().contains("The first"));
    let page = alice.disconnect("desks").await.unwrap();
    assert!(page.text().contains("has revoked the access"), "{}", page.text());
}

#[tokio::test]
async fn over_standard_input_the_listener_for_the_browser_has_the_form() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_piped"));
    program.kill_on_drop(true);
    let client = ().serve(TokioChildProcess::new(program).unwrap()).await.unwrap();
    let tickets = || params("list_tickets", json!({}));
    let asks = client.call_tool(tickets()).await.unwrap();
    let browser = Browser::new();
    let form = browser.open(&link_in(&text(&asks))).await;
    assert!(form.body.contains("The subdomain of your help desk"), "{}", form.body);
    let again = browser.send(&form, &[("address.subdomain", "acme.evil.example")], &[]).await;
    assert_eq!(again.status, 422, "{}", again.body);
    let consent = browser.send(&again, &[("address.subdomain", "acme")], &[]).await;
    assert!(consent.url.path().starts_with("/acme.desks.example/"), "{}", consent.url);
    let decision = [("account", "alice"), ("decision", "approve"), ("scope:tickets", "on")];
    let back = browser.send(&consent, &decision, &[]).await;
    let target = back.header("refresh").strip_prefix("0;url=").unwrap().to_owned();
    let page = browser.open(&target).await;
    assert!(page.body.contains("Desks is connected"), "{}", page.body);
    let read = client.call_tool(tickets()).await.unwrap();
    assert!(text(&read).contains("The first"), "{}", text(&read));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn an_address_that_the_pattern_does_not_allow_leads_nowhere() {
    let mall = Mall::new();
    let (shop, other) = (Shop::open().await, Shop::open().await);
    let server = mall.process(client()).await;
    let (alice, her) = mall.of(&server, "alice");
    let link = alice.call("orders", json!({})).await.link().unwrap();
    let evil = other.name();
    for value in [
        format!("{}@127.0.0.1:{evil}/", shop.name()),
        format!("{}/@127.0.0.1:{evil}/", shop.name()),
        format!("{}/../../", shop.name()),
        format!("{evil}/"),
        format!("{evil}?"),
        format!("{evil}#"),
        format!("{evil}%2f"),
        format!("{evil}\\"),
        format!("{evil}."),
        ".".to_owned(),
        "127.0.0.1".to_owned(),
        "[::1]".to_owned(),
        "{shop}".to_owned(),
        "\"><script>alert(1)</script>".to_owned(),
        "x".repeat(64),
        // A port of 17 bits.
        "99999".to_owned(),
    ] {
        let page = her.address("shop", &value).open(&link).await.unwrap();
        assert_eq!(page.status(), 422, "{value}: {}", page.text());
        for part in
            ["aria-invalid=\"true\"", "id=\"address.shop.error\"", "letters, digits and hyphens"]
        {
            assert!(page.text().contains(part), "{value}: {part}: {}", page.text());
        }
        assert!(!page.text().contains("<script"), "{value}");
    }
    let page = her.address("another", "1").open(&link).await.unwrap();
    assert!(page.text().contains("Enter this part of the address"), "{}", page.text());
    assert!(shop.seen().is_empty() && other.seen().is_empty(), "{:?}", other.seen());
    let page = her.address("shop", shop.name()).open(&link).await.unwrap();
    assert!(page.text().contains("Shops is connected"), "the link is still good: {}", page.text());
    let page = her.address("shop", evil).open(&link).await.unwrap();
    assert!(page.text().contains("link"), "it is good once: {}", page.text());
    assert!(other.seen().is_empty(), "{:?}", other.seen());
}

#[tokio::test]
async fn a_host_has_to_match_the_pattern() {
    let server =
        toolgate::server!().provider(Trackers::client("id").secret("s")).tools(tools![issues]);
    let client = Client::of(server).await.unwrap();
    let alice = client.person("alice");
    let link = client.call("issues", json!({})).await.link().unwrap();
    for value in [
        "acme.evil.example",
        "https://acme.trackers.example.evil.example",
        "http://acme.trackers.example",
        "https://acme.trackers.example:8443",
        "https://alice:secret@acme.trackers.example",
        "https://acme.trackers.example@127.0.0.1",
        "https://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:1",
        "https://[::1]",
        "https://169.254.169.254/latest",
        "trackers.example",
    ] {
        let page = alice.address("site", value).open(&link).await.unwrap();
        assert_eq!(page.status(), 422, "{value}");
        assert!(page.text().contains("This is not such an address"), "{}", page.text());
        assert!(page.text().contains("https://acme.trackers.example"), "{}", page.text());
    }
}

#[tokio::test]
async fn a_form_is_accepted_only_from_the_page_and_the_person_it_was_shown_to() {
    let mall = Mall::new();
    let shop = Shop::open().await;
    let server = mall.process(client()).await;
    let (alice, _) = mall.of(&server, "alice");
    let (_, him) = mall.of(&server, "bob");
    let link = alice.call("orders", json!({})).await.link().unwrap();
    let page = him.address("shop", shop.name()).open(&link).await.unwrap();
    assert!(page.text().contains("This link is for another person"), "{}", page.text());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = toolgate::server!().provider(client()).tools(tools![orders]);
    let app = server.store(MemoryStore::new()).public_url(&url).build().await.unwrap();
    integration::host::serve_at(listener, app.into_router());
    let http = Http::builder().redirect(Policy::none()).build().unwrap();
    let request = http.post(format!("{url}/mcp")).json(&json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": "orders", "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        } },
    }));
    let request = request
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "orders");
    let asks = request.send().await.unwrap().text().await.unwrap();
    let start = asks.find(&format!("{url}/connect/")).unwrap_or_else(|| panic!("{asks}"));
    let end = |c: char| !(c.is_ascii_alphanumeric() || ":/.-_".contains(c));
    let link = asks[start..].split(end).next().unwrap().to_owned();
    let form = http.get(&link).send().await.unwrap();
    let cookie = form.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let (cookie, form) = (cookie.to_owned(), form.text().await.unwrap());
    let (_, rest) = form.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap().to_owned();
    let send = async |cookie: &str, csrf: &str, site: &str, field: (&str, &str)| {
        let request = http.post(&link).header("sec-fetch-site", site).header("cookie", cookie);
        request.form(&[("csrf", csrf), field]).send().await.unwrap().status()
    };
    let (name, here) = (shop.name(), "same-origin");
    let field = ("address.shop", &*name);
    assert_eq!(send(&cookie, &csrf, "cross-site", field).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&cookie, "forged", here, field).await, StatusCode::FORBIDDEN);
    assert_eq!(send("other=1", &csrf, here, field).await, StatusCode::FORBIDDEN);
    let allows_client = ("decision", "allow");
    assert_eq!(send(&cookie, &csrf, here, allows_client).await, StatusCode::FORBIDDEN);
    assert_eq!(send(&cookie, &csrf, here, field).await, StatusCode::SEE_OTHER);
    assert!(shop.seen().is_empty(), "no code came back: {:?}", shop.seen());
}

#[test]
fn a_provider_whose_address_people_give_cannot_have_a_broker() {
    let issuer = RESOURCE.trim_end_matches("/mcp");
    let broker = |client: OAuthClient<Desks>| {
        let store = Arc::new(MemoryStore::new());
        let grants = Grants::new(store.clone(), Arc::new(SystemClock));
        Broker::builder(issuer, RESOURCE, client, grants, store).user("/me", "id").build()
    };
    let error = broker(Desks::client("id").secret("s")).unwrap_err().to_string();
    for part in ["a broker cannot be in front of `Desks`", "`{subdomain}`", "`DESKS_SUBDOMAIN`"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let one_for_all = Desks::client("id").secret("s").placeholder("subdomain", "acme");
    broker(one_for_all).unwrap();
    let wrong = Desks::client("id").placeholder("subdomain", "acme.evil.example/");
    assert!(broker(wrong).unwrap_err().to_string().contains("may not have"));
}
