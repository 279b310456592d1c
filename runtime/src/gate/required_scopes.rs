//! What a tool demands of its caller's token; made once.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use http::HeaderValue;

use crate::{
    gate::{AuthError, Claims},
    scope,
    scope::{Access, Scope},
    tool::{Dependency, Hints},
};

/// What the token of a tool's caller must carry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demand {
    /// Somebody must call.
    caller: bool,
    /// These scopes, of these catalogues.
    scopes: Vec<(&'static [Scope], Vec<&'static str>)>,
    /// The same, as bits: how a call is checked.
    numbered: Option<Numbered>,
    /// The provider behind the broker.
    provider: &'static str,
    /// Hosts ask for them at sign-in.
    pub(crate) basic: bool,
    /// What is answered to tokens without its scopes; of a server with one gate.
    pub(crate) challenge: OnceLock<HeaderValue>,
    /// All that the tool declares, at whichever provider.
    pub(crate) declared: String,
}

/// A demand's scopes, by their numbers on the server.
#[derive(Clone, Debug)]
struct Numbered {
    bits: Box<[u64]>,
    of: Arc<Numbers>,
}

/// Every scope that a tool of a server demands; a scope's number is its place here.
#[derive(Debug)]
struct Numbers {
    server: u64,
    scopes: Vec<(&'static [Scope], &'static str)>,
}

impl Numbers {
    fn bits(&self, held: impl Fn(&'static [Scope], &'static str) -> bool) -> Box<[u64]> {
        let mut bits = vec![0_u64; self.scopes.len().div_ceil(64)];
        for (number, (catalogue, scope)) in self.scopes.iter().enumerate() {
            if held(catalogue, scope) {
                bits[number / 64] |= 1 << (number % 64);
            }
        }
        bits.into()
    }
}

impl Numbered {
    /// Does a token with these claims cover the demand? What it covers is worked out once.
    fn is_covered_by(&self, claims: &Claims) -> bool {
        let find = |granted: &BTreeSet<String>| {
            self.of.bits(|catalogue, scope| scope::covers(catalogue, granted, scope))
        };
        let held = claims.held(self.of.server, find);
        self.bits.iter().zip(held.iter()).all(|(needed, held)| needed & !held == 0)
    }
}

/// What the broker's access tokens say besides.
#[derive(serde::Deserialize)]
struct Withheld {
    withheld: Vec<String>,
}

impl Demand {
    /// The tool's, where tokens carry the scopes of its callers' catalogues, and those of the
    /// provider `brokered`.
    pub(crate) fn of(needs: &'static [Dependency], hints: Hints, brokered: Option<&str>) -> Self {
        let mut demand = Self::default();
        let declared = needs.iter().flat_map(|need| match need {
            Dependency::Client(need) => need.scopes(),
            Dependency::Caller(need) => need.scopes(),
            _ => &[],
        });
        demand.declared = declared.copied().collect::<Vec<_>>().join(" ");
        let mut access = Vec::new();
        for need in needs {
            let (catalogue, scopes) = match need {
                Dependency::Caller(need) => (need.catalogue, need.scopes()),
                Dependency::Client(need) if brokered == Some(need.provider) => {
                    demand.provider = need.provider_name;
                    (need.catalogue, need.scopes())
                }
                Dependency::Client(_) => {
                    demand.caller = true;
                    continue;
                }
                _ => continue,
            };
            demand.caller = true;
            // It asks for a refresh token, and is not a right that an access token could carry.
            let scopes: Vec<_> =
                scopes.iter().copied().filter(|&scope| scope != scope::OFFLINE).collect();
            let declared = |name| catalogue.iter().find(|scope| scope.name == name);
            access.extend(scopes.iter().filter_map(|&name| declared(name)).map(|s| s.access));
            if !scopes.is_empty() {
                demand.scopes.push((catalogue, scopes));
            }
        }
        demand.basic = hints
            .default_scope
            .unwrap_or_else(|| access.iter().all(|access| *access == Access::Read));
        demand
    }

