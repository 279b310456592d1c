//! Formatting with rustfmt: a file that was formatted stays formatted.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Formats `after` if `before` was formatted or is empty; otherwise it stays as it is.
pub(crate) fn as_before(before: &str, after: String, edition: &str, folder: &Path) -> String {
    // rustfmt writes a line break into an empty file.
    let is_formatted = before.is_empty()
        || rustfmt(before, edition, folder).is_some_and(|formatted| formatted == before);
    if is_formatted { rustfmt(&after, edition, folder).unwrap_or(after) } else { after }
}

/// What rustfmt makes of a text, `None` without rustfmt or if it does not parse there.
fn rustfmt(text: &str, edition: &str, folder: &Path) -> Option<String> {
    // rustfmt runs in the folder of the file, so that its `rustfmt.toml` applies.
    let mut rustfmt = Command::new("rustfmt")
        .args(["--quiet", "--emit", "stdout", "--edition", edition])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = rustfmt.stdin.take()?;
    let text = text.to_owned();
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = rustfmt.wait_with_output().ok()?;
    writer.join().ok()?.ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}
