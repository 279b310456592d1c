//! Calls that end in the old program after the new one has taken over.

use std::io::Write as _;

use integration::broker::Browser;
use serde_json::json;

use crate::{
    client::{Client, token},
    project::{Project, open_once_read},
};

/// The link to a consent in the result of a call.
fn link_in(answer: Result<String, String>) -> String {
    let text = answer.unwrap_or_else(|error| error);
    let begin = text.find("http://").unwrap_or_else(|| panic!("no link: {text}"));
    let link = &text[begin..];
    let end = link.find(|next: char| next.is_whitespace() || "\"\\)>".contains(next));
    let link = &link[..end.unwrap_or(link.len())];
    assert!(link.contains("/connect/"), "{text}");
    link.to_owned()
}

/// A call outlasts the handover, and asks for a consent afterwards: the new program, which serves the
/// link, has the consent in its memory.
#[tokio::test]
async fn what_a_late_call_stores_in_memory_reaches_the_new_program() {
    let project = Project::new();
    project.save(0, "in memory");
    let mut dev = project.dev(&["--port", "0"]);
    let address = dev.address().await;
    let mut client = Client::new(address, &token(address, "alice").await);
    let pipe = project.pipe("pipe");
    let arguments = json!({ "pipe": pipe });
    let link = link_in(client.call("addresses", arguments.clone()).await);
    let browser = Browser::new();
    let consent = browser.sign_in(&link, "alice").await;
    let form = [("account", "alice"), ("decision", "approve"), ("scope:user:email", "on")];
    let back = browser.send(&consent, &form, &[]).await;
    let page = browser.open(back.header("refresh").strip_prefix("0;url=").unwrap()).await;
    assert!(page.body.contains("GitHub is connected"), "{}", page.body);

    let call = tokio::spawn(async move { client.call("addresses", arguments).await });
    let mut pipe = open_once_read(pipe).await;
    project.save(1, "in memory");
    dev.says("Served").await;
    // The provider accepts the token of the call no more.
    let stand_in = consent.url.origin().ascii_serialization();
    let revoked = reqwest::Client::new().post(format!("{stand_in}/stand-in/faults"));
    revoked.form(&[("fault", "revoke")]).send().await.unwrap().error_for_status().unwrap();
    pipe.write_all(b"go on").unwrap();
    drop(pipe);
    let link = link_in(call.await.unwrap());
    let consent = browser.sign_in(&link, "alice").await;
    assert!(consent.url.as_str().starts_with(&stand_in), "{}: {}", consent.url, consent.body);
    dev.end().await;
}
