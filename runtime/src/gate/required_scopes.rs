//! Scopes that a tool requires of the access token of its caller.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use http::HeaderValue;

use super::{AuthError, Claims};
use crate::{
    scope,
    scope::{Access, Scope},
    trace::{Coverage, ScopeNames},
};

/// Scopes of one catalogue that a tool declares.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeclaredScopes {
    pub(crate) catalogue: &'static [Scope],
    pub(crate) names: &'static [&'static str],
    pub(crate) granted_by: GrantedBy,
}

/// Who grants scopes that a tool declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrantedBy {
    /// The issuer of access tokens: tokens carry them.
    Issuer,
    /// The provider with this name behind the server's own broker, whose tokens carry them.
    BrokeredProvider(&'static str),
    /// A provider to which each caller connects an account: tokens do not carry them.
    ConnectedProvider,
}

/// What the access token of a tool's caller must carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequiredScopes {
    /// Whether a caller is required at all.
    needs_caller: bool,
    /// The scopes, by catalogue.
    by_catalogue: Vec<(&'static [Scope], Vec<&'static str>)>,
    /// The same as bits, by which calls are checked.
    bits: Option<ScopeBits>,
    /// The provider behind the broker.
    brokered_provider: &'static str,
    /// Whether clients ask for them at sign-in.
    pub(crate) is_default: bool,
    /// The challenge for tokens without the scopes; it is the same for all calls.
    pub(crate) challenge: OnceLock<HeaderValue>,
    /// All scopes that the tool declares, for the log.
    pub(crate) declared: ScopeNames,
}

/// The scopes of a tool as bits: one for each scope of the server.
#[derive(Clone, Debug)]
struct ScopeBits {
    bits: Box<[u64]>,
    of: Arc<ServerScopes>,
}

/// Every scope that a tool of a server requires. The index of a scope is the number of its bit.
#[derive(Debug)]
struct ServerScopes {
    server_id: u64,
    scopes: Vec<(&'static [Scope], &'static str)>,
}

impl ServerScopes {
    fn bits(&self, includes: impl Fn(&'static [Scope], &'static str) -> bool) -> Box<[u64]> {
        let mut bits = vec![0_u64; self.scopes.len().div_ceil(64)];
        for (number, (catalogue, scope)) in self.scopes.iter().enumerate() {
            if includes(catalogue, scope) {
                bits[number / 64] |= 1 << (number % 64);
            }
        }
        bits.into()
    }
}

impl ScopeBits {
    /// Whether the scopes of `claims` cover them. Which bits a token covers is computed once.
    fn is_covered_by(&self, claims: &Claims) -> bool {
        let compute = |granted: &BTreeSet<String>| {
            self.of.bits(|catalogue, scope| scope::covers(catalogue, granted, scope))
        };
        let covered = claims.covered_bits(self.of.server_id, compute);
        self.bits.iter().zip(covered.iter()).all(|(needed, covered)| needed & !covered == 0)
    }
}

/// A claim of the broker's access tokens: scopes that the provider withheld.
#[derive(serde::Deserialize)]
struct WithheldScopes {
    withheld: Vec<String>,
}

/// The scopes that clients of these tools ask for at sign-in.
pub(crate) fn default_scopes<'t>(
    tools: impl Iterator<Item = &'t RequiredScopes>,
) -> BTreeSet<&'static str> {
    tools.filter(|tool| tool.is_default).flat_map(RequiredScopes::names).collect()
}

impl RequiredScopes {
    /// The requirements of a tool that declares these scopes. `is_default` says whether clients ask
    /// for them at sign-in; by default they do if all of them only read.
    pub(crate) fn new(
        needs_caller: bool,
        declared: &[DeclaredScopes],
        is_default: Option<bool>,
    ) -> Self {
        let names = declared.iter().flat_map(|declared| declared.names);
        let mut required =
            Self { needs_caller, declared: names.copied().collect(), ..Self::default() };
        let mut access = Vec::new();
        for DeclaredScopes { catalogue, names, granted_by } in declared {
            match *granted_by {
                GrantedBy::Issuer => {}
                GrantedBy::BrokeredProvider(name) => required.brokered_provider = name,
                GrantedBy::ConnectedProvider => continue,
            }
            // It asks for a refresh token, and access tokens do not carry it.
            let scopes: Vec<_> =
                names.iter().copied().filter(|&scope| scope != scope::OFFLINE).collect();
            let declaration = |name| catalogue.iter().find(|scope| scope.name == name);
            access.extend(scopes.iter().filter_map(|&name| declaration(name)).map(|s| s.access));
            if !scopes.is_empty() {
                required.by_catalogue.push((catalogue, scopes));
            }
        }
        let only_reads = || access.iter().all(|access| *access == Access::Read);
        required.is_default = is_default.unwrap_or_else(only_reads);
        required
    }

