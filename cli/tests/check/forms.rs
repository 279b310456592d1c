//! Forms of the report.

use std::fs;

use crate::{
    StandIn, check,
    stand_in::{Kind, fault::Fault},
};

/// The report about a stand-in with this fault, with the port of the documentation.
async fn report(fault: Fault, arguments: &[&str]) -> String {
    let server = StandIn::start(Kind { fault: Some(fault), ..Kind::default() }).await;
    let (endpoint, token) = (server.endpoint(), server.state.token());
    let mut all = vec![endpoint.as_str(), "--token", &token];
    all.extend(arguments);
    let output = check(&all).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let address = server.state.base.trim_start_matches("http://").to_owned();
    text.replace(&address, "127.0.0.1:8765")
}

#[tokio::test]
async fn text_says_what_to_do_and_has_no_colours_in_a_pipe() {
    let text = report(Fault::PlainPkce, &[]).await;
    let expected = "\
FAULT    issuer.pkce: plain
         Expected: code_challenge_methods_supported has S256 (RFC 7636 §4.2; MCP authorization, Authorization Code Protection)
         Switch PKCE on there, or put a broker in front of it.
         All hosts refuse the authorization server.
";
    assert!(text.starts_with("http://127.0.0.1:8765/mcp\n\nFAULT"), "{text}");
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("\n1 fault, 0 warnings, "), "{text}");
    assert!(!text.contains('\u{1b}'));
    assert!(report(Fault::PlainPkce, &["-v"]).await.contains("ok       token.garbage: 401"));
}

#[tokio::test]
async fn junit_has_a_failure_for_a_fault() {
    let text = report(Fault::DottedName, &["--format", "junit"]).await;
    assert!(text.contains(r#"failures="1" errors="0""#), "{text}");
    let case = r#"<testcase classname="tools" name="names"><failure message="notes.list">"#;
    assert!(text.contains(case), "{text}");
    assert!(text.contains("&quot;object&quot;") || !text.contains(r#"type: "object""#), "{text}");
}

/// `BLESS=1` writes the report into the documentation.
#[tokio::test]
async fn the_documentation_has_a_report_as_it_is_printed() {
    let text = report(Fault::ChatGptRefused, &["--register"]).await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/check.md");
    let page = fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- report -->\n```text\n", "```\n<!-- end of report -->");
    let from = page.find(begin).unwrap() + begin.len();
    let to = from + page[from..].find(end).unwrap();
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, format!("{}{text}{}", &page[..from], &page[to..])).unwrap();
        return;
    }
    assert_eq!(&page[from..to], text, "{path} is stale");
}
