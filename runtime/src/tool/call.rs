//! Calls of tools: the injected values, and the caller.

use std::{any::TypeId, fmt, marker::PhantomData};

use crate::{
    client::{AuthedClient, SharedConnection, Unclaimed},
    gate::{Claims, LOCAL_SUBJECT},
    tool::{
        context::Context,
        state::{State, States},
    },
};

/// The injected values of a call.
///
/// Before the call the dispatcher supplied everything that
/// [`Tool::dependencies`](super::Tool::dependencies) lists; each client has a grant with the scopes
/// that the tool declares.
#[derive(Clone)]
pub struct Call {
    pub(crate) connections: Vec<(TypeId, SharedConnection)>,
    pub(crate) states: States,
    pub(crate) caller: Option<Caller>,
    /// `Some` if the tool has a context.
    pub(crate) context: Option<Context>,
}

impl Call {
    /// Returns the client of `P` for the tool `T`.
    ///
    /// # Panics
    ///
    /// The dependencies of a hand-written `Tool` do not list it.
    pub fn client<P: 'static, T>(&self) -> AuthedClient<P, T> {
        AuthedClient::new(self.connection(TypeId::of::<P>(), std::any::type_name::<P>()))
    }

    /// Not generic, because [`Self::client`] is compiled for every tool.
    fn connection(&self, wanted: TypeId, name: &str) -> SharedConnection {
        let connection = self.connections.iter().find(|(provider, _)| *provider == wanted);
        let (_, connection) = connection
            .unwrap_or_else(|| panic!("`Tool::dependencies` lists no client of `{name}`"));
        connection.clone()
    }

    /// Returns the value of type `S`.
    ///
    /// # Panics
    ///
    /// The dependencies of a hand-written `Tool` do not list it.
    pub fn state<S: Send + Sync + 'static>(&self) -> State<S> {
        self.states.get().unwrap_or_else(|| {
            panic!("`Tool::dependencies` lists no state of type `{}`", std::any::type_name::<S>())
        })
    }

    /// Returns the caller, for the tool `T`.
    ///
    /// # Panics
    ///
    /// The call is anonymous, and the dependencies of a hand-written `Tool` do not list a caller.
    pub fn caller<P, T>(&self) -> Caller<P, T> {
        self.optional_caller().expect("`Tool::dependencies` lists a caller")
    }

    /// Returns the caller, unless the call is anonymous.
    pub fn optional_caller<P, T>(&self) -> Option<Caller<P, T>> {
        self.caller.as_ref().map(|caller| Caller { claims: caller.claims.clone(), of: PhantomData })
    }

    /// Returns the handle for progress, log and cancellation.
    ///
    /// # Panics
    ///
    /// The dependencies of a hand-written `Tool` do not list it.
    pub fn context(&self) -> Context {
        self.context.clone().expect("`Tool::dependencies` lists a context")
    }
}

/// A type whose value the calls of all tools share. Implemented for every type with a size that is
/// [`Send`] and [`Sync`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a server",
    label = "needs a size, `Send` and `Sync`",
    note = "a `Mutex`, a `RwLock` or an atomic may be shared between threads; `Cell`, `RefCell` and `Rc` may not"
)]
// Without supertraits, or rustc would report the one that is not met in words of its own.
pub trait StateValue: Sized {
    #[doc(hidden)]
    type Guarded<F>;

    #[doc(hidden)]
    fn of(call: &Call) -> State<Self>;

    /// The future of a call with such a value. Its type is not known for any other type, so that
    /// the compiler does not report once more that it is not `Send`.
    #[doc(hidden)]
    fn guard<F>(future: F) -> Self::Guarded<F>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> StateValue for T {
    type Guarded<F> = F;

    fn of(call: &Call) -> State<Self> {
        call.state()
    }

    #[inline]
    fn guard<F>(future: F) -> F {
        future
    }
}

/// The caller of a tool.
///
/// `Caller<P>` is a caller whose access token carries scopes of the catalogue `P`. `Option<Caller>`
/// is `None` for an anonymous call, on a server that
/// [allows them](crate::gate::Gate::allow_anonymous).
///
/// Without a [gate](crate::gate) a server listens on this machine only, and every caller is the
/// [local person](Self::local).
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
    /// `None` for the local person.
    claims: Option<Claims>,
    of: PhantomData<fn() -> (P, T)>,
}

impl Caller {
    /// The subject of the local person.
    pub const LOCAL: &'static str = LOCAL_SUBJECT;

    /// Returns the local person.
    pub fn local() -> Self {
        Self { claims: None, of: PhantomData }
    }

    /// Creates a caller with these claims, for a test of a tool.
    pub fn from_claims(claims: Claims) -> Self {
        Self { claims: Some(claims), of: PhantomData }
    }
}

impl<P, T> Caller<P, T> {
    /// Returns the subject, unique at the issuer (RFC 9068 §2.2).
    pub fn subject(&self) -> &str {
        self.claims.as_ref().map_or(Caller::LOCAL, |claims| claims.subject())
    }

    /// Returns the claims of the verified token; `None` for the local person.
    pub fn claims(&self) -> Option<&Claims> {
        self.claims.as_ref()
    }

    /// Returns whether the caller is a client that acts for itself and for no user (RFC 6749 §4.4).
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
