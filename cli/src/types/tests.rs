//! Declarations of servers, whose descriptions the runtime's tests write.

use std::fs;

use serde_json::{Value, json};

use super::of_description;

fn types(file: &str) -> String {
    let path = format!("{}/tests/types/{file}", env!("CARGO_MANIFEST_DIR"));
    let description: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    of_description(&description).unwrap()
}

#[test]
fn props_and_arguments_have_types() {
    assert_eq!(
        types("board.json"),
        r#"export interface Tools {
  /** Shows a board. */
  board: { arguments: { owner: string; states: State[] }; result: Board };
  /** Counts. */
  count: { arguments: { from?: number }; result: { result: number[] } };
  /** Says nothing. */
  nothing: { arguments: {}; result: undefined };
}

export type State = "open" | "closed";

/** What the board shows. */
export interface Board {
  counts: { [key: string]: number };
  issues: Issue[];
  "last-seen": number | null;
  /** Whose it is. */
  owner: string;
  place: [number, number];
}

export interface Issue {
  kind: Kind;
  parent: Issue | null;
  state: State;
}

export type Kind = { severity: number; type: "Bug" } | { type: "Wish" };
"#
    );
}

#[test]
fn recursive_types_and_types_without_a_simple_form_are_declared() {
    let text = types("declared.json");
    // The tests of `view/` compile this file. `BLESS=1` writes it.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../view/test/declared.ts");
    if std::env::var_os("BLESS").is_some() {
        fs::write(path, &text).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), text, "{path} is stale");
}

#[test]
fn an_older_description_is_refused() {
    let error = of_description(&json!({ "tools": [{ "name": "a" }] })).unwrap_err();
    assert!(error.to_string().contains("older"), "{error}");
}
