//! Scopes (RFC 6749 §3.3): a provider's catalogue of them, and who holds which.

use std::collections::BTreeSet;

/// A list of scopes; `#[catalogue]` and `#[provider]` implement it.
pub trait Catalogue: Send + Sync + 'static {
    /// The name that people read: `GitHub`.
    const NAME: &'static str;
    /// The scopes.
    const SCOPES: &'static [Scope];
}

/// What holding a scope lets one do; a tool's annotations follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Access {
    /// Only looks.
    Read,
    /// Adds or changes.
    Write,
    /// Takes away what cannot be brought back.
    Destructive,
}

/// One scope of a provider's catalogue, as `#[provider]` declares it.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The scope token that the provider knows: `repo:read`.
    pub name: &'static str,
    /// The doc comment of the variant: what a consent page may say.
    pub description: &'static str,
    /// What it lets one do.
    pub access: Access,
    /// The scopes of the same catalogue that it implies, transitively, by index.
    pub implies: &'static [usize],
}

/// What a client asks for to get a refresh token (`OpenID` Connect Core §11). It lets nobody do
/// anything, and some issuers grant it without saying so.
pub(crate) const OFFLINE: &str = "offline_access";

/// Is `needed` among `granted`, itself or implied by another (a MUST of MCP's authorization)?
///
/// A scope that the catalogue does not know counts only as itself. `offline_access` is always
/// covered: it asks for a refresh token, and is no right.
///
/// ```
/// use toolgate::scope::{Access, Scope, covers};
///
/// const CATALOGUE: &[Scope] = &[
///     Scope { name: "repo:read", description: "", access: Access::Read, implies: &[] },
///     Scope { name: "repo", description: "", access: Access::Write, implies: &[0] },
/// ];
/// let granted = ["repo".to_owned()].into();
/// assert!(covers(CATALOGUE, &granted, "repo:read"));
/// assert!(!covers(CATALOGUE, &granted, "user:email"));
/// assert!(covers(CATALOGUE, &granted, "offline_access"));
/// ```
pub fn covers(catalogue: &[Scope], granted: &BTreeSet<String>, needed: &str) -> bool {
    granted.contains(needed)
        || needed == OFFLINE
        || catalogue.iter().any(|scope| {
            scope.implies.iter().any(|&implied| catalogue[implied].name == needed)
                && granted.contains(scope.name)
        })
}

/// The scopes of `needed` that `granted` does not cover, in the order of `needed`.
pub fn missing<'n>(
    catalogue: &[Scope],
    granted: &BTreeSet<String>,
    needed: &[&'n str],
) -> Vec<&'n str> {
    needed.iter().copied().filter(|needed| !covers(catalogue, granted, needed)).collect()
}

/// The scopes of `P` that a tool or a helper declares; `#[tool]` and `#[requires]` implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` declares no scopes of `{P}`",
    label = "has a client of `{P}` and no scopes for it"
)]
pub trait Requires<P: Catalogue> {
    /// The scopes as declared, in source order, without those that they imply.
    const SCOPES: Scopes;
}

/// Scopes as a tool or a helper declares them.
///
/// ```
/// use toolgate::Scopes;
///
/// const SCOPES: Scopes = Scopes::of(["repo:read", "user:email"]);
/// assert_eq!(SCOPES.list(), ["repo:read", "user:email"]);
/// ```
///
/// A few stand in the value itself. Were they behind a reference, the compiler would evaluate the
/// constant of each tool whenever it looks at the tool, and not only when it is built.
#[derive(Clone, Copy, Debug)]
pub struct Scopes {
    few: [&'static str; Self::FEW],
    count: usize,
    many: &'static [&'static str],
}

impl Scopes {
    /// How many [`Self::of`] takes.
    pub const FEW: usize = 4;

    /// These.
    ///
    /// # Panics
    ///
    /// They are more than [`Self::FEW`].
    pub const fn of<const N: usize>(names: [&'static str; N]) -> Self {
        let mut few = [""; Self::FEW];
        let mut count = 0;
        while count < N {
            few[count] = names[count];
            count += 1;
        }
        Self { few, count, many: &[] }
    }

    /// More than [`Self::FEW`].
    pub const fn many(names: &'static [&'static str]) -> Self {
        Self { many: names, ..Self::of([]) }
    }

    /// In source order.
    pub const fn list(&self) -> &[&'static str] {
        if self.many.is_empty() { self.few.split_at(self.count).0 } else { self.many }
    }
}

/// Holds a scope of `P` that may change something; bounds the writing methods of
/// [`AuthedClient`](crate::AuthedClient).
///
/// `#[tool]` and `#[requires]` implement it where a declared scope has `access = write` or
/// `access = destructive`. So a tool whose scopes only read cannot send a request that changes
/// anything, and its `readOnlyHint` is proved by the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` only reads: none of its scopes of `{P}` may write",
    label = "may change something",
    note = "declare a scope with `access = write` or `destructive`; a POST that only reads is `post_read_only`"
)]
pub trait CanWrite<P: Catalogue> {}

/// Holds the scope at index `SCOPE` of the catalogue of `P`, declared or implied.
///
/// `#[tool]` and `#[requires]` implement it for every scope of the closure, so that the compiler
/// can refuse the call of a helper that needs more. It guides; what decides is the token: the
/// runtime checks the scopes that were granted before every call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold a scope of `{P}` that is needed here"
)]
pub trait Holds<P: Catalogue, const SCOPE: usize> {}
