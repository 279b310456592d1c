//! Report for people: what is wrong in full, what is in order in a few lines.

use std::fmt::Write as _;

use super::{Entry, entries};
use crate::check::finding::{ALL, Report, Severity};

/// Where the texts begin.
const INDENT: &str = "         ";

pub(super) fn render(report: &Report, verbose: bool, colors: bool) -> String {
    let entries = entries(report);
    let paint = Paint(colors);
    let mut text = format!("{}\n\n", paint.bold(&report.target));
    for severity in [Severity::Fault, Severity::Warning] {
        for entry in entries.iter().filter(|entry| entry.severity == severity) {
            violation(&mut text, entry, &paint);
        }
    }
    for entry in entries.iter().filter(|entry| entry.severity == Severity::Skipped) {
        let _ = writeln!(text, "{}  {}: {}", paint.mark(Severity::Skipped), entry.id, entry.seen);
        if let Some(todo) = &entry.todo {
            let _ = writeln!(text, "{INDENT}{todo}");
        }
    }
    if verbose {
        for entry in entries.iter().filter(|entry| entry.severity == Severity::Ok) {
            let _ = writeln!(text, "{}  {}: {}", paint.mark(Severity::Ok), entry.id, entry.seen);
        }
    } else {
        in_order(&mut text, &entries, &paint);
    }
    let _ = write!(text, "\n{}", summary(report));
    if let Some(why) = &report.ended {
        let _ = write!(text, "; the rest could not be examined: {why}");
    }
    text.push('\n');
    text
}

fn violation(text: &mut String, entry: &Entry, paint: &Paint) {
    let id = paint.bold(&entry.id);
    let _ = writeln!(text, "{}  {id}: {}", paint.mark(entry.severity), entry.seen);
    if let (Some(expected), Some(source)) = (entry.expected, entry.source) {
        let _ =
            writeln!(text, "{INDENT}Expected: {expected} {}", paint.dim(&format!("({source})")));
    }
    if let Some(todo) = &entry.todo {
        let _ = writeln!(text, "{INDENT}{todo}");
    }
    if let Some(effect) = entry.effect {
        let hosts = match entry.hosts {
            [] => String::new(),
            hosts if hosts == ALL => "All hosts ".to_owned(),
            hosts => format!("{} ", upper(&hosts.join(", "))),
        };
        let sentence = if hosts.is_empty() { upper(effect) } else { effect.to_owned() };
        let _ = writeln!(text, "{INDENT}{hosts}{sentence}.");
    }
    text.push('\n');
}

/// The names of what is in order, one line for each group.
fn in_order(text: &mut String, entries: &[Entry], paint: &Paint) {
    let mut groups = Vec::<(&str, Vec<&str>)>::new();
    for entry in entries.iter().filter(|entry| entry.severity == Severity::Ok) {
        match groups.iter_mut().find(|(group, _)| *group == entry.group()) {
            Some((_, names)) if names.contains(&entry.name()) => {}
            Some((_, names)) => names.push(entry.name()),
            None => groups.push((entry.group(), vec![entry.name()])),
        }
    }
    for (group, names) in groups {
        let _ = writeln!(text, "{}  {group}: {}", paint.mark(Severity::Ok), names.join(", "));
    }
}

fn summary(report: &Report) -> String {
    let count = |severity, one: &str, many: &str| match report.count(severity) {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    format!(
        "{}, {}, {}, {}",
        count(Severity::Fault, "fault", "faults"),
        count(Severity::Warning, "warning", "warnings"),
        count(Severity::Ok, "in order", "in order"),
        count(Severity::Skipped, "skipped", "skipped"),
    )
}

fn upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Colours, on a terminal alone.
struct Paint(bool);

impl Paint {
    fn mark(&self, severity: Severity) -> String {
        let (word, code) = match severity {
            Severity::Fault => ("FAULT  ", "1;31"),
            Severity::Warning => ("warning", "33"),
            Severity::Skipped => ("-      ", "2"),
            Severity::Ok => ("ok     ", "32"),
        };
        self.paint(word, code)
    }

    fn bold(&self, text: &str) -> String {
        self.paint(text, "1")
    }

    fn dim(&self, text: &str) -> String {
        self.paint(text, "2")
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
