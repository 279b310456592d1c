//! Cases that do not compile. `TRYBUILD=overwrite cargo test -p ui` records the messages.

use std::{fs, path::Path};

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
        // What rustc words has a code or is a lint, and has as many lines as it likes.
        if text.starts_with("error:")
            && !["error: future", "error: use of deprecated"]
                .iter()
                .any(|words| text.starts_with(words))
        {
            let lines = text.lines().filter(|line| !line.is_empty()).count();
            assert!(lines <= 8, "{lines} lines: {}\n{text}", path.display());
        }
    }
}
