//! One call of a tool: what the runtime hands to `Tool::call`.

use std::{any::TypeId, fmt, marker::PhantomData, sync::Arc};

use crate::{
    client::{AuthedClient, Connection, Unclaimed},
    context::Context,
    provider::Provider,
    state::{State, States},
};

/// The injected half of a call. The dispatch made sure, before it, that everything is there which
/// the tool's `NEEDS` name: every client stands for a grant with the scopes that the tool declares.
#[derive(Clone)]
pub struct Call {
    pub(crate) connections: Vec<(TypeId, Arc<Connection>)>,
    pub(crate) states: States,
    pub(crate) caller: Caller,
    pub(crate) context: Context,
}

impl Call {
    /// The client of `P`, for the tool `T`.
    ///
    /// # Panics
    ///
    /// `NEEDS` of a hand-written `Tool` does not name it.
    pub fn client<P: Provider, T>(&self) -> AuthedClient<P, T> {
        let wanted = TypeId::of::<P>();
        let (_, connection) = self
            .connections
            .iter()
            .find(|(provider, _)| *provider == wanted)
            .unwrap_or_else(|| panic!("`Tool::NEEDS` names no client of `{}`", P::NAME));
        AuthedClient::over(Arc::clone(connection))
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
    pub fn caller<P, T>(&self) -> Caller<P, T> {
        Caller { subject: Arc::clone(&self.caller.subject), of: PhantomData }
    }

    /// Who calls, if that is known.
    pub fn caller_if_any<P, T>(&self) -> Option<Caller<P, T>> {
        Some(self.caller())
    }

    /// Progress, log, cancellation.
    pub fn context(&self) -> Context {
        self.context.clone()
    }
}

/// Who calls the tool.
///
/// `Caller<P>` is a caller whose access token carries scopes of a catalogue of one's own.
///
/// Until a server verifies access tokens it serves this machine alone, and everyone who reaches it
/// is the one local person.
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
    subject: Arc<str>,
    of: PhantomData<fn() -> (P, T)>,
}

impl Caller {
    /// The subject of the person at this machine.
    pub const LOCAL: &'static str = "local";

    /// The person at this machine.
    pub fn local() -> Self {
        Self { subject: Self::LOCAL.into(), of: PhantomData }
    }
}

impl<P, T> Caller<P, T> {
    /// The subject, unique at the issuer (RFC 9068 §2.2).
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl<P, T> Clone for Caller<P, T> {
    fn clone(&self) -> Self {
        Self { subject: Arc::clone(&self.subject), of: PhantomData }
    }
}

impl<P, T> fmt::Debug for Caller<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("subject", &self.subject).finish()
    }
}
