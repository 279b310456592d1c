//! Binding of a session: whose it is.

use std::net::IpAddr;

use crate::{
    gate::{Claims, site_of},
    support::crypto::{constant_time_eq, sha256},
};

/// How many owners the anonymous callers of one IPv6 site are.
const OWNERS_OF_SITE: u16 = 16;

/// Whose a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// Begun without a token; the digest is of the IPv4 address, or of one of 16 parts of the IPv6 site.
    /// It holds no one's data, so any caller may use it.
    Anonymous([u8; 32]),
    /// A caller, by issuer, subject and client.
    Caller([u8; 32]),
    /// The person at this machine, on a server without a gate.
    Local,
}

impl Binding {
    /// The binding of a session that this caller of a gate begins.
    pub(super) fn of_caller(caller: Option<&Claims>, address: Option<IpAddr>) -> Self {
        match caller {
            Some(claims) => Self::Caller(claims.owner_digest()),
            None => Self::Anonymous(anonymous_owner(address)),
        }
    }

    /// Whether this caller of a gate may use the session.
    pub(super) fn admits(&self, caller: Option<&Claims>) -> bool {
        match self {
            Self::Anonymous(_) => true,
            Self::Caller(owner) => {
                caller.is_some_and(|claims| constant_time_eq(owner, claims.owner_digest()))
            }
            Self::Local => false,
        }
    }

    /// The byte that stands for it in an identifier.
    pub(super) fn tag(&self) -> u8 {
        match self {
            Self::Anonymous(_) => 0,
            Self::Caller(_) => 1,
            Self::Local => 2,
        }
    }

    /// The digest of the owner, by which what is stored of sessions is bounded.
    pub(super) fn digest(&self) -> [u8; 32] {
        match self {
            Self::Anonymous(digest) | Self::Caller(digest) => *digest,
            Self::Local => [0; 32],
        }
    }
}

/// The digest of an anonymous caller. An IPv6 site has few of them, although it has 65 536 networks, each of
/// which counts as one address.
fn anonymous_owner(address: Option<IpAddr>) -> [u8; 32] {
    let owner = match (address, address.and_then(site_of)) {
        (Some(IpAddr::V6(network)), Some(site)) => {
            let number = network.segments()[3];
            format!("{site} {}", number % OWNERS_OF_SITE)
        }
        (Some(address), _) => address.to_string(),
        (None, _) => String::new(),
    };
    sha256(owner.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_its_owners() {
        let claims = |issuer: &str, subject: &str| Claims::new(issuer, subject);
        let alice = claims("https://login.example", "alice").client("codex");
        let hers = Binding::of_caller(Some(&alice), None);
        assert!(hers.admits(Some(&alice)));
        assert!(hers.admits(Some(&alice.clone().scopes(["more"]))), "with another token");
        for other in [
            claims("https://login.example", "alice"),
            claims("https://login.example", "alice").client("cursor"),
            claims("https://login.example", "bob").client("codex"),
            claims("https://login.example ", "alice").client("codex"),
            claims("https://login.examplealice", "").client("codex"),
        ] {
            assert!(!hers.admits(Some(&other)), "{other:?}");
        }
        assert!(!hers.admits(None));
        let anonymous = Binding::of_caller(None, Some(IpAddr::from([192, 0, 2, 1])));
        assert!(anonymous.admits(None) && anonymous.admits(Some(&alice)));
        assert!(!Binding::Local.admits(Some(&alice)) && !Binding::Local.admits(None));
    }
}
