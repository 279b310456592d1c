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

#[test]
fn the_table_of_errors_and_the_cases_agree() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(here.join("../../docs/errors.md")).unwrap();
    let in_table: BTreeSet<_> = table
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?.split_once('`').map(|(case, _)| case.to_owned())
        })
        .collect();
    let in_folder: BTreeSet<_> = fs::read_dir(here.join("fail"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .collect();
    assert_eq!(in_table, in_folder);
    assert!(in_folder.len() >= 45, "{}", in_folder.len());
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
