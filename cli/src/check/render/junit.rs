//! Report as the XML of `JUnit`, in which a fault is a failure.

use std::fmt::Write as _;

use super::entries;
use crate::check::finding::{Report, Severity};

pub(super) fn render(report: &Report) -> String {
    let entries = entries(report);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let errors = usize::from(report.ended.is_some());
    let _ = writeln!(
        text,
        r#"<testsuite name="{}" tests="{}" failures="{}" errors="{errors}" skipped="{}">"#,
        escape(&report.target),
        entries.len() + errors,
        report.count(Severity::Fault),
        report.count(Severity::Skipped),
    );
    for entry in &entries {
        let (class, name) = (escape(entry.group()), escape(entry.name()));
        let seen = escape(&entry.seen);
        let _ = write!(text, r#"  <testcase classname="{class}" name="{name}">"#);
        let expected = entry.expected.unwrap_or_default();
        let todo = entry.todo.as_deref().unwrap_or_default();
        let details = escape(&format!("{expected} ({})\n{todo}", entry.source.unwrap_or_default()));
        let _ = match entry.severity {
            Severity::Fault => write!(text, r#"<failure message="{seen}">{details}</failure>"#),
            Severity::Skipped => write!(text, r#"<skipped message="{seen}"/>"#),
            Severity::Warning => {
                write!(text, "<system-out>warning: {seen}\n{details}</system-out>")
            }
            Severity::Ok => write!(text, "<system-out>{seen}</system-out>"),
        };
        text += "</testcase>\n";
    }
    if let Some(why) = &report.ended {
        let why = escape(why);
        let _ = writeln!(
            text,
            r#"  <testcase classname="check" name="examined"><error message="{why}"/></testcase>"#
        );
    }
    text + "</testsuite>\n"
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            c if c.is_control() && c != '\n' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
