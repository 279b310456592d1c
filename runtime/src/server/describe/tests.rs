//! Descriptions of servers whose types are declared in TypeScript by `cargo toolgate types`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Json, tool, tools, widget};

/// What the board shows.
#[derive(Serialize, JsonSchema)]
struct Board {
    /// Whose it is.
    owner: String,
    issues: Vec<Issue>,
    counts: BTreeMap<String, u32>,
    #[serde(rename = "last-seen")]
    last_seen: Option<i64>,
    place: (f64, f64),
}

#[derive(Serialize, JsonSchema)]
struct Issue {
    state: State,
    parent: Option<Box<Issue>>,
    kind: Kind,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    Open,
    Closed,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "type")]
#[allow(dead_code, reason = "only the schema is used")]
enum Kind {
    Bug { severity: u8 },
    Wish,
}

/// Shows a board.
#[widget(view = "<p></p>")]
async fn board(owner: String, states: Vec<State>) -> Board {
    let _ = states;
    Board { owner, issues: Vec::new(), counts: BTreeMap::new(), last_seen: None, place: (0.0, 0.0) }
}

/// Counts.
#[tool]
async fn count(#[arg(default = 1)] from: u8) -> Json<Vec<u8>> {
    Json(vec![from])
}

/// Says nothing.
#[tool]
async fn nothing() {}

/// Compares the description with the file that the tests of `cargo toolgate types` read. `BLESS=1`
/// writes it.
async fn compare(server: crate::Server, file: &str) {
    let app = server.build().await.unwrap();
    let text = serde_json::to_string_pretty(&app.describe()).unwrap() + "\n";
    let path = format!("{}/../cli/tests/types/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "{path} is stale");
}

#[tokio::test]
async fn props_and_arguments_have_types() {
    let server = crate::Server::new("s", "1").tools(tools![board, count, nothing]);
    compare(server, "board.json").await;
}

/// A recursive type.
#[derive(Serialize, JsonSchema)]
struct Node {
    name: String,
    children: Vec<Node>,
}

/// A type with the name of the generated interface.
#[derive(Serialize, JsonSchema)]
struct Tools {
    counts: Vec<Option<BTreeMap<String, u8>>>,
    #[serde(flatten)]
    labelled: Labelled,
}

#[derive(Serialize, JsonSchema)]
struct Labelled {
    label: String,
    #[serde(flatten)]
    others: BTreeMap<String, u8>,
}

/// Either.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only the schema is used")]
enum Tree {
    Leaf(u8),
    Branch(Vec<Tree>),
}

/// Shows a tree.
#[widget(view = "<p></p>")]
async fn tree() -> Node {
    Node { name: String::new(), children: Vec::new() }
}

/// Perhaps a tree.
#[tool]
async fn perhaps() -> Json<Option<Node>> {
    Json(None)
}

/// Another.
#[tool]
async fn other() -> Json<Tree> {
    Json(Tree::Leaf(1))
}

/// Lists.
#[widget(view = "<p></p>")]
async fn all() -> Tools {
    let labelled = Labelled { label: String::new(), others: BTreeMap::new() };
    Tools { counts: Vec::new(), labelled }
}

#[tokio::test]
async fn recursive_types_and_types_without_a_simple_form_are_declared() {
    let server = crate::Server::new("s", "1").tools(tools![tree, perhaps, other, all]);
    compare(server, "declared.json").await;
}
