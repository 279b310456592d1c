//! The page "Add your provider" shows a part of the example, and nothing else.

#[path = "../src/blocks.rs"]
mod blocks;

const EXAMPLE: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/jupyterhub/src/main.rs"));

/// The tools in a `tools![..]`.
fn tools(line: &str) -> Option<Vec<&str>> {
    let (_, list) = line.split_once("tools![")?;
    Some(list.split_once(']')?.0.split(", ").collect())
}

/// Does the example have this line of the page? It has more tools.
fn is_that(line: &str, of_the_example: &str) -> bool {
    match (tools(line), tools(of_the_example)) {
        (Some(few), Some(many)) => few.iter().all(|tool| many.contains(tool)),
        _ => line == of_the_example,
    }
}

#[test]
fn every_line_of_the_program_is_the_examples() {
    let program = blocks::blocks("rust")[0];
    let mut example = EXAMPLE.lines();
    for line in program.lines().filter(|line| !line.is_empty()) {
        assert!(
            example.any(|one| is_that(line, one)),
            "the example has no `{line}` after what the page shows before it"
        );
    }
}

#[test]
fn the_line_of_the_last_step_is_the_examples() {
    let line = blocks::blocks("rust")[1].trim();
    assert!(EXAMPLE.lines().any(|one| one.trim() == format!("return {line};")), "{line}");
}
