//! Lines of `dev` in a terminal, in the form of cargo's, and the browser.

use std::{
    io::{IsTerminal as _, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

/// Prints a line with a verb, as cargo does.
pub(super) fn status(verb: &str, text: &str) {
    print("32", verb, text);
}

/// Prints a line about a failure.
pub(super) fn failure(verb: &str, text: &str) {
    print("31", verb, text);
}

/// Prints what another program has rendered.
pub(super) fn rendered(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let text = if stderr.is_terminal() { text.to_owned() } else { without_style(text) };
    // Without a terminal there is nobody to read it.
    let _ = stderr.write_all(text.as_bytes());
}

fn print(color: &str, verb: &str, text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = if stderr.is_terminal() {
        writeln!(stderr, "\u{1b}[1;{color}m{verb:>12}\u{1b}[0m {text}")
    } else {
        writeln!(stderr, "{verb:>12} {text}")
    };
}

/// The text without the sequences that set colors (ECMA-48, `CSI .. m`).
fn without_style(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|it: char| ('@'..='~').contains(&it)).map_or(after.len(), |at| at + 1);
        rest = &after[end..];
    }
    plain + rest
}

/// Seconds, as they are shown.
pub(super) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Opens a link in the browser of a person who has a display.
pub(super) fn open(link: &str) {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let apple = cfg!(target_vendor = "apple");
    if !std::io::stderr().is_terminal()
        || !(apple || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"))
    {
        return;
    }
    let mut command = Command::new(if apple { "open" } else { "xdg-open" });
    command.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // The process may run for as long as the browser.
    if let Ok(mut child) = command.spawn() {
        std::thread::spawn(move || child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_for_terminals() {
        let rendered = "\u{1b}[1m\u{1b}[91merror\u{1b}[0m: [x]\u{1b}[";
        assert_eq!(without_style(rendered), "error: [x]");
        assert_eq!(without_style("plain"), "plain");
        assert_eq!(seconds(Duration::from_millis(1234)), "1.23 s");
    }
}
