//! One call of a tool: what the runtime hands to `Tool::call`.

use std::{any::TypeId, fmt, marker::PhantomData, sync::Arc};

use crate::{
    client::{AuthedClient, Connection, Unclaimed},
    gate::Claims,
    provider::Provider,
    tool::{
        context::Context,
        state::{State, States},
    },
};

/// The injected half of a call. The dispatch made sure, before it, that everything is there which
/// the tool's `NEEDS` name: every client stands for a grant with the scopes that the tool declares.
#[derive(Clone)]
pub struct Call {
    pub(crate) connections: Vec<(TypeId, Arc<Connection>)>,
    pub(crate) states: States,
    pub(crate) caller: Option<Caller>,
    /// Only where the tool has one.
    pub(crate) context: Option<Context>,
}

impl Call {
    /// The client of `P`, for the tool `T`.
    ///
    /// # Panics
    ///
    /// `NEEDS` of a hand-written `Tool` does not name it.
    pub fn client<P: Provider, T>(&self) -> AuthedClient<P, T> {
        AuthedClient::over(self.connection(TypeId::of::<P>(), P::NAME))
    }

    /// Not generic: every tool has a [`Self::client`] of its own.
    fn connection(&self, wanted: TypeId, name: &str) -> Arc<Connection> {
        let connection = self.connections.iter().find(|(provider, _)| *provider == wanted);
        let (_, connection) =
            connection.unwrap_or_else(|| panic!("`Tool::NEEDS` names no client of `{name}`"));
        Arc::clone(connection)
    }

    /// The value of type `S`.
    ///
    /// # Panics
    ///
    /// `NEEDS` of a hand-written `Tool` does not name it.
    pub fn state<S: Send + Sync + 'static>(&self) -> State<S> {
        self.states.get().unwrap_or_else(|| {
            panic!("`Tool::NEEDS` names no state of type `{}`", std::any::type_name::<S>())
        })
    }

    /// Who calls, for the tool `T`.
    ///
    /// # Panics
    ///
    /// Nobody is known to call, and `NEEDS` of a hand-written `Tool` does not demand it.
    pub fn caller<P, T>(&self) -> Caller<P, T> {
        self.optional_caller().expect("`Tool::NEEDS` demands a caller")
    }

    /// Who calls, if that is known.
    pub fn optional_caller<P, T>(&self) -> Option<Caller<P, T>> {
        self.caller.as_ref().map(|caller| Caller { claims: caller.claims.clone(), of: PhantomData })
    }

    /// Progress, log, cancellation.
    ///
    /// # Panics
    ///
    /// `NEEDS` of a hand-written `Tool` does not name it.
    pub fn context(&self) -> Context {
        self.context.clone().expect("`Tool::NEEDS` names a context")
    }
}

/// Who calls the tool.
///
/// `Caller<P>` is a caller whose access token carries scopes of a catalogue of one's own;
/// `Option<Caller>` may be nobody, on a server with [public tools](crate::gate::Gate::allow_anonymous).
///
/// Without a [gate](crate::gate) a server serves this machine alone, and everyone who reaches it is
/// the one local person.
///
/// ```
/// use toolgate::prelude::*;
///
/// /// Says who you are.
/// #[tool]
/// async fn who_am_i(caller: Caller) -> String {
///     caller.subject().to_owned()
/// }
/// ```
pub struct Caller<P = (), T = Unclaimed> {
    /// `None` is the local person.
    claims: Option<Claims>,
    of: PhantomData<fn() -> (P, T)>,
}

impl Caller {
    /// The subject of the person at this machine.
    pub const LOCAL: &'static str = "local";

    /// The person at this machine.
    pub fn local() -> Self {
        Self { claims: None, of: PhantomData }
    }

    /// A caller with these claims, for a test of a tool.
    pub fn from_claims(claims: Claims) -> Self {
        Self { claims: Some(claims), of: PhantomData }
    }
}

impl<P, T> Caller<P, T> {
    /// The subject, unique at the issuer (RFC 9068 §2.2).
    pub fn subject(&self) -> &str {
        self.claims.as_ref().map_or(Caller::LOCAL, |claims| claims.subject())
    }

    /// What the verified token says; `None` of the local person.
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// Is it a machine, behind which no person stands (RFC 6749 §4.4)?
    pub fn is_client_credentials(&self) -> bool {
        self.claims.as_ref().is_some_and(Claims::is_client_credentials)
    }
}

impl<P, T> Clone for Caller<P, T> {
    fn clone(&self) -> Self {
        Self { claims: self.claims.clone(), of: PhantomData }
    }
}

impl<P, T> fmt::Debug for Caller<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("subject", &self.subject()).finish_non_exhaustive()
    }
}
