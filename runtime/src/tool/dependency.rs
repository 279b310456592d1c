//! Dependencies of a tool: the parameters that the runtime injects.

use std::any::TypeId;

use crate::{
    provider::Provider,
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

impl Dependency {
    /// Any caller, whatever its scopes.
    pub const CALLER: Self = Self::Caller(CallerDependency {
        parameter: "caller",
        provider_name: "",
        scopes: || &[],
        catalogue: &[],
    });

    /// The parameter `parameter` is an `AuthedClient<P>` of the tool `T`.
    pub const fn client<P: 'static, T: Requires<P, Of: Provider>>(parameter: &'static str) -> Self {
        Self::Client(ClientDependency {
            parameter,
            provider: T::Of::ID,
            provider_name: T::Of::NAME,
            provider_type: TypeId::of::<P>(),
            scopes: T::scopes,
            catalogue: T::Of::SCOPES,
        })
    }

    /// The parameter `parameter` is a `Caller<P>` of the tool `T`.
    pub const fn caller<P, T: Requires<P>>(parameter: &'static str) -> Self {
        Self::Caller(CallerDependency {
            parameter,
            provider_name: T::Of::NAME,
            scopes: T::scopes,
            catalogue: T::Of::SCOPES,
        })
    }

    /// The parameter `parameter` is a `State<S>`.
    // Without the bounds of `Call::state`, or rustc would report an unmet one twice.
    pub const fn state<S: ?Sized + 'static>(parameter: &'static str) -> Self {
        Self::State(StateDependency {
            parameter,
            type_name: std::any::type_name::<S>,
            type_id: TypeId::of::<S>(),
        })
    }
}

impl ClientDependency {
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
