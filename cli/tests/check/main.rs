//! `cargo toolgate check` as a program, against a server that has one fault at a time.

mod faults;
mod forms;
mod stand_in;

use std::process::Output;

use serde_json::Value;
use stand_in::{Callers, Kind, StandIn};
use tokio::process::Command;

/// Runs `cargo toolgate check`.
async fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-toolgate"))
        .args(["toolgate", "check"])
        .args(arguments)
        .env_remove("TOOLGATE_TOKEN")
        .output()
        .await
        .unwrap()
}

/// What is wrong with a stand-in, as `severity id`, and the exit code.
async fn violations(kind: Kind) -> (Vec<String>, Option<i32>) {
    let server = StandIn::start(kind).await;
    let (endpoint, token) = (server.endpoint(), server.state.token());
    let mut arguments = vec![endpoint.as_str(), "--format", "json", "--register"];
    if kind.callers == Callers::People {
        arguments.extend(["--as", "alice"]);
    } else if kind.callers != Callers::Anyone {
        arguments.extend(["--token", &token]);
    }
    let output = check(&arguments).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_str(&said).unwrap_or_else(|error| {
        panic!("{kind:?}: {error}: {said}{}", String::from_utf8_lossy(&output.stderr))
    });
    assert!(!said.contains(&token), "{kind:?}: the token is not printed");
    let findings = report["findings"].as_array().unwrap();
    let violation = |finding: &Value| {
        let severity = finding["severity"].as_str()?;
        let found = format!("{severity} {}", finding["id"].as_str()?);
        ["fault", "warning"].contains(&severity).then_some(found)
    };
    (findings.iter().filter_map(violation).collect(), output.status.code())
}
