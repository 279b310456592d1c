//! Findings: the rules of the examination, and what was seen of each.

use serde::{Deserialize, Serialize};

use crate::remote::text::quoted;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// A host fails, or a stranger gets in.
    Fault,
    /// Some hosts fail, or a specification advises otherwise.
    Warning,
    Skipped,
    Ok,
}

/// What is examined.
#[derive(Debug)]
pub(crate) struct Rule {
    /// `group.name`.
    pub(crate) id: &'static str,
    /// The severity of a violation.
    pub(crate) severity: Severity,
    pub(crate) expected: &'static str,
    /// The specification, with the section.
    pub(crate) source: &'static str,
    pub(crate) todo: &'static str,
    /// The hosts that its violation affects.
    pub(crate) hosts: &'static [&'static str],
    /// What they do.
    pub(crate) effect: &'static str,
}

/// The hosts that a violation may affect.
pub(crate) const ALL: &[&str] = &["Claude", "ChatGPT", "Claude Code", "Codex", "Cursor", "VS Code"];
/// Hosts on the user's machine, which are public clients with loopback redirect URIs.
pub(crate) const NATIVE: &[&str] = &["Claude Code", "Codex", "Cursor", "VS Code"];
/// Hosts in a browser, such as the inspectors.
pub(crate) const BROWSERS: &[&str] = &["hosts in a browser"];
/// No host: a violation helps attackers.
pub(crate) const NONE: &[&str] = &[];

/// What was seen of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static Rule,
    pub(crate) severity: Severity,
    pub(crate) seen: String,
}

/// A check of the project's own program (`--doctor json`).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct OwnCheck {
    pub(crate) name: String,
    pub(crate) outcome: Severity,
    pub(crate) found: String,
    pub(crate) todo: Option<String>,
}

/// All findings about one server.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) target: String,
    pub(crate) findings: Vec<Finding>,
    /// What the program has found in its own configuration.
    pub(crate) own: Vec<OwnCheck>,
    /// Why the examination ended early.
    pub(crate) ended: Option<String>,
    /// What is replaced in everything that is printed.
    secrets: Vec<String>,
}

impl Report {
    pub(crate) fn new(target: &str, secrets: Vec<String>) -> Self {
        Self { target: target.to_owned(), secrets, ..Self::default() }
    }

    pub(crate) fn ok(&mut self, rule: &'static Rule, seen: impl AsRef<str>) {
        self.push(rule, Severity::Ok, seen.as_ref());
    }

    /// The rule is violated.
    pub(crate) fn violated(&mut self, rule: &'static Rule, seen: impl AsRef<str>) {
        self.push(rule, rule.severity, seen.as_ref());
    }

    /// The rule is violated in a way that affects fewer hosts.
    pub(crate) fn warning(&mut self, rule: &'static Rule, seen: impl AsRef<str>) {
        self.push(rule, Severity::Warning, seen.as_ref());
    }

    pub(crate) fn skipped(&mut self, rule: &'static Rule, why: impl AsRef<str>) {
        self.push(rule, Severity::Skipped, why.as_ref());
    }

    /// Records `Ok` with what is right, or `Err` with what is wrong.
    pub(crate) fn judge(&mut self, rule: &'static Rule, seen: Result<String, String>) {
        match seen {
            Ok(seen) => self.ok(rule, seen),
            Err(seen) => self.violated(rule, seen),
        }
    }

    fn push(&mut self, rule: &'static Rule, severity: Severity, seen: &str) {
        let mut seen = seen.to_owned();
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            seen = seen.replace(secret.as_str(), "[token]");
        }
        self.findings.push(Finding { rule, severity, seen: quoted(&seen) });
    }

    pub(crate) fn count(&self, severity: Severity) -> usize {
        let own = self.own.iter().filter(|check| check.outcome == severity).count();
        own + self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Ends the examination early, because the rest cannot be examined.
    pub(crate) fn end(&mut self, why: impl Into<String>) {
        self.ended = Some(why.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::rules;

    #[test]
    fn rules_have_unique_ids_and_say_what_to_do() {
        let mut ids: Vec<_> = rules::all().map(|rule| rule.id).collect();
        let count = ids.len();
        assert!(count > 60, "{count}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
        for rule in rules::all() {
            assert!(rule.id.split_once('.').is_some(), "{}", rule.id);
            assert!(matches!(rule.severity, Severity::Fault | Severity::Warning), "{}", rule.id);
            for text in [rule.expected, rule.todo, rule.effect, rule.source] {
                assert!(!text.is_empty(), "{}", rule.id);
            }
        }
    }

    #[test]
    fn secrets_are_not_repeated() {
        let mut report = Report::new("https://a.example/mcp", vec!["s3cret".to_owned()]);
        report.ok(rules::all().next().unwrap(), "it said s3cret\u{1b}[0m");
        assert_eq!(report.findings[0].seen, "it said [token]\\u{1b}[0m");
    }
}
