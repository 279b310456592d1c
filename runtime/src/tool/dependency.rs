//! Dependencies of a tool: the parameters that the runtime injects.

use std::{any::TypeId, ops::Deref};

use crate::{
    provider::{GrantType, Provider},
    scope::{Catalogue as _, Requires, Scope},
};

/// A parameter that the runtime injects. A server that cannot supply it does not start.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Dependency {
    /// A client of a provider, with a grant of the caller.
    Client(ClientDependency),
    /// The caller, and perhaps scopes of a catalogue of the application that its token must carry.
    Caller(CallerDependency),
    /// A value given to [`Server::state`](crate::Server::state).
    State(StateDependency),
    /// Progress, log and cancellation.
    Context,
}

/// See [`Dependency::Client`].
#[derive(Clone, Copy, Debug)]
pub struct ClientDependency {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The provider's ID.
    pub provider: &'static str,
    /// The provider's name.
    pub provider_name: &'static str,
    pub(crate) provider_type: TypeId,
    pub(crate) scopes: fn() -> &'static [&'static str],
    /// The argument that names one of the caller's accounts, where the provider has several.
    pub(crate) account: Option<&'static str>,
    pub(crate) grant_type: GrantType,
    /// The provider's catalogue.
    pub catalogue: &'static [Scope],
}

/// See [`Dependency::Caller`].
#[derive(Clone, Copy, Debug)]
pub struct CallerDependency {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The name of the catalogue.
    pub provider_name: &'static str,
    pub(crate) scopes: fn() -> &'static [&'static str],
    /// The catalogue.
    pub catalogue: &'static [Scope],
}

/// See [`Dependency::State`].
#[derive(Clone, Copy, Debug)]
pub struct StateDependency {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The name of the type.
    pub type_name: fn() -> &'static str,
    pub(crate) type_id: TypeId,
}

/// The dependencies of a tool, in the order of its parameters.
#[derive(Clone, Debug, Default)]
pub struct Dependencies(Vec<Dependency>);

impl Dependencies {
    /// Creates an empty list.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Creates a list of the parameter `parameter`, an `AuthedClient<P>` of the tool `T`.
    ///
    /// One call, because the compiler checks it for every tool with a client.
    #[must_use]
    pub fn of_client<P: 'static, T: Requires<P, Of: Provider>>(parameter: &'static str) -> Self {
        Self::new().client::<P, T>(parameter)
    }

    /// Adds the parameter `parameter`, an `AuthedClient<P>` of the tool `T`.
    #[must_use]
    pub fn client<P: 'static, T: Requires<P, Of: Provider>>(self, parameter: &'static str) -> Self {
        self.and(Dependency::Client(ClientDependency {
            parameter,
            provider: T::Of::ID,
            provider_name: T::Of::NAME,
            provider_type: TypeId::of::<P>(),
            scopes: T::scopes,
            account: T::account(),
            grant_type: T::Of::DIALECT.grant_type,
            catalogue: T::Of::SCOPES,
        }))
    }

    /// Adds the parameter `parameter`, a `Caller<P>` of the tool `T`.
    #[must_use]
    pub fn caller<P, T: Requires<P>>(self, parameter: &'static str) -> Self {
        self.and(Dependency::Caller(CallerDependency {
            parameter,
            provider_name: T::Of::NAME,
            scopes: T::scopes,
            catalogue: T::Of::SCOPES,
        }))
    }

    /// Adds a `Caller` with any scopes.
    #[must_use]
    pub fn any_caller(self) -> Self {
        self.and(Dependency::Caller(CallerDependency {
            parameter: "caller",
            provider_name: "",
            scopes: || &[],
            catalogue: &[],
        }))
    }

    /// Adds the parameter `parameter`, a `State<S>`.
    // Without the bounds of `Call::state`, or rustc would report an unmet one twice.
    #[must_use]
    pub fn state<S: ?Sized + 'static>(self, parameter: &'static str) -> Self {
        self.and(Dependency::State(StateDependency {
            parameter,
            type_name: std::any::type_name::<S>,
            type_id: TypeId::of::<S>(),
        }))
    }

    /// Adds a `Context`.
    #[must_use]
    pub fn context(self) -> Self {
        self.and(Dependency::Context)
    }

    /// Takes the arguments away that name accounts of this provider.
    pub(crate) fn with_one_account(&mut self, provider: &str) {
        for dependency in &mut self.0 {
            if let Dependency::Client(client) = dependency
                && client.provider == provider
            {
                client.account = None;
            }
        }
    }

    fn and(mut self, dependency: Dependency) -> Self {
        self.0.push(dependency);
        self
    }
}

impl Deref for Dependencies {
    type Target = [Dependency];

    fn deref(&self) -> &[Dependency] {
        &self.0
    }
}

impl ClientDependency {
    /// Whether the caller's token is exchanged for the client's, so that no account is connected.
    pub(crate) fn exchanges_token(&self) -> bool {
        self.grant_type == GrantType::TokenExchange
    }

    /// Returns the scopes as declared, without those that they imply.
    pub fn scopes(&self) -> &'static [&'static str] {
        (self.scopes)()
    }
}

impl CallerDependency {
    /// Returns the scopes as declared, without those that they imply.
    pub fn scopes(&self) -> &'static [&'static str] {
        (self.scopes)()
    }
}