    /// Gives the scopes of a server's demands their numbers.
    pub(crate) fn number<'a>(demands: impl Iterator<Item = &'a mut Self>) {
        static SERVERS: AtomicU64 = AtomicU64::new(0);
        let demands: Vec<_> = demands.collect();
        let mut scopes: Vec<(&'static [Scope], &'static str)> = Vec::new();
        for demand in &demands {
            for (catalogue, needed) in &demand.scopes {
                for &scope in needed {
                    let same = |known: &&(&'static [Scope], &'static str)| {
                        std::ptr::eq(known.0, *catalogue) && known.1 == scope
                    };
                    if !scopes.iter().any(|known| same(&known)) {
                        scopes.push((catalogue, scope));
                    }
                }
            }
        }
        let server = SERVERS.fetch_add(1, Ordering::Relaxed);
        let of = Arc::new(Numbers { server, scopes });
        for demand in demands {
            let needs = |catalogue: &'static [Scope], scope: &'static str| {
                let here = |(of, needed): &(&'static [Scope], Vec<&str>)| {
                    std::ptr::eq(*of, catalogue) && needed.contains(&scope)
                };
                demand.scopes.iter().any(here)
            };
            demand.numbered = Some(Numbered { bits: of.bits(needs), of: Arc::clone(&of) });
        }
    }

    /// Every scope that the tool needs.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &'static str> {
        self.scopes.iter().flat_map(|(_, scopes)| scopes.iter().copied())
    }

    /// Why another sign-in would not give what `claims` lack: the provider withheld all of it when it
    /// was asked again.
    pub(crate) fn withheld(&self, claims: &Claims) -> Option<String> {
        let told: Withheld = claims.extra().ok()?;
        let lacking: Vec<_> = self
            .scopes
            .iter()
            .flat_map(|(catalogue, needed)| scope::missing(catalogue, claims.granted(), needed))
            .collect();
        let all = !lacking.is_empty()
            && lacking.iter().all(|lacking| told.withheld.iter().any(|scope| scope == lacking));
        let (provider, list) = (self.provider, lacking.join(" "));
        all.then(|| {
            format!(
                "{provider} was asked for `{list}` more than once and withheld it each time. If it was not offered to the user, they may not have it: asking again will not help until an administrator of {provider} changes that. Then, or if they left it out themselves, they can sign in to this server again"
            )
        })
    }

    /// May `claims` call the tool?
    pub(crate) fn check(&self, claims: Option<&Claims>) -> Result<(), AuthError> {
        let Some(claims) = claims else {
            return if self.caller { Err(AuthError::Missing) } else { Ok(()) };
        };
        let covered = match &self.numbered {
            Some(numbered) => numbered.is_covered_by(claims),
            None => self.scopes.iter().all(|(catalogue, needed)| {
                scope::missing(catalogue, claims.granted(), needed).is_empty()
            }),
        };
        if covered {
            return Ok(());
        }
        Err(AuthError::InsufficientScope { needed: self.scopes().map(str::to_owned).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &[Scope] = &[
        Scope { name: "read", description: "", access: Access::Read, implies: &[] },
        Scope { name: "write", description: "", access: Access::Write, implies: &[0] },
    ];
    const READS: &[Dependency] = &[Dependency::Caller(crate::tool::CallerDependency {
        parameter: "caller",
        provider_name: "Ours",
        scopes: || &["read"],
        catalogue: CATALOGUE,
    })];

    fn claims(scopes: &[&str]) -> Claims {
        Claims::new("https://a.example", "alice").scopes(scopes.iter().copied())
    }

    #[test]
    fn what_another_scope_implies_counts() {
        let reads = Demand::of(READS, Hints::DERIVED, None);
        assert!(reads.basic);
        assert_eq!(reads.check(Some(&claims(&["write"]))), Ok(()));
        assert_eq!(reads.check(None), Err(AuthError::Missing));
        let needed = vec!["read".to_owned()];
        assert_eq!(
            reads.check(Some(&claims(&["reader", "Read"]))),
            Err(AuthError::InsufficientScope { needed })
        );
    }

    #[test]
    fn a_refresh_token_is_no_right() {
        const NEEDS: &[Dependency] = &[Dependency::Caller(crate::tool::CallerDependency {
            parameter: "caller",
            provider_name: "Ours",
            scopes: || &["read", "offline_access"],
            catalogue: CATALOGUE,
        })];
        let demand = Demand::of(NEEDS, Hints::DERIVED, None);
        assert_eq!(demand.scopes().collect::<Vec<_>>(), ["read"]);
        assert_eq!(demand.check(Some(&claims(&["read"]))), Ok(()));
    }

    #[test]
    fn numbers_decide_as_names_do() {
        let named = Demand::of(READS, Hints::DERIVED, None);
        let mut numbered = [named.clone(), Demand::of(&[], Hints::DERIVED, None), named.clone()];
        Demand::number(numbered.iter_mut());
        let mut others = [named.clone()];
        Demand::number(others.iter_mut());
        for scopes in [&["read"][..], &["write"], &["reader"], &[], &["a", "write"]] {
            let claims = claims(scopes);
            // Twice, and for another server: what is remembered is of one server.
            for demand in [&numbered[0], &numbered[2], &others[0], &numbered[0]] {
                assert_eq!(demand.check(Some(&claims)), named.check(Some(&claims)), "{scopes:?}");
            }
            assert_eq!(numbered[1].check(Some(&claims)), Ok(()));
            let more = claims.clone().scopes(["write"]);
            assert_eq!(numbered[0].check(Some(&more)), Ok(()), "what was remembered is forgotten");
        }
    }

    #[test]
    fn a_tool_that_wants_nobody_is_for_everybody() {
        assert_eq!(Demand::of(&[Dependency::Context], Hints::DERIVED, None).check(None), Ok(()));
        assert_eq!(
            Demand::of(&[Dependency::CALLER], Hints::DERIVED, None).check(None),
            Err(AuthError::Missing)
        );
    }
}