    /// Numbers the scopes of all tools of a server, so that calls are checked by bits.
    pub(crate) fn number<'a>(tools: impl Iterator<Item = &'a mut Self>) {
        static SERVER_IDS: AtomicU64 = AtomicU64::new(0);
        let tools: Vec<_> = tools.collect();
        let mut scopes: Vec<(&'static [Scope], &'static str)> = Vec::new();
        for tool in &tools {
            for (catalogue, needed) in &tool.by_catalogue {
                for &scope in needed {
                    let is_known = scopes
                        .iter()
                        .any(|known| std::ptr::eq(known.0, *catalogue) && known.1 == scope);
                    if !is_known {
                        scopes.push((catalogue, scope));
                    }
                }
            }
        }
        let server_id = SERVER_IDS.fetch_add(1, Ordering::Relaxed);
        let of = Arc::new(ServerScopes { server_id, scopes });
        for tool in tools {
            let requires = |catalogue: &'static [Scope], scope: &'static str| {
                let has = |(of, needed): &(&'static [Scope], Vec<&str>)| {
                    std::ptr::eq(*of, catalogue) && needed.contains(&scope)
                };
                tool.by_catalogue.iter().any(has)
            };
            tool.bits = Some(ScopeBits { bits: of.bits(requires), of: Arc::clone(&of) });
        }
    }

    /// The names of all required scopes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_catalogue.iter().flat_map(|(_, scopes)| scopes.iter().copied())
    }

    /// The names of all scopes of the catalogues.
    pub(crate) fn catalogue_names(&self) -> impl Iterator<Item = &'static str> + use<> {
        let catalogues: Vec<&'static [Scope]> =
            self.by_catalogue.iter().map(|(catalogue, _)| *catalogue).collect();
        catalogues.into_iter().flatten().map(|scope| scope.name)
    }

    /// Which scope of the claims covers each required one, for an event.
    pub(crate) fn coverage<'a>(&'a self, claims: Option<&'a Claims>) -> Coverage<'a> {
        Coverage::new(&self.by_catalogue, claims.map(Claims::granted))
    }

    /// The required scopes that the claims do not cover.
    pub(crate) fn missing(&self, claims: &Claims) -> Vec<&'static str> {
        self.by_catalogue
            .iter()
            .flat_map(|(catalogue, needed)| scope::missing(catalogue, claims.granted(), needed))
            .collect()
    }

    /// Explains why another sign-in would not add the missing scopes, if the provider withheld all of
    /// them when it was asked again.
    pub(crate) fn explain_withheld(&self, claims: &Claims) -> Option<String> {
        let WithheldScopes { withheld } = claims.extra().ok()?;
        let missing = self.missing(claims);
        let all = !missing.is_empty()
            && missing.iter().all(|missing| withheld.iter().any(|scope| scope == missing));
        let (provider, list) = (self.brokered_provider, missing.join(" "));
        all.then(|| {
            format!(
                "{provider} was asked for `{list}` more than once and withheld it each time. If it was not offered to the user, they may not have it: asking again will not help until an administrator of {provider} changes that. Then, or if they left it out themselves, they can sign in to this server again"
            )
        })
    }

    /// Checks that a caller with these claims may call the tool.
    pub(crate) fn check(&self, claims: Option<&Claims>) -> Result<(), AuthError> {
        let Some(claims) = claims else {
            return if self.needs_caller { Err(AuthError::Missing) } else { Ok(()) };
        };
        let covered = match &self.bits {
            Some(bits) => bits.is_covered_by(claims),
            None => self.by_catalogue.iter().all(|(catalogue, needed)| {
                scope::missing(catalogue, claims.granted(), needed).is_empty()
            }),
        };
        if covered {
            return Ok(());
        }
        Err(AuthError::InsufficientScope { needed: self.names().map(str::to_owned).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &[Scope] = &[
        Scope { name: "read", description: "", access: Access::Read, implies: &[] },
        Scope { name: "write", description: "", access: Access::Write, implies: &[0] },
    ];

    fn required(names: &'static [&'static str]) -> RequiredScopes {
        let granted_by = GrantedBy::Issuer;
        RequiredScopes::new(
            true,
            &[DeclaredScopes { catalogue: CATALOGUE, names, granted_by }],
            None,
        )
    }

    fn claims(scopes: &[&str]) -> Claims {
        Claims::new("https://a.example", "alice").scopes(scopes.iter().copied())
    }

    #[test]
    fn an_implied_scope_counts() {
        let reads = required(&["read"]);
        assert!(reads.is_default);
        assert_eq!(reads.check(Some(&claims(&["write"]))), Ok(()));
        assert_eq!(reads.check(None), Err(AuthError::Missing));
        let needed = vec!["read".to_owned()];
        assert_eq!(
            reads.check(Some(&claims(&["reader", "Read"]))),
            Err(AuthError::InsufficientScope { needed })
        );
    }

    #[test]
    fn offline_access_is_not_required() {
        let required = required(&["read", "offline_access"]);
        assert_eq!(required.names().collect::<Vec<_>>(), ["read"]);
        assert_eq!(required.check(Some(&claims(&["read"]))), Ok(()));
    }

    #[test]
    fn bits_decide_as_names_do() {
        let named = required(&["read"]);
        let nothing = RequiredScopes::new(false, &[], None);
        let mut numbered = [named.clone(), nothing, named.clone()];
        RequiredScopes::number(numbered.iter_mut());
        let mut others = [named.clone()];
        RequiredScopes::number(others.iter_mut());
        for scopes in [&["read"][..], &["write"], &["reader"], &[], &["a", "write"]] {
            let claims = claims(scopes);
            // Twice, and for another server: the bits that claims keep are of one server.
            for required in [&numbered[0], &numbered[2], &others[0], &numbered[0]] {
                assert_eq!(required.check(Some(&claims)), named.check(Some(&claims)), "{scopes:?}");
            }
            assert_eq!(numbered[1].check(Some(&claims)), Ok(()));
            let more = claims.clone().scopes(["write"]);
            assert_eq!(numbered[0].check(Some(&more)), Ok(()), "changed claims have new bits");
        }
    }

    #[test]
    fn a_tool_without_a_caller_is_for_anonymous_callers() {
        assert_eq!(RequiredScopes::new(false, &[], None).check(None), Ok(()));
        assert_eq!(RequiredScopes::new(true, &[], None).check(None), Err(AuthError::Missing));
    }
}
