//! Attacks by clients that register, or that name the address of their metadata.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use forge::Config;
use integration::{
    broker::{Application, Browser, Page, REDIRECT, Site, listen},
    deployment,
};
use serde_json::json;
use tokio::net::TcpListener;

/// Metadata that registration refuses.
macro_rules! not_registered {
    ($($name:ident: $metadata:tt, $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let site = Site::start().await;
            let answer = Application::try_register(&site, json!($metadata)).await;
            assert_eq!((answer.status.as_u16(), answer.error()), (400, Some($code)), "{}", answer.body);
            assert_eq!(answer.cache_control, "no-store");
        }
    )*};
}

not_registered! {
    without_a_redirect_uri: { "redirect_uris": [] }, "invalid_redirect_uri";
    a_site_by_plain_http: { "redirect_uris": ["http://app.example/cb"] }, "invalid_redirect_uri";
    a_script: { "redirect_uris": ["javascript:alert(1)//"] }, "invalid_redirect_uri";
    a_document_inline: { "redirect_uris": ["data:text/html,x"] }, "invalid_redirect_uri";
    a_file: { "redirect_uris": ["file:///etc/passwd"] }, "invalid_redirect_uri";
    a_wildcard: { "redirect_uris": ["https://*.example/cb"] }, "invalid_redirect_uri";
    a_fragment: { "redirect_uris": ["https://app.example/cb#x"] }, "invalid_redirect_uri";
    a_user_in_the_uri: { "redirect_uris": ["https://app.example@evil.example/cb"] }, "invalid_redirect_uri";
    a_machine_on_the_network: { "redirect_uris": ["http://192.168.0.1/cb"] }, "invalid_redirect_uri";
    every_interface: { "redirect_uris": ["http://0.0.0.0:1/cb"] }, "invalid_redirect_uri";
    only_bad_uris: { "redirect_uris": ["http://app.example/cb", "data:x"] }, "invalid_redirect_uri";
    a_uri_that_is_no_text: { "redirect_uris": [7] }, "invalid_client_metadata";
    a_key_as_proof: { "token_endpoint_auth_method": "private_key_jwt" }, "invalid_client_metadata";
    only_a_machine_grant: { "grant_types": ["client_credentials"] }, "invalid_client_metadata";
    only_an_implicit_grant: { "response_types": ["token"] }, "invalid_client_metadata";
}

#[tokio::test]
async fn more_redirect_uris_than_are_allowed() {
    let site = Site::start().await;
    let uris: Vec<_> = (0..17).map(|n| format!("https://app.example/{n}")).collect();
    let answer = Application::try_register(&site, json!({ "redirect_uris": uris })).await;
    assert_eq!(answer.error(), Some("invalid_redirect_uri"));
}

#[tokio::test]
async fn a_registration_that_is_too_large_or_no_registration() {
    let site = Site::start().await;
    let long = json!({ "client_name": "x".repeat(20_000) });
    assert_eq!(Application::try_register(&site, long).await.status, 413);
    let http = reqwest::Client::new();
    for (kind, body) in
        [("application/json", "["), ("application/json", "{}"), ("text/plain", "{}")]
    {
        let request = http.post(site.endpoint("register")).header("content-type", kind);
        assert_eq!(request.body(body).send().await.unwrap().status(), 400, "{kind} {body}");
    }
}

#[tokio::test]
async fn a_flood_of_registrations() {
    let site = Site::start().await;
    let mut made = 0;
    let http = reqwest::Client::new();
    // Through a proxy: a program on this machine registers as often as it likes.
    let register = async || {
        let request = http.post(site.endpoint("register")).header("x-forwarded-for", "192.0.2.1");
        let body = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" });
        request.json(&body).send().await.unwrap()
    };
    let refused = loop {
        let answer = register().await;
        if answer.status() != 201 {
            break answer;
        }
        made += 1;
        assert!(made < 100 * deployment::counters(), "one address registers without end");
    };
    assert_eq!(refused.status(), 429);
    site.clock.advance(Duration::from_secs(60));
    assert_eq!(register().await.status(), 201, "it passes");
}

#[tokio::test]
async fn who_registers_with_one_scope_may_ask_for_another() {
    let site = Site::start().await;
    let answer = Application::try_register(&site, json!({ "scope": "repo:read" })).await;
    assert_eq!(answer.body["scope"], "repo:read", "it is no limit");
    let mut application = Application::known(&site, &answer.text("client_id"), REDIRECT);
    application.secret = None;
    let tokens = application.sign_in(&Browser::new(), "repo:write", "alice").await;
    assert_eq!(tokens.body["scope"], "repo:write");
}

/// A site that publishes clients' documents.
struct Publisher {
    url: String,
    fetched: Arc<AtomicUsize>,
}

