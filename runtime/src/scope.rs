//! Scopes (RFC 6749 §3.3): catalogues, and the traits that prove what a tool may do.

use std::collections::BTreeSet;

/// A catalogue of scopes; `#[catalogue]` and `#[provider]` implement it.
pub trait Catalogue: Send + Sync + 'static {
    /// The name that people read: `GitHub`.
    const NAME: &'static str;
    /// The scopes.
    const SCOPES: &'static [Scope];
}

/// What a scope allows; a tool's annotations follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Access {
    /// Reading.
    Read,
    /// Adding and changing.
    Write,
    /// Destroying what cannot be restored.
    Destructive,
}

/// One scope of a provider's catalogue, as `#[provider]` declares it.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The scope token that the provider knows: `repo:read`.
    pub name: &'static str,
    /// The doc comment of the variant: what a consent page may say.
    pub description: &'static str,
    /// What it allows, which is at least what the implied scopes allow.
    pub access: Access,
    /// The scopes of the same catalogue that it implies, transitively, by index.
    pub implies: &'static [usize],
}

/// The scope that asks for a refresh token (`OpenID` Connect Core §11). It allows nothing, and some
/// issuers grant it without listing it.
pub(crate) const OFFLINE: &str = "offline_access";

/// Whether a scope asks for a refresh token: `offline_access`, X's `offline.access`, or Salesforce's
/// `refresh_token`.
pub(crate) fn is_offline(scope: &str) -> bool {
    matches!(scope, OFFLINE | "offline.access" | "refresh_token")
}

/// Returns whether `granted` has `needed`, itself or implied by another scope (a MUST of MCP's
/// authorization).
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
        || is_offline(needed)
        || catalogue.iter().any(|scope| {
            scope.implies.iter().any(|&implied| catalogue[implied].name == needed)
                && granted.contains(scope.name)
        })
}

/// Returns the scopes of `needed` that `granted` does not cover, in the order of `needed`.
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
pub trait Requires<P> {
    /// `P` itself. A type that is no catalogue is an error of the macros, so no bound repeats it.
    #[doc(hidden)]
    type Of: Catalogue;

    /// Returns the scopes as declared, in source order, without those that they imply.
    fn scopes() -> &'static [&'static str];

    /// Returns the name of the argument that names an account of the caller, where `P` has several.
    #[doc(hidden)]
    fn account() -> Option<&'static str> {
        None
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
pub trait CanWrite<P> {}

#[diagnostic::do_not_recommend]
impl<P, T: DeclaresWrite<P>> CanWrite<P> for T {}

/// Implemented by the macros where [`CanWrite`] should hold. A trait of its own, because rustc would
/// list all implementations of [`CanWrite`] where it does not hold.
#[doc(hidden)]
pub trait DeclaresWrite<P> {}

/// Holds the scope at index `SCOPE` of the catalogue of `P`, declared or implied.
///
/// `#[tool]` and `#[requires]` implement it for every scope of the closure, so that the call of a
/// helper that needs more does not compile. Independently of it, the runtime checks the granted
/// scopes before every call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold a scope of `{P}` that is needed here"
)]
pub trait Holds<P, const SCOPE: usize> {}
