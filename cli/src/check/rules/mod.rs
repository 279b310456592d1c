//! Rules of the examination: what is expected, by which specification, and which hosts a violation
//! affects.

pub(super) mod access;
pub(super) mod issuer;
pub(super) mod protocol;
pub(super) mod tools;

use super::finding::{Rule, Severity};

/// Every rule, in the order of the examination.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    [access::RULES, issuer::RULES, protocol::RULES, tools::RULES].into_iter().flatten().copied()
}

/// The effect of a violation: the hosts, and what they do.
type Effect = (&'static [&'static str], &'static str);

const fn rule(
    severity: Severity,
    id: &'static str,
    expected: &'static str,
    source: &'static str,
    todo: &'static str,
    (hosts, effect): Effect,
) -> Rule {
    Rule { id, severity, expected, source, todo, hosts, effect }
}

/// Declares rules, and the list of them.
macro_rules! rules {
    (@fault) => { $crate::check::finding::Severity::Fault };
    (@warning) => { $crate::check::finding::Severity::Warning };
    ($($name:ident = $severity:ident($($part:expr),+ $(,)?);)+) => {
        $(pub(in crate::check) static $name: Rule =
            $crate::check::rules::rule(rules!(@$severity), $($part),+);)+
        #[cfg(test)]
        pub(super) const RULES: &[&Rule] = &[$(&$name),+];
    };
}
use rules;
