//! The catalogue of a provider, as `#[provider]` passes it to `#[tool]`.
//!
//! One string literal: a line for each scope, with its token, its variant, its access and the
//! indices of the scopes that it implies, transitively. A scope token holds no white space
//! (RFC 6749 §3.3), and one token is the cheapest thing that a `macro_rules!` can pass on.

use std::{
    fmt::{self, Display},
    sync::{Arc, Mutex, PoisonError},
};

use proc_macro2::Literal;
use syn::Lit;

use crate::args::scope::Access;

pub(crate) struct Scope {
    pub(crate) token: String,
    pub(crate) variant: String,
    pub(crate) access: Access,
    /// The scopes that this one implies: directly when given to [`Catalogue::new`], then
    /// transitively, and without itself.
    pub(crate) implies: Vec<usize>,
}

/// The scopes of a provider. Empty only if the errors of the provider are reported already.
pub(crate) struct Catalogue {
    scopes: Vec<Scope>,
    kind: Kind,
    /// Whether people may connect several accounts.
    has_accounts: bool,
}

/// The kind of type that has the scopes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An enum with `#[provider]`.
    Provider,
    /// An enum with `#[catalogue]`.
    Callers,
    /// A type of another kind, which has none.
    Missing,
}

/// The first line of a catalogue of callers, the first line of a provider with several accounts of
/// a person, and the only line of a type without a catalogue. The line of a scope has more words.
const CALLERS: &str = "callers";
const ACCOUNTS: &str = "accounts";
const MISSING: &str = "none";

impl Catalogue {
    /// Closes the implications. Fails with the index of a scope that implies itself.
    pub(crate) fn new(direct: Vec<Scope>, kind: Kind) -> Result<Self, usize> {
        let mut closed = Vec::with_capacity(direct.len());
        for (index, scope) in direct.iter().enumerate() {
            let mut implies = Vec::new();
            let mut open = scope.implies.clone();
            while let Some(next) = open.pop() {
                if next == index {
                    return Err(index);
                }
                if !implies.contains(&next) {
                    implies.push(next);
                    open.extend(&direct[next].implies);
                }
            }
            implies.sort_unstable();
            closed.push(implies);
        }
        let mut scopes = direct;
        for (scope, implies) in scopes.iter_mut().zip(closed) {
            scope.implies = implies;
        }
        Ok(Self { scopes, kind, has_accounts: false })
    }

    /// The same catalogue, with whether the provider tells which account a token belongs to.
    pub(crate) fn with_accounts(self, has_accounts: bool) -> Self {
        Self { has_accounts, ..self }
    }

    /// The catalogue that the string literal holds.
    ///
    /// The last few are cached: every tool of a provider passes the same literal, and this macro is
    /// built without optimization, so that hundreds of scopes take longer than the rest of a tool.
    pub(crate) fn read(literal: &Literal) -> Option<Arc<Self>> {
        static LAST: Mutex<Vec<(String, Arc<Catalogue>)>> = Mutex::new(Vec::new());
        const REMEMBERED: usize = 8;

        let text = literal.to_string();
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = last.iter().find(|(known, _)| *known == text) {
            return Some(Arc::clone(known));
        }
        let Lit::Str(literal) = Lit::new(literal.clone()) else { return None };
        let catalogue = Arc::new(Self::parse(&literal.value())?);
        last.truncate(REMEMBERED - 1);
        last.insert(0, (text, Arc::clone(&catalogue)));
        Some(catalogue)
    }

    fn parse(text: &str) -> Option<Self> {
        let scope = |line: &str| {
            let mut words = line.split(' ');
            Some(Scope {
                token: words.next()?.to_owned(),
                variant: words.next()?.to_owned(),
                access: Access::parse(words.next()?)?,
                implies: words.map(|word| word.parse().ok()).collect::<Option<_>>()?,
            })
        };
        let first = text.lines().next();
        let kind = match first {
            Some(CALLERS) => Kind::Callers,
            Some(MISSING) => Kind::Missing,
            _ => Kind::Provider,
        };
        let has_accounts = first == Some(ACCOUNTS);
        let scopes = text.lines().skip(usize::from(kind != Kind::Provider || has_accounts));
        Some(Self { scopes: scopes.map(scope).collect::<Option<_>>()?, kind, has_accounts })
    }

    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn has_accounts(&self) -> bool {
        self.has_accounts
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    pub(crate) fn implies(&self, scope: usize, other: usize) -> bool {
        self.scopes[scope].implies.contains(&other)
    }

    /// `declared` and all that they imply, in order.
    pub(crate) fn closure(&self, declared: &[usize]) -> Vec<usize> {
        let mut held = declared.to_vec();
        for &scope in declared {
            held.extend(&self.scopes[scope].implies);
        }
        held.sort_unstable();
        held.dedup();
        held
    }
}

impl Display for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Kind::Callers {
            writeln!(f, "{CALLERS}")?;
        } else if self.has_accounts {
            writeln!(f, "{ACCOUNTS}")?;
        }
        for (index, scope) in self.scopes.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{} {} {}", scope.token, scope.variant, scope.access.word())?;
            for implied in &scope.implies {
                write!(f, " {implied}")?;
            }
        }
        Ok(())
    }
}
