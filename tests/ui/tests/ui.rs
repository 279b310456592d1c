//! `TRYBUILD=overwrite cargo test -p ui` records the messages.

use std::{collections::BTreeSet, fs, path::Path};

/// Where cargo builds.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Faulty views, next to the manifest with which the cases are compiled.
fn write_views() {
    let views = target().join("tests/trybuild/ui/views");
    fs::create_dir_all(views.join("built")).unwrap();
    fs::write(views.join("board.txt"), "A board").unwrap();
    fs::write(views.join("latin1.html"), b"<p>caf\xe9</p>").unwrap();
    fs::write(views.join("large.html"), vec![b' '; (2 << 20) + 1]).unwrap();
}

#[test]
fn ui() {
    write_views();
    let tests = trybuild::TestCases::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let usual = target() == here.join("../../target").canonicalize().unwrap_or_default();
    for entry in fs::read_dir(here.join("fail")).unwrap() {
        let path = entry.unwrap().path();
        // A message that has the place of a view in it is recorded for the usual place.
        let said = fs::read_to_string(path.with_extension("stderr")).unwrap_or_default();
        let fits = usual || !said.contains("$WORKSPACE/target/");
        if path.extension().is_some_and(|extension| extension == "rs") && fits {
            tests.compile_fail(Path::new("fail").join(path.file_name().unwrap()));
        }
    }
}

/// The row of a case: its message, and what it advises.
fn row(stderr: &Path) -> String {
    /// Notes of rustc that advise nothing.
    const NO_ADVICE: [&str; 5] =
        ["originates", "redundant", "on by default", "required for", "expected reference"];

    let case = stderr.file_stem().unwrap().to_str().unwrap();
    let text = fs::read_to_string(stderr).unwrap();
    let mut lines = text.lines().skip_while(|line| !line.starts_with("error"));
    let (_, message) = lines.next().unwrap().split_once(": ").unwrap();
    let rest: Vec<_> = lines.map(str::trim_start).collect();
    let ours = text.lines().find_map(|line| line.strip_prefix("       help: "));
    let note = |line: &&str| {
        let note = line.strip_prefix("= note: ")?;
        (!NO_ADVICE.iter().any(|words| note.contains(words))).then(|| note.to_owned())
    };
    let help = ours.map(str::to_owned).or_else(|| rest.iter().find_map(note));
    let help = help.unwrap_or_default();
    let escaped = |text: &str| text.replace('|', "\\|").replace("[::1]", "\\[::1]");
    format!("| `{case}` | {} | {} |", escaped(message), escaped(&help))
}

/// `BLESS=1 cargo test -p ui` writes the table.
#[test]
fn the_table_of_errors_is_that_of_the_cases() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(here.join("fail")).unwrap();
    let cases: BTreeSet<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.with_extension("stderr"))
        .collect();
    assert!(cases.len() >= 45, "{}", cases.len());
    let rows: Vec<_> = cases.iter().map(|case| row(case)).collect();
    let page = here.join("../../docs/errors.md");
    let text = fs::read_to_string(&page).unwrap();
    let is_row = |line: &&str| line.starts_with("| `");
    if std::env::var_os("BLESS").is_some() {
        let before = text.lines().take_while(|line| !is_row(line));
        let after = text.lines().skip_while(|line| !is_row(line)).skip_while(is_row);
        let lines: Vec<_> = before.chain(rows.iter().map(String::as_str)).chain(after).collect();
        return fs::write(page, lines.join("\n") + "\n").unwrap();
    }
    assert_eq!(text.lines().filter(is_row).collect::<Vec<_>>(), rows);
}

#[test]
fn what_a_macro_words_is_one_error_of_at_most_eight_lines() {
    let fail = Path::new(env!("CARGO_MANIFEST_DIR")).join("fail");
    for entry in fs::read_dir(fail).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "stderr") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let errors = text.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{}\n{text}", path.display());
        // What rustc words has a code, and as many lines as it likes.
        if text.starts_with("error:") && !text.starts_with("error: future") {
            let lines = text.lines().filter(|line| !line.is_empty()).count();
            assert!(lines <= 8, "{lines} lines: {}\n{text}", path.display());
        }
    }
}
