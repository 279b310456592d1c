//! The page "Add your provider", step by step: its hub, its environment, its program.

use integration::broker::Application;
use serde_json::json;

use crate::{blocks::blocks, brokered::sign_in, hub::Hub, person::Person, served::Served};

/// Where the page's server listens; here it is a free port.
const PORT: &str = "8765";
/// What the page calls its client.
const CLIENT: &str = "tools";

/// The variables that the page exports.
fn exported() -> Vec<(&'static str, &'static str)> {
    let mut lines = blocks("sh").into_iter().flat_map(str::lines);
    let mut rest = lines.find_map(|line| line.strip_prefix("export ")).expect("an export");
    let mut found = Vec::new();
    while let Some((name, value)) = rest.split_once('=') {
        let (end, quote) = if value.starts_with('\'') { ('\'', 1) } else { (' ', 0) };
        let (value, after) = value[quote..].split_once(end).unwrap_or((&value[quote..], ""));
        found.push((name, value));
        rest = after.trim_start();
    }
    found
}

pub(crate) async fn step_by_step() {
    let hub = Hub::set_up(CLIENT, PORT, blocks("python")[0]).await;
    let mut environment = exported();
    let names: Vec<_> = environment.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["JUPYTERHUB_CLIENT_ID", "JUPYTERHUB_CLIENT_SECRET"]);
    let alice = Person::new("alice");

    // Each tool asks for what it needs.
    let server = Served::page(&hub, CLIENT, &environment).await;
    for (tool, arguments, answers) in [
        ("who_am_i", json!({}), "alice"),
        ("revoke_token", json!({ "id": "a/../b" }), "No such token a/../b for user alice"),
    ] {
        let answer = server.call("", tool, arguments.clone()).await;
        let link = answer.link().unwrap_or_else(|| panic!("{answer:?}"));
        let visit = alice.visit(link, &[]).await;
        assert!(visit.page.contains("JupyterHub is connected"), "{}: {}", visit.url, visit.page);
        let answer = server.call("", tool, arguments).await;
        assert!(answer.text.contains(answers), "{answer:?}");
    }
    server.stop().await;

    // Or one sign-in for all of it.
    environment.push(("SIGN_IN", "1"));
    let server = Served::page(&hub, CLIENT, &environment).await;
    let host = Application::register_at(&server.url).await;
    let (hers, got) = sign_in(&host, &alice, "read:users!user tokens!user", &[]).await;
    assert_eq!(got, "read:users!user tokens!user");
    for (tool, arguments, answers) in [
        ("who_am_i", json!({}), "alice"),
        ("revoke_token", json!({ "id": "a999" }), "No such token a999 for user alice"),
    ] {
        let answer = server.call(&hers, tool, arguments).await;
        assert!(answer.text.contains(answers), "{answer:?}");
    }
}
