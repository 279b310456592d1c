//! Coverage of required scopes: which scope of a token holds each of them.

use std::{collections::BTreeSet, fmt};

use serde::{Serialize, Serializer};

use super::text::{Found, serialize_list};
use crate::scope::{Scope, is_offline};

/// The scopes that a tool requires, each with the scope of the token that covers it.
#[derive(Clone, Copy)]
pub struct Coverage<'a> {
    by_catalogue: &'a [(&'static [Scope], Vec<&'static str>)],
    held: Option<&'a BTreeSet<String>>,
}

/// A required scope.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct RequiredScope<'a> {
    /// The scope.
    pub scope: &'static str,
    /// The scope of the token that covers it: itself, or one that implies it. `None`: it is missing.
    pub held_by: Option<Found<'a>>,
}

impl<'a> Coverage<'a> {
    pub(crate) fn new(
        by_catalogue: &'a [(&'static [Scope], Vec<&'static str>)],
        held: Option<&'a BTreeSet<String>>,
    ) -> Self {
        Self { by_catalogue, held }
    }

    /// Returns the required scopes.
    pub fn iter(&self) -> impl Iterator<Item = RequiredScope<'a>> + use<'a> {
        let held = self.held;
        self.by_catalogue.iter().flat_map(move |(catalogue, needed)| {
            needed.iter().map(move |&scope| RequiredScope {
                scope,
                held_by: held.and_then(|held| held_by(catalogue, held, scope)).map(Found::new),
            })
        })
    }
}

/// The scope of `held` that covers `needed`.
pub(crate) fn held_by<'h>(
    catalogue: &'static [Scope],
    held: &'h BTreeSet<String>,
    needed: &'static str,
) -> Option<&'h str> {
    if let Some(itself) = held.get(needed) {
        return Some(itself);
    }
    if is_offline(needed) {
        return Some(needed);
    }
    let implies = |scope: &&Scope| scope.implies.iter().any(|&at| catalogue[at].name == needed);
    catalogue.iter().filter(implies).find_map(|scope| held.get(scope.name)).map(String::as_str)
}

impl fmt::Debug for Coverage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Coverage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_list(serializer, self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Access;

    const CATALOGUE: &[Scope] = &[
        Scope { name: "read", description: "", access: Access::Read, implies: &[] },
        Scope { name: "write", description: "", access: Access::Write, implies: &[0] },
    ];

    #[test]
    fn each_scope_names_the_one_that_covers_it() {
        let needed = [(CATALOGUE, vec!["read", "write"])];
        let held = |scopes: &[&str]| scopes.iter().map(|&scope| scope.to_owned()).collect();
        for (scopes, expected) in [
            (
                &["read"][..],
                r#"[{"scope":"read","held_by":"read"},{"scope":"write","held_by":null}]"#,
            ),
            (
                &["write"],
                r#"[{"scope":"read","held_by":"write"},{"scope":"write","held_by":"write"}]"#,
            ),
            (&[], r#"[{"scope":"read","held_by":null},{"scope":"write","held_by":null}]"#),
        ] {
            let held = held(scopes);
            let coverage = Coverage::new(&needed, Some(&held));
            assert_eq!(serde_json::to_string(&coverage).unwrap(), expected);
        }
    }
}
