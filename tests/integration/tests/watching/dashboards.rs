//! The dashboard and the alerts of `deploy/observability`: what they ask for exists.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use super::{
    metrics::{of_broker, of_tools},
    names,
};

fn file(name: &str) -> String {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    fs::read_to_string(root.join(name)).unwrap()
}

/// The queries of a dashboard, wherever they are in it.
fn queries<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(query) if name == "expr" => found.push(query),
                    value => queries(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

/// The names of metrics in a query or in text.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("toolgate_") || word.starts_with("mcp_server_")).collect()
}

/// All names that servers have at `/metrics`.
async fn known() -> BTreeSet<String> {
    let texts = [of_tools().await, of_broker().await];
    let mut known: BTreeSet<String> =
        texts.iter().flat_map(|text| names(text)).map(str::to_owned).collect();
    // They need a management listener, and a token that is used twice.
    known.extend(["toolgate_ready", "toolgate_broker_token_reuses_total"].map(str::to_owned));
    assert!(known.contains("toolgate_build_info"), "{known:?}");
    known
}

#[tokio::test]
async fn what_the_dashboard_and_the_alerts_ask_for_exists() {
    let known = known().await;
    let dashboard: Value =
        serde_json::from_str(&file("deploy/observability/dashboard.json")).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    assert!(asked.len() > 10, "{asked:?}");
    let alerts = file("deploy/observability/alerts.yml");
    let rules = alerts.lines().filter(|line| !line.trim_start().starts_with(['#', 's']));
    assert!(metrics_in(&alerts).len() > 5, "{alerts}");
    for query in asked
        .into_iter()
        .inspect(|query| assert!(!metrics_in(query).is_empty(), "{query}"))
        .chain(rules)
    {
        for name in metrics_in(query) {
            assert!(known.contains(name), "`{name}` of `{query}` is not at /metrics: {known:?}");
        }
    }
}

#[tokio::test]
async fn the_guide_has_every_metric_and_every_alert() {
    let guide = file("docs/operations.md");
    let known = known().await;
    let family = |name: &str| {
        let name = ["_bucket", "_count", "_sum"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        name.to_owned()
    };
    let of_server: BTreeSet<String> = known.iter().map(|name| family(name)).collect();
    let rows = guide
        .lines()
        .filter(|line| line.starts_with("| `toolgate_") || line.starts_with("| `mcp_"));
    let of_guide: BTreeSet<String> =
        rows.map(|row| row.split('`').nth(1).unwrap().to_owned()).collect();
    assert_eq!(of_guide, of_server);
    for line in file("deploy/observability/alerts.yml").lines() {
        if let Some(alert) = line.trim_start().strip_prefix("- alert: ") {
            assert!(guide.contains(&format!("| `{alert}` |")), "{alert}");
        }
    }
}
