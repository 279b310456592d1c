//! The program, against a forge that speaks as GitHub does.

use std::path::Path;

use forge::{Config, Running, person::Person};
use integration::client::{link_in, params, text};
use rmcp::{RoleClient, ServiceExt, service::RunningService, transport::TokioChildProcess};
use serde_json::{Value, json};
use tokio::process::Command;

async fn connect(forge: &Running, data: &Path) -> RunningService<RoleClient, ()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_github"));
    command
        .arg("--stdio")
        .env("GITHUB_CLIENT_ID", Config::CLIENT_ID)
        .env("GITHUB_CLIENT_SECRET", Config::CLIENT_SECRET)
        .env("GITHUB_API_URL", format!("{}/api", forge.url()))
        .env("GITHUB_AUTHORIZE_URL", format!("{}/login/oauth/authorize", forge.url()))
        .env("GITHUB_TOKEN_URL", format!("{}/login/oauth/access_token", forge.url()))
        .env("TOOLGATE_DATA", data)
        .env("XDG_CONFIG_HOME", data)
        .env_remove("TOOLGATE_KEY")
        .kill_on_drop(true);
    ().serve(TokioChildProcess::new(command).unwrap()).await.unwrap()
}

#[tokio::test]
async fn one_consent_for_each_wider_scope_and_none_for_what_it_implies() {
    let forge = forge::start(Config::default().github()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let client = connect(&forge, data.path()).await;
    let alice = Person::new("alice");
    let compass = json!({ "owner": "alice", "repo": "compass" });

    let call = async |name, arguments: &Value| {
        let call = || params(name, arguments.clone());
        let first = client.call_tool(call()).await.unwrap();
        if !text(&first).contains("/connect/") {
            return (first, 0);
        }
        let page = alice.approve(&link_in(&text(&first))).await.unwrap();
        assert!(page.body.contains("GitHub is connected"), "{}", page.body);
        (client.call_tool(call()).await.unwrap(), 1)
    };

    let titled = json!({ "owner": "alice", "repo": "compass", "title": "Needle sticks" });
    for (tool, arguments, consents, expected) in [
        ("open_issue", &titled, 1, "Needle sticks"),
        ("list_issues", &compass, 0, "Needle sticks"),
        ("list_repositories", &json!({}), 1, "alice/compass"),
        ("open_issue", &titled, 0, "Needle sticks"),
        ("delete_repository", &compass, 1, ""),
    ] {
        let (result, asked) = call(tool, arguments).await;
        assert_eq!(result.is_error, Some(false), "{tool}: {}", text(&result));
        assert!(text(&result).contains(expected), "{tool}: {}", text(&result));
        assert_eq!(asked, consents, "{tool}");
    }
    // Its errors have the status 200 there, and a token that is taken back is still noticed.
    forge.revoke_grants_of("alice");
    let asked = client.call_tool(params("list_repositories", json!({}))).await.unwrap();
    assert!(text(&asked).contains("/connect/"), "{}", text(&asked));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn without_a_client_it_says_what_to_set() {
    let output = Command::new(env!("CARGO_BIN_EXE_github"))
        .arg("--stdio")
        .env_remove("GITHUB_CLIENT_ID")
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("set `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET`"), "{said}");
}
