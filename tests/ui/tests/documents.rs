//! The error messages in `README.md` are those that the compiler prints.
//!
//! `BLESS=1 cargo test -p ui --test documents` writes them from the `.stderr` files.

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
    if std::env::var_os("BLESS").is_some() {
        fs::write(root().join("README.md"), current).unwrap();
    } else {
        assert!(readme == current, "`BLESS=1 cargo test -p ui --test documents` writes README.md");
    }
}
