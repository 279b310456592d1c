//! `cargo toolgate call` as a program, against a server in development with a stand-in.

mod documents;
mod hostile;
mod server;

use std::process::{Output, Stdio};

use integration::broker::Browser;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::Command,
};

fn command(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-toolgate"));
    command
        .args(["toolgate", "call", "--url", url])
        .args(arguments)
        .env_remove("TOOLGATE_TOKEN")
        // No browser is found, so none opens.
        .env("PATH", "")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// The exit code, what was printed, and what was said about it.
async fn call(url: &str, arguments: &[&str]) -> (i32, String, String) {
    read(command(url, arguments).output().await.unwrap())
}

fn read(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn a_person_of_development_calls_without_a_browser() {
    let url = server::start().await;
    let found = call(&url, &["list_notes", "--as", "bob"]).await;
    assert_eq!(found, (0, "bob has 0 notes\n".to_owned(), String::new()));
    let (code, result, _) = call(&url, &["list_notes", "--as", "alice", "--json"]).await;
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!((code, &result["content"][0]["text"]), (0, &"alice has 0 notes".into()));
}

#[tokio::test]
async fn scopes_that_a_call_needs_are_asked_for() {
    let url = server::start().await;
    let add = ["add_note", "--as", "alice", "--arg", "text=7", "--arg", "copies=2"];
    let (code, said, error) = call(&url, &add).await;
    assert_eq!((code, said.as_str()), (0, "7, 2 times\n"), "{error}");
    let mut child = command(&url, &["add_note", "--as", "alice", "--args", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(br#"{"text":"from a pipe"}"#).await.unwrap();
    drop(input);
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(read(output).1, "from a pipe, 1 times\n");
}

#[tokio::test]
async fn a_stand_in_is_agreed_to_where_the_user_says_so() {
    let url = server::start().await;
    let (code, said, error) = call(&url, &["github_profile", "--as", "alice"]).await;
    assert_eq!((code, said.as_str()), (2, ""), "{error}");
    assert!(
        error.contains("needs the consent of its user") && error.contains("/connect/"),
        "{error}"
    );
    for _ in 0..2 {
        let (code, said, error) =
            call(&url, &["github_profile", "--as", "alice", "--consent"]).await;
        assert_eq!(code, 0, "{error}");
        assert!(said.contains("alice"), "{said}");
    }
}

#[tokio::test]
async fn a_failed_call_has_an_exit_code_and_a_reason() {
    let url = server::start().await;
    for (arguments, expected, part) in [
        (&["fail", "--as", "alice"][..], 1, "the server failed at this call"),
        (&["nothing", "--as", "alice"], 1, "error -32602"),
        (&["nothing", "--as", "alice", "--arg", "a=1"], 2, "there is no tool nothing"),
        (&["list_notes", "--as", "mallory"], 2, "there are alice, bob"),
        (&["list_notes"], 2, "wants a sign-in"),
        (&["list_notes", "--token", "s3cret-token"], 2, "refuses the token"),
        (&["list_notes", "--as", "alice", "--args", "[]"], 2, "no JSON object"),
    ] {
        let (code, said, error) = call(&url, arguments).await;
        let said = said + &error;
        assert_eq!(code, expected, "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let (code, _, error) = call("http://127.0.0.1:1/mcp?a=s3cret", &["list_notes"]).await;
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("http://127.0.0.1:1/mcp cannot be reached: "), "{error}");
    assert!(error.contains("`cargo toolgate dev`") && !error.contains("s3cret"), "{error}");
    // What is wrong with the arguments is said before a server is asked.
    for arguments in [&["list_notes", "--arg", "title"][..], &["list_notes", "--args", "{"]] {
        let (code, _, error) = call("http://127.0.0.1:1/mcp", arguments).await;
        assert!(code == 2 && error.contains("write `--arg"), "{error}");
    }
    let (_, _, error) = call("localhost:8765/mcp", &["list_notes"]).await;
    assert!(error.contains("write `http://localhost:8765/mcp`"), "{error}");
}

#[tokio::test]
async fn a_person_signs_in_with_a_browser() {
    let url = server::start().await;
    let mut command = command(&url, &["list_notes", "--wait", "30"]);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert_eq!(said.next_line().await.unwrap().unwrap(), "Sign in:");
    let link = said.next_line().await.unwrap().unwrap();
    let page = Browser::new().sign_in(link.trim(), "bob").await;
    assert!(page.body.contains("You can close this window"), "{}", page.body);
    let mut printed = String::new();
    child.stdout.take().unwrap().read_to_string(&mut printed).await.unwrap();
    assert_eq!(printed, "bob has 0 notes\n");
    assert!(child.wait().await.unwrap().success());
}
