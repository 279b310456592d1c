//! The link to the inspector in a terminal, and the offer to open it.

use std::{
    io::{self, IsTerminal as _},
    process::{Command, Stdio},
    thread,
};

use super::output::print;

/// Prints the link, and offers to open it where there is a person with a display.
pub(super) fn announce(link: &str) {
    print(&format!("Inspector     {link}"));
    if !(io::stdin().is_terminal() && io::stdout().is_terminal() && has_display()) {
        print("");
        return;
    }
    print("              press Enter to open it\n");
    let link = link.to_owned();
    // A thread of its own, because nothing else can end the read.
    let _ = thread::Builder::new().name("inspector-offer".to_owned()).spawn(move || {
        if io::stdin().read_line(&mut String::new()).is_ok_and(|read| read > 0) {
            open(&link);
        }
    });
}

fn has_display() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_vendor = "apple")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn open(link: &str) {
    let mut command = if cfg!(windows) {
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else if cfg!(target_vendor = "apple") {
        Command::new("open")
    } else {
        Command::new("xdg-open")
    };
    command.arg(link).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.status() {
        tracing::warn!(target: "toolgate::server", %error, "no browser could be started: open the link by hand");
    }
}
