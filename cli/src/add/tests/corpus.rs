//! Random additions to the programs of this repository, in different styles of formatting.

use std::{fs, path::Path};

use proptest::prelude::*;
use similar::{ChangeTag, TextDiff};

use super::Written;

/// The program of every example, by its name.
fn programs() -> Vec<(String, String)> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut programs: Vec<_> = fs::read_dir(examples)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(path.join("src/main.rs")).ok()?;
            Some((path.file_name()?.to_str()?.to_owned(), text))
        })
        .collect();
    programs.sort();
    assert!(programs.len() >= 7, "the examples are not there");
    programs
}

/// Writes a program in another style.
fn rewritten(text: &str, ways: [bool; 5]) -> String {
    let [crlf, tabs, mark, comments, spread] = ways;
    let mut text = text.to_owned();
    if spread {
        text = text.replace("tools![", "tools![\n            ");
    }
    if comments {
        text = text.replace(")\n", ") // größer 日本 🍎\n").replace(",\n", ", /* ü */\n");
        // A comment is no comment in a string.
        if syn::parse_file(&text).is_err() {
            return rewritten(
                &text.replace(") // größer 日本 🍎\n", ")\n"),
                [crlf, tabs, mark, false, false],
            );
        }
    }
    if tabs {
        text = text.replace("    ", "\t");
    }
    if crlf {
        text = text.replace('\n', "\r\n");
    }
    if mark { format!("\u{feff}{text}") } else { text }
}

fn command() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9_]{0,12}".prop_map(|name| format!("tool {name}")),
        "[a-z][a-z0-9_]{0,12}".prop_map(|name| format!("widget {name}")),
        prop_oneof![Just("github"), Just("slack"), Just("linear")]
            .prop_map(|id| format!("provider {id}")),
        prop_oneof![Just("auth0"), Just("entra")].prop_map(|id| format!("gate {id}")),
    ]
}

/// Whether `after` is `before` with insertions.
fn only_inserts(before: &str, after: &str) -> bool {
    let mut after = after.chars();
    before.chars().all(|wanted| after.any(|c| c == wanted))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn additions_only_insert_and_are_found_again(
        program in 0..7_usize,
        ways in any::<[bool; 5]>(),
        commands in proptest::collection::vec(command(), 1..4),
    ) {
        let (name, text) = programs().swap_remove(program);
        let project = Written::new(&rewritten(&text, ways));
        // The other styles are not rustfmt's.
        project.put("src/rustfmt.toml", "disable_all_formatting = true\n");
        for command in commands {
            let before = project.get("src/main.rs");
            match project.add(&command) {
                Ok(_) => {
                    let after = project.get("src/main.rs");
                    let read = after.strip_prefix('\u{feff}').unwrap_or(&after);
                    prop_assert!(syn::parse_file(read).is_ok(), "{name}: {command}: {after}");
                    prop_assert!(only_inserts(&before, &after), "{name}: {command}: {after}");
                    let lines = TextDiff::from_lines(&before, &after);
                    let touched = lines.iter_all_changes().filter(|c| c.tag() == ChangeTag::Delete);
                    prop_assert!(touched.count() <= 4, "{name}: {command}: {after}");
                    let ends = (after.matches('\n').count(), after.matches("\r\n").count());
                    prop_assert!(ends.1 == 0 || ends.0 == ends.1, "{name}: {command}: {ends:?}");
                    let again = project.add(&command).unwrap_err();
                    prop_assert!(again.contains("exists already"), "{name}: {command}: {again}");
                }
                Err(error) => {
                    prop_assert!(!error.contains("does not parse"), "{name}: {command}: {error}");
                }
            }
        }
    }
}

#[test]
fn every_example_gets_a_tool_and_a_widget() {
    for (name, text) in programs() {
        let project = Written::new(&text);
        let result = project.add("tool fresh").and_then(|_| project.add("widget fresher"));
        match name.as_str() {
            // It is the provider, no server.
            "forge" => assert!(result.unwrap_err().contains("has no `toolgate::server!()`")),
            _ => drop(result.unwrap_or_else(|error| panic!("{name}: {error}"))),
        }
    }
}