impl Publisher {
    async fn start() -> Self {
        let fetched = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&fetched);
        let url = listen(|base| {
            let base = base.to_owned();
            let publish = move |Path(what): Path<String>| {
                count.fetch_add(1, Ordering::SeqCst);
                let id = format!("{base}/clients/{what}");
                async move { document(&id, &what).await }
            };
            Router::new().route("/clients/{what}", get(publish))
        })
        .await;
        Self { url, fetched }
    }

    fn id(&self, what: &str) -> String {
        format!("{}/clients/{what}", self.url)
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }
}

async fn document(id: &str, what: &str) -> Response {
    let mut document = json!({
        "client_id": id,
        "client_name": "Published",
        "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "none",
    });
    let json = "application/json";
    let mut kept = "max-age=600";
    match what {
        "moved" => return Redirect::to("/clients/good").into_response(),
        "gone" => return http_status(404),
        "broken" => return http_status(500),
        "silent" => std::future::pending::<()>().await,
        "page" => return ([("content-type", "text/html")], document.to_string()).into_response(),
        "text" => return ([("content-type", json)], "not json").into_response(),
        "list" => return ([("content-type", json)], "[]").into_response(),
        "long" => document["padding"] = "x".repeat(70_000).into(),
        "other" => document["client_id"] = id.replace("other", "good").into(),
        "nobody" => drop(document.as_object_mut().unwrap().remove("client_id")),
        "nameless" => drop(document.as_object_mut().unwrap().remove("client_name")),
        "secret" => document["client_secret"] = "x".into(),
        "confidential" => document["token_endpoint_auth_method"] = "client_secret_post".into(),
        "script" => document["redirect_uris"] = json!(["javascript:alert(1)"]),
        "nowhere" => document["redirect_uris"] = json!([]),
        "elsewhere" => document["redirect_uris"] = json!(["https://app.example/callback"]),
        "unkept" => kept = "no-store",
        _ => {}
    }
    ([("content-type", json), ("cache-control", kept)], document.to_string()).into_response()
}

fn http_status(status: u16) -> Response {
    reqwest::StatusCode::from_u16(status).unwrap().into_response()
}

async fn published() -> (Site, Publisher) {
    let site = Site::with(Config::default(), toolgate::broker::BrokerBuilder::loopback_documents);
    (site.await, Publisher::start().await)
}

fn assert_stopped(page: &Page) {
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(!page.is_application && !page.is_consent() && page.visited.len() == 1);
}

#[tokio::test]
async fn a_client_that_is_a_document_signs_in() {
    let (site, publisher) = published().await;
    let host = Application::known(&site, &publisher.id("good"), REDIRECT);
    let browser = Browser::new();
    let page = browser.open(&host.link("repo:read", &[])).await;
    assert!(page.body.contains("<strong>127.0.0.1</strong> (verified)"), "{}", page.body);
    assert!(page.body.contains("Published"), "{}", page.body);
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    assert_eq!(tokens.claims()["client_id"], host.id);
    assert_eq!(host.refresh(&tokens.text("refresh_token")).await.status, 200);
    assert_eq!(publisher.fetched(), 1, "it is kept, and the token endpoint fetches nothing");
    site.clock.advance(Duration::from_secs(601));
    browser.open(&host.link("repo:read", &[])).await;
    assert_eq!(publisher.fetched(), 2, "as long as its site says");
}

/// Documents that are not believed.
macro_rules! not_believed {
    ($($name:ident: $what:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (site, publisher) = published().await;
            let host = Application::known(&site, &publisher.id($what), REDIRECT);
            let browser = Browser::new();
            assert_stopped(&browser.open(&host.link("repo:read", &[])).await);
            assert_stopped(&browser.open(&host.link("repo:read", &[])).await);
            assert_eq!(publisher.fetched(), 1, "no redirect is followed, and nobody is asked twice");
        }
    )*};
}

not_believed! {
    a_document_that_is_elsewhere: "moved";
    a_document_that_is_gone: "gone";
    a_document_of_a_broken_site: "broken";
    a_document_that_never_comes: "silent";
    a_document_that_is_a_page: "page";
    a_document_that_is_no_json: "text";
    a_document_that_is_a_list: "list";
    a_document_without_end: "long";
    a_document_of_another_client: "other";
    a_document_of_nobody: "nobody";
    a_document_without_a_name: "nameless";
    a_document_with_a_secret: "secret";
    a_document_of_a_confidential_client: "confidential";
    a_document_with_a_script: "script";
    a_document_that_leads_nowhere: "nowhere";
    a_document_that_leads_elsewhere: "elsewhere";
}

#[tokio::test]
async fn a_document_that_must_not_be_kept_is_kept_a_minute() {
    let (site, publisher) = published().await;
    let host = Application::known(&site, &publisher.id("unkept"), REDIRECT);
    let browser = Browser::new();
    for _ in 0..3 {
        assert!(browser.open(&host.link("repo:read", &[])).await.is_consent());
    }
    assert_eq!(publisher.fetched(), 1);
    site.clock.advance(Duration::from_secs(61));
    browser.open(&host.link("repo:read", &[])).await;
    assert_eq!(publisher.fetched(), 2);
}

