//! Error messages in `README.md` and `docs/errors.md`: those that the compiler prints.
//!
//! `BLESS=1 cargo test -p ui --test documents` writes them from the `.stderr` files.

use std::{
    collections::BTreeSet,
    env,
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

/// Compares a page with what it should be, or writes it.
fn compare(page: &str, text: &str, current: &str) {
    if env::var_os("BLESS").is_some() {
        fs::write(root().join(page), current).unwrap();
    } else {
        assert!(text == current, "`BLESS=1 cargo test -p ui --test documents` writes {page}");
    }
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
    assert!(shown >= 3, "{shown} errors are shown");
    compare("README.md", &readme, &current);
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

#[test]
fn the_table_of_errors_is_that_of_the_cases() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fail");
    let folder = fs::read_dir(folder).unwrap();
    let cases: BTreeSet<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.with_extension("stderr"))
        .collect();
    assert!(cases.len() >= 45, "{}", cases.len());
    let rows: Vec<_> = cases.iter().map(|case| row(case)).collect();
    let page = fs::read_to_string(root().join("docs/errors.md")).unwrap().replace("\r\n", "\n");
    let is_row = |line: &&str| line.starts_with("| `");
    let before = page.lines().take_while(|line| !is_row(line));
    let after = page.lines().skip_while(|line| !is_row(line)).skip_while(is_row);
    let lines: Vec<_> = before.chain(rows.iter().map(String::as_str)).chain(after).collect();
    compare("docs/errors.md", &page, &(lines.join("\n") + "\n"));
}
