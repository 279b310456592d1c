//! Forms of the report: text for people, JSON and the XML of `JUnit` for programs.

mod json;
mod junit;
mod text;

use serde::Serialize;

use super::finding::{Report, Severity};
use crate::remote::text::quoted;

/// The form of the report.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
    Junit,
}

impl Format {
    pub(super) fn render(self, report: &Report, verbose: bool, colors: bool) -> String {
        match self {
            Self::Text => text::render(report, verbose, colors),
            Self::Json => json::render(report),
            Self::Junit => junit::render(report),
        }
    }
}

/// A finding, or a check of the project's program.
#[derive(Serialize)]
struct Entry {
    id: String,
    severity: Severity,
    seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    hosts: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<&'static str>,
}

impl Entry {
    fn group(&self) -> &str {
        self.id.split_once('.').map_or("", |(group, _)| group)
    }

    fn name(&self) -> &str {
        self.id.split_once('.').map_or("", |(_, name)| name)
    }
}

/// The project's own checks, then the findings from outside, in the order of the examination.
fn entries(report: &Report) -> Vec<Entry> {
    let own = report.own.iter().map(|check| Entry {
        id: format!("project.{}", quoted(&check.name).to_lowercase().replace(' ', "_")),
        severity: check.outcome,
        seen: quoted(&check.found),
        expected: None,
        source: None,
        todo: check.todo.as_deref().map(quoted),
        hosts: &[],
        effect: None,
    });
    let outside = report.findings.iter().map(|finding| {
        let rule = finding.rule;
        let is_violation = matches!(finding.severity, Severity::Fault | Severity::Warning);
        Entry {
            id: rule.id.to_owned(),
            severity: finding.severity,
            seen: finding.seen.clone(),
            expected: Some(rule.expected),
            source: Some(rule.source),
            todo: is_violation.then(|| rule.todo.to_owned()),
            hosts: if is_violation { rule.hosts } else { &[] },
            effect: is_violation.then_some(rule.effect),
        }
    });
    own.chain(outside).collect()
}