#[tokio::test]
async fn a_crowd_asks_for_one_document() {
    let (site, publisher) = published().await;
    let host = Application::known(&site, &publisher.id("good"), REDIRECT);
    let link = host.link("repo:read", &[]);
    let browsers: Vec<_> = (0..8).map(|_| Browser::new()).collect();
    let pages = futures::future::join_all(browsers.iter().map(|browser| browser.open(&link))).await;
    assert!(pages.iter().all(Page::is_consent));
    assert_eq!(publisher.fetched(), 1);
}

#[tokio::test]
async fn this_server_as_a_scanner() {
    let (site, publisher) = published().await;
    let browser = Browser::new();
    let mut statuses = Vec::new();
    for n in 0..40 * deployment::counters() {
        let host = Application::known(&site, &publisher.id(&format!("good{n}")), REDIRECT);
        statuses.push(browser.open(&host.link("repo:read", &[])).await.status.as_u16());
    }
    assert!(statuses.contains(&429), "one address makes it fetch without end: {statuses:?}");
    assert!(publisher.fetched() <= 20 * deployment::counters(), "{}", publisher.fetched());
}

/// Identifiers that lead inside, and a listener that would notice.
macro_rules! not_fetched {
    ($($name:ident: $id:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let site = Site::start().await;
            let canary = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = canary.local_addr().unwrap().port();
            let id = $id.replace("PORT", &port.to_string());
            let host = Application::known(&site, &id, REDIRECT);
            let page = Browser::new().open(&host.link("repo:read", &[])).await;
            assert_stopped(&page);
            let details = ["refused", "timed out", "dns", "os error"];
            assert!(!details.iter().any(|word| page.body.contains(word)), "{}", page.body);
            // The answer is there, so whatever was going to connect has done so.
            let nobody = futures::FutureExt::now_or_never(canary.accept());
            assert!(nobody.is_none(), "it connected to {id}");
        }
    )*};
}

not_fetched! {
    this_machine_by_its_name: "https://localhost:PORT/client.json";
    this_machine_by_its_address: "https://127.0.0.1:PORT/client.json";
    this_machine_by_another_address: "https://127.1.2.3:PORT/client.json";
    this_machine_in_short: "https://127.1:PORT/client.json";
    this_machine_as_a_number: "https://2130706433:PORT/client.json";
    this_machine_in_hex: "https://0x7f000001:PORT/client.json";
    this_machine_in_octal: "https://0177.0.0.1:PORT/client.json";
    this_machine_with_a_dot_at_the_end: "https://localhost.:PORT/client.json";
    this_machine_unspecified: "https://0.0.0.0:PORT/client.json";
    this_machine_of_version_six: "https://[::1]:PORT/client.json";
    this_machine_unspecified_of_version_six: "https://[::]:PORT/client.json";
    this_machine_mapped: "https://[::ffff:127.0.0.1]:PORT/client.json";
    this_machine_mapped_in_hex: "https://[::ffff:7f00:1]:PORT/client.json";
    this_machine_compatible: "https://[::7f00:1]:PORT/client.json";
    this_machine_by_nat64: "https://[64:ff9b::7f00:1]:PORT/client.json";
    this_machine_by_6to4: "https://[2002:7f00:1::]:PORT/client.json";
    this_machine_by_plain_http: "http://127.0.0.1:PORT/client.json";
    this_machine_by_plain_http_and_name: "http://localhost:PORT/client.json";
    the_metadata_of_a_cloud: "https://169.254.169.254/latest/meta-data";
    the_metadata_of_a_cloud_of_version_six: "https://[fd00:ec2::254]/latest/meta-data";
    a_private_network: "https://10.0.0.1/client.json";
    a_shared_network: "https://100.64.0.1/client.json";
    a_link_local_address: "https://[fe80::1]/client.json";
    a_user_and_a_host: "https://app.example@127.0.0.1:PORT/client.json";
    a_file_as_a_client: "file:///etc/passwd";
    a_scheme_in_capitals: "HTTPS://127.0.0.1:PORT/client.json";
}

#[tokio::test]
async fn an_answer_to_the_browser_says_nothing_of_cors_unless_it_is_wanted() {
    let closed = Site::start().await;
    let open =
        Site::with(Config::default(), toolgate::broker::BrokerBuilder::browser_clients).await;
    let http = reqwest::Client::new();
    for (site, wanted) in [(&closed, false), (&open, true)] {
        let urls =
            [format!("{}/.well-known/oauth-authorization-server", site.url), site.endpoint("jwks")];
        for url in urls {
            let answer =
                http.get(url).header("origin", "https://app.example").send().await.unwrap();
            let allowed = answer.headers().get("access-control-allow-origin");
            assert_eq!(allowed.is_some(), wanted);
            assert!(!answer.headers().contains_key("access-control-allow-credentials"));
        }
        let url = Application::known(site, "tg-x", REDIRECT).link("repo:read", &[]);
        let page = http.get(url).header("origin", "https://app.example").send().await.unwrap();
        assert!(!page.headers().contains_key("access-control-allow-origin"), "never for a page");
    }
}
