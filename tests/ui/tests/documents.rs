//! Error messages in `docs/errors.md` and `README.md` are those that the compiler prints.
//!
//! `BLESS=1 cargo test -p ui --test documents` writes both from the `.stderr` files.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The compiler's output for a case.
fn stderr(case: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fail/{case}.stderr"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares a document with what it should be, or writes it.
fn assert_current(name: &str, current: &str) {
    let path = root().join(name);
    let found = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, current).unwrap();
    } else if found != current {
        let line = found.lines().zip(current.lines()).find(|(old, new)| old != new);
        panic!(
            "{name} differs from the `.stderr` files: {line:?}\n\
             `BLESS=1 cargo test -p ui --test documents` writes it"
        );
    }
}

/// A cell of a table: outside of code, brackets would be links; `|` ends a cell everywhere.
fn cell(text: &str) -> String {
    let parts = text.replace('|', "\\|");
    let parts = parts.split('`').enumerate().map(|(number, part)| {
        if number % 2 == 0 { part.replace('[', "\\[") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("`")
}

/// The first message of the output, and what it advises.
fn message_and_help(output: &str) -> (String, String) {
    let mut lines = output.lines().skip_while(|line| !line.starts_with("error"));
    let message = lines.next().expect("an error").split_once(": ").expect("a message").1;
    let advice = |marker: &str| {
        let found = output.lines().find_map(|line| line.trim_start().strip_prefix(marker));
        found.unwrap_or_default().trim().to_owned()
    };
    let help = [advice("help: "), advice("= help: "), advice("= note: ")];
    (message.to_owned(), help.into_iter().find(|help| !help.is_empty()).unwrap_or_default())
}

#[test]
fn the_table_of_errors_is_current() {
    let fail = Path::new(env!("CARGO_MANIFEST_DIR")).join("fail");
    let mut cases: Vec<_> = fs::read_dir(fail)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .collect();
    cases.sort();
    assert!(cases.len() >= 115, "{} cases", cases.len());
    let page = fs::read_to_string(root().join("docs/errors.md")).unwrap().replace("\r\n", "\n");
    let (before, _) = page.split_once("| case |").expect("a table");
    let mut current = format!("{before}| case | message | help |\n|---|---|---|\n");
    for case in cases {
        let (message, help) = message_and_help(&stderr(&case));
        writeln!(current, "| `{case}` | {} | {} |", cell(&message), cell(&help)).unwrap();
    }
    assert_current("docs/errors.md", &current);
}

#[test]
fn the_errors_in_the_readme_are_current() {
    const MARK: &str = "<!-- error: ";
    let readme = fs::read_to_string(root().join("README.md")).unwrap().replace("\r\n", "\n");
    let mut parts = readme.split(MARK);
    let mut current = parts.next().unwrap().to_owned();
    let mut shown = 0;
    for part in parts {
        let (case, rest) = part.split_once(" -->\n```text\n").expect("a block of text");
        let (_, after) = rest.split_once("\n```").expect("the end of the block");
        write!(current, "{MARK}{case} -->\n```text\n{}\n```{after}", stderr(case).trim()).unwrap();
        shown += 1;
    }
    assert!(shown >= 2, "{shown} errors are shown");
    assert_current("README.md", &current);
}
