//! The program against stand-ins: in this process, and as it starts without accounts.

#[allow(dead_code, reason = "the test serves it itself")]
#[path = "../src/main.rs"]
mod program;

use std::{fs, process::Stdio};

use program::server;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};
use toolgate::{Result, stand_in::StandIn, testing::Client};
use toolgate_providers::{GitHub, Google, Slack};

#[tokio::test]
async fn one_call_goes_through_three_consents_to_three_providers() -> Result<()> {
    let github = StandIn::<GitHub>::start().await?;
    let google = StandIn::<Google>::start().await?;
    let slack = StandIn::<Slack>::start().await?;
    let client = Client::of(server(github.client(), google.client(), slack.client())).await?;
    let alice = client.person("alice");

    let mut consents = 0;
    let call = async || client.call("post_standup", json!({ "channel": "#general" })).await;
    let mut answer = call().await;
    while let Some(link) = answer.link().filter(|_| consents < 3) {
        let page = alice.open(link).await?;
        assert!(page.text().contains("is connected"), "{}", page.text());
        consents += 1;
        answer = call().await;
    }
    assert_eq!(consents, 3, "{}", answer.body());
    for part in ["Posted to C012AB3CD", "Greetings", "Planning"] {
        assert!(answer.text().contains(part), "{part}: {}", answer.body());
    }

    // Each account is the person's own matter: the others stay.
    slack.revoke_grants();
    let asks = call().await;
    let page = alice.open(asks.link().expect("Slack is asked for again")).await?;
    assert!(page.text().contains("Slack is connected"), "{}", page.text());
    assert!(call().await.link().is_none());
    assert_eq!((github.counts().codes, google.counts().codes, slack.counts().codes), (1, 1, 2));
    Ok(())
}

#[tokio::test]
async fn without_accounts_it_says_which_providers_are_stand_ins_and_where() {
    let data = tempfile::tempdir().unwrap();
    let variables =
        "# Of the file\nSLACK_CLIENT_ID='a client of its own'\nGITHUB_CLIENT_ID=other\n";
    fs::write(data.path().join(".env"), variables).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_standup"));
    for provider in ["SLACK", "GOOGLE"] {
        command.env_remove(format!("{provider}_CLIENT_ID"));
    }
    let mut program = command
        .args(["--http", "127.0.0.1:0"])
        // The process wins over the file, and an empty variable is not set.
        .env("GITHUB_CLIENT_ID", "")
        .current_dir(data.path())
        .env("TOOLGATE_DATA", data.path())
        .env("XDG_CONFIG_HOME", data.path())
        .env_remove("TOOLGATE_KEY")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let mut said = String::new();
    let mut stand_ins = Vec::new();
    while stand_ins.len() < 2 {
        let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("{said}"));
        if line.contains("is a stand-in, because") {
            let (_, url) = line.split_once("http://").unwrap();
            let url = format!("http://{}", url.split_whitespace().next().unwrap());
            stand_ins.push((line.trim().split(' ').next().unwrap().to_owned(), url));
        }
        assert!(!line.contains("Slack"), "{line}");
        said = format!("{said}\n{line}");
    }
    assert_eq!(stand_ins[0].0, "GitHub");
    assert_eq!(stand_ins[1].0, "Google");
    let page = reqwest::get(&stand_ins[0].1).await.unwrap().text().await.unwrap();
    assert!(page.contains("A stand-in of GitHub"), "{page}");
    assert!(page.contains("Expire all access tokens"), "{page}");
}

/// A host starts it in the directory that a person works in, whose files may not be trusted.
#[tokio::test]
async fn over_stdio_the_file_of_the_working_directory_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let variables = "TOOLGATE_STORE=postgres://evil.example/grants\nTOOLGATE_KEY_FILE=key\n";
    fs::write(directory.path().join(".env"), variables).unwrap();
    for (arguments, variable, is_read) in [
        (&["--print-config"][..], None, true),
        (&["--print-config"], Some("false"), true),
        (&["--print-config"], Some("on"), false),
        (&["--stdio", "--print-config"], None, false),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_standup"));
        command.args(arguments).current_dir(directory.path());
        // Cargo names the directory of the package to the programs that it runs.
        for name in ["CARGO_MANIFEST_DIR", "TOOLGATE_STDIO", "TOOLGATE_STORE", "TOOLGATE_KEY_FILE"]
        {
            command.env_remove(name);
        }
        command.envs(variable.map(|value| ("TOOLGATE_STDIO", value)));
        let output = command.output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("[provider.github]"), "{said}");
        assert_eq!(said.contains("evil.example"), is_read, "{arguments:?} {variable:?}: {said}");
    }
}
