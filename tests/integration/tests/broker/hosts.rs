//! Requests as real hosts send them, which a strict reading of the specifications refuses.

use std::time::Duration;

use forge::Config;
use integration::{
    broker::{Application, Browser, REDIRECT, Site},
    deployment,
};
use serde_json::{Value, json};

/// A site whose default scope is to read.
async fn reading() -> Site {
    Site::with(Config::default(), |builder| builder.default_scopes(["repo:read"])).await
}

/// Requested scopes, and those that come of them.
macro_rules! granted {
    ($($name:ident: $requested:literal, $granted:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let site = reading().await;
            let host = Application::register(&site).await;
            let tokens = host.sign_in(&Browser::new(), $requested, "alice").await;
            assert_eq!(tokens.body["scope"], $granted, "the answer names what was granted");
            assert_eq!(tokens.claims()["scope"], $granted);
        }
    )*};
}

granted! {
    no_scope_is_the_default_scopes: "", "repo:read";
    a_blank_scope_is_the_default_scopes: " ", "repo:read";
    openid_scopes_alone_are_the_default_scopes: "openid email profile", "repo:read";
    a_scope_of_another_server_is_the_default_scopes: "mcp:tools", "repo:read";
    scopes_separated_by_commas_are_the_default_scopes: "repo:read,repo:delete", "repo:read";
    offline_access_alone_is_the_default_scopes: "offline_access", "repo:read";
    unknown_scopes_among_known_ones_are_ignored: "openid repo:write admin", "repo:write";
    a_blank_before_the_first_scope_is_ignored: " repo:write", "repo:write";
    a_scope_in_capitals_is_unknown: "REPO:WRITE", "repo:read";
}

#[tokio::test]
async fn more_scopes_than_anyone_has_are_ignored() {
    let site = reading().await;
    let host = Application::register(&site).await;
    let many: Vec<_> = (0..200).map(|n| format!("unknown:{n}")).collect();
    let many = format!("{} repo:write", many.join(" "));
    let tokens = host.sign_in(&Browser::new(), &many, "alice").await;
    assert_eq!(tokens.body["scope"], "repo:write");
}

#[tokio::test]
async fn a_registration_names_the_scopes_to_ask_for() {
    let site = reading().await;
    for (requested, answered) in [
        (json!({}), "repo:read"),
        (json!({ "scope": "" }), "repo:read"),
        (json!({ "scope": "openid mcp:tools" }), "repo:read"),
        (json!({ "scope": "openid repo:write" }), "repo:write"),
    ] {
        let answer = Application::try_register(&site, requested.clone()).await;
        assert_eq!(answer.body["scope"], answered, "{requested}: {}", answer.body);
    }
}

/// Redirect URIs of editors, and programs that browsers open.
macro_rules! registered {
    ($($name:ident: $uri:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let site = Site::start().await;
            let host = Application::register_with(&site, json!({ "redirect_uris": [$uri] })).await;
            let page = Browser::new().open(&host.link("repo:read", &[])).await;
            let scheme = $uri.split(':').next().unwrap();
            assert!(page.body.contains(&format!("<strong>{scheme}:</strong>")), "{}", page.body);
            let policy = page.header("content-security-policy");
            assert!(policy.contains(&format!(" {scheme}:;")), "{policy}");
            let page = Browser::new().sign_in(&host.link("repo:read", &[]), "alice").await;
            assert!(page.url.as_str().starts_with($uri), "{}", page.url);
            host.redeem(page.answer().code()).await.text("access_token");
        }
    )*};
}

registered! {
    vs_codium: "vscodium://modelcontextprotocol.mcp/callback";
    kiro: "kiro://kiro.oauth/callback";
    antigravity: "antigravity://oauth/callback";
    zed: "zed://mcp/oauth";
    raycast: "raycast://oauth";
    claude: "claude://oauth/callback";
    a_scheme_that_nobody_knows: "my-editor+beta://callback";
    a_scheme_without_slashes: "myeditor:/callback";
}

/// Schemes that are not a program's own, or that open something else than a program.
macro_rules! never_registered {
    ($($name:ident: $uri:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let site = Site::start().await;
            let alone = json!({ "redirect_uris": [$uri] });
            let answer = Application::try_register(&site, alone).await;
            assert_eq!(answer.error(), Some("invalid_redirect_uri"), "{}", answer.body);
            let good = "https://app.example/callback";
            let among = json!({ "redirect_uris": [$uri, good] });
            let answer = Application::try_register(&site, among).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
            assert_eq!(answer.body["redirect_uris"], json!([good]), "the bad one is left out");
            let mut host = Application::known(&site, &answer.text("client_id"), $uri);
            let page = Browser::new().open(&host.link("repo:read", &[])).await;
            assert_eq!(page.status, 400, "{}", page.body);
            host.redirect = good.to_owned();
            assert!(Browser::new().open(&host.link("repo:read", &[])).await.is_consent());
        }
    )*};
}

never_registered! {
    a_script: "javascript://app/%0aalert(1)";
    a_script_of_old: "vbscript:msgbox";
    a_document_inline: "data:text/html,x";
    a_file: "file:///etc/passwd";
    a_blob: "blob:https://app.example/x";
    a_page_of_the_browser: "about:blank";
    a_page_of_chrome: "chrome://settings";
    an_extension: "chrome-extension://abc/page.html";
    the_source_of_a_page: "view-source:https://app.example/";
    a_file_system: "filesystem:https://app.example/x";
    an_intent: "intent://app#Intent;end";
    an_intent_without_a_fragment: "intent://app/callback";
    a_socket: "wss://app.example/socket";
    a_plain_socket: "ws://app.example/socket";
    a_file_transfer: "ftp://app.example/x";
    a_mail: "mailto:me@app.example";
    a_phone: "tel:123";
    a_tool_of_windows: "ms-msdt:/id";
    a_search_of_windows: "search-ms:query=x";
    a_handler_of_a_site: "web+app://callback";
    a_site_by_plain_http: "http://app.example/callback";
    an_uncommon_case: "JavaScript:alert(1)";
}

#[tokio::test]
async fn a_registration_lasts_and_takes_no_room() {
    let (site, store) = Site::counted(|builder| builder).await;
    let host = Application::register(&site).await;
    assert_eq!(store.records_of("broker-client"), 0, "nothing is stored");
    site.clock.advance(Duration::from_secs(400 * 24 * 3600));
    assert!(Browser::new().open(&host.link("repo:read", &[])).await.is_consent());
    host.sign_in(&Browser::new(), "repo:read", "alice").await;
}

#[tokio::test]
async fn a_registration_is_of_one_broker() {
    let site = Site::start().await;
    let sibling = site.sibling(|builder| builder).await;
    let host = Application::register(&site).await;
    let link = host.link("repo:read", &[]).replace(&site.url, &sibling);
    let page = Browser::new().open(&link).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(page.body.contains("add it again"), "{}", page.body);
}

#[tokio::test]
async fn a_changed_registration_is_unknown() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    assert!(host.id.len() < 400, "{}", host.id);
    let mut tried = 0;
    for at in (0..host.id.len()).step_by(7) {
        let mut id = host.id.clone().into_bytes();
        id[at] = if id[at] == b'A' { b'B' } else { b'A' };
        let mut forged = host.clone();
        forged.id = String::from_utf8(id).unwrap();
        let answer = forged.refresh("tgr_guess").await;
        assert_eq!(answer.error(), Some("invalid_client"), "byte {at}: {}", answer.body);
        tried += 1;
    }
    assert!(tried > 10);
}

#[tokio::test]
async fn the_longest_registration_fits_into_a_url() {
    let site = Site::start().await;
    let uris: Vec<_> =
        (0..16).map(|n| format!("https://app{n}.example/oauth/callback/of/mcp/{n:015}")).collect();
    let long = json!({ "client_name": "\u{1f680}".repeat(300), "redirect_uris": uris });
    let answer = Application::try_register(&site, long).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert!(answer.text("client_id").len() < 2000, "{}", answer.text("client_id").len());
    let uris: Vec<_> = (0..16).map(|n| format!("https://app{n}.example/{n:0200}")).collect();
    let longer = Application::try_register(&site, json!({ "redirect_uris": uris })).await;
    assert_eq!(longer.error(), Some("invalid_redirect_uri"), "{}", longer.body);
}

#[tokio::test]
async fn a_confidential_registration_keeps_its_secret() {
    let site = Site::start().await;
    let metadata = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let (one, other) = (
        Application::register_with(&site, metadata.clone()).await,
        Application::register_with(&site, metadata).await,
    );
    assert_ne!(one.secret, other.secret);
    site.clock.advance(Duration::from_secs(200 * 24 * 3600));
    let mut thief = one.clone();
    thief.secret.clone_from(&other.secret);
    assert_eq!(thief.refresh("tgr_guess").await.error(), Some("invalid_client"));
    thief.secret = None;
    assert_eq!(thief.refresh("tgr_guess").await.error(), Some("invalid_client"));
    assert_eq!(one.refresh("tgr_guess").await.error(), Some("invalid_grant"));
}

#[tokio::test]
async fn a_program_on_this_machine_registers_as_often_as_it_likes() {
    let site = Site::start().await;
    for n in 0..60 {
        let answer = Application::try_register(&site, json!({})).await;
        assert_eq!(answer.status, 201, "{n}: {}", answer.body);
    }
}

/// A request that comes through a proxy on this machine is a stranger's, whatever its headers are.
#[tokio::test]
async fn a_stranger_behind_a_proxy_on_this_machine_registers_within_limits() {
    for header in ["forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-host", "via"] {
        let site = Site::start().await;
        let http = reqwest::Client::new();
        let mut refused = false;
        for _ in 0..60 * deployment::counters() {
            let request = http.post(site.endpoint("register")).header(header, "198.51.100.7");
            let body = json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" });
            refused |= request.json(&body).send().await.unwrap().status() == 429;
        }
        assert!(refused, "{header}");
    }
}

#[tokio::test]
async fn a_resource_with_a_query_is_ours() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    for resource in [format!("{}?session=1", site.resource), format!("{}/?x", site.resource)] {
        let link = host.link("repo:read", &[("resource", &resource)]);
        let code = Browser::new().sign_in(&link, "alice").await.answer().code().to_owned();
        let tokens = host.redeem_with(&code, &[("resource", &resource)]).await;
        assert_eq!(tokens.claims()["aud"], site.resource, "{resource}");
    }
}

#[tokio::test]
async fn a_server_on_this_machine_offers_registration_alone() {
    let offers = async |site: &Site| {
        let url = format!("{}/.well-known/oauth-authorization-server", site.url);
        let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        document["client_id_metadata_document_supported"].clone()
    };
    let site = Site::start().await;
    assert_eq!(offers(&site).await, false, "it may have no way out");
}
