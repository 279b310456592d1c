//! Tools: what `#[tool]` declares, and the table that `tools![]` makes of it.

pub mod argument;
pub(crate) mod call;
pub mod context;
pub mod outcome;
pub(crate) mod registry;
pub mod state;
pub(crate) mod view;

use std::{
    any::TypeId,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::{
    provider::Provider,
    scope::{Catalogue, Requires, Scope},
    tool::{
        argument::ArgumentList,
        call::Call,
        outcome::{IntoOutcome, Outcome},
        view::View,
    },
};

/// A function declared with `#[tool]`.
///
/// The macro implements it for an empty type that has the function's name, so that
/// `list_issues(..)` is the function and `<list_issues as Tool>` the tool.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "not a tool",
    note = "put `#[tool]` on the `async fn`, and name it here without `()`"
)]
pub trait Tool: Sized + 'static {
    /// The name that the model calls.
    const NAME: &'static str;
    /// A name for people.
    const TITLE: Option<&'static str> = None;
    /// What it does: the doc comment. The model chooses by it.
    const DESCRIPTION: &'static str;
    /// What the attribute says of the tool's behaviour; what it does not say follows from the scopes.
    const HINTS: Hints = Hints::DERIVED;
    /// Icons, each a URI.
    const ICONS: &'static [&'static str] = &[];
    /// What stands under `_meta`, as JSON text of an object.
    const META: Option<&'static str> = None;
    /// Only a widget's view calls it, and never the model.
    const APP_ONLY: bool = false;
    /// Only the model calls it, and no view.
    const MODEL_ONLY: bool = false;
    /// The page that shows the result, if there is one.
    const VIEW: Option<View> = None;
    /// What is injected.
    const NEEDS: Needs = Needs::NONE;
    /// The arguments' types.
    type Arguments: ArgumentList + Send + Sync + 'static;
    /// The arguments.
    const ARGUMENTS: Self::Arguments;
    /// What the function returns.
    type Output: IntoOutcome;

    /// Calls the function. It runs when what this returns is polled.
    ///
    /// A plain function with a plain result: an `async fn` here would cost every tool a second
    /// future, and the compiler more than all the rest of the tool.
    fn call(call: &Call, arguments: Values<Self>) -> Running;
}

/// The decoded arguments of the tool `T`.
pub type Values<T> = <<T as Tool>::Arguments as ArgumentList>::Values;

/// A call under way.
pub struct Running(Pin<Box<dyn Future<Output = Outcome> + Send>>);

impl Running {
    /// The function of the tool `T`, called.
    pub fn of<T: Tool>(function: impl Future<Output = T::Output> + Send + 'static) -> Self {
        Self(Box::pin(Answering { function }))
    }
}

impl Future for Running {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        self.0.as_mut().poll(context)
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

pin_project! {
    // Every tool has one of its own: an `async` block would be larger, and `Map` more code.
    struct Answering<F> {
        #[pin]
        function: F,
    }
}

impl<F: Future<Output: IntoOutcome>> Future for Answering<F> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        self.project().function.poll(context).map(IntoOutcome::into_outcome)
    }
}

/// What `#[tool(..)]` says of a tool's behaviour; `None` follows from the scopes' access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// What it changes may not come back.
    pub destructive: Option<bool>,
    /// Once more changes nothing more.
    pub idempotent: Option<bool>,
    /// It reaches things outside of this server.
    pub open_world: Option<bool>,
    /// Hosts ask for its scopes when their user signs in, not only when it is called.
    pub default_scope: Option<bool>,
}

impl Hints {
    /// All of them follow from the scopes.
    pub const DERIVED: Self = Self {
        read_only: None,
        destructive: None,
        idempotent: None,
        open_world: None,
        default_scope: None,
    };
}

/// Something that a tool wants injected, so that a server that has it not refuses to start.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Need {
    /// A client of a provider: the caller's grant with these scopes.
    Client(ClientNeed),
    /// The caller, with these scopes of a catalogue of one's own.
    Caller(CallerNeed),
    /// A value of this type.
    State(StateNeed),
    /// Progress, log, cancellation.
    Context,
}

/// What a tool wants injected, one after the other: `Needs::NONE.client::<GitHub, Self>("github")`.
///
/// A few stand in the value itself. Were they behind a reference, the compiler would evaluate the
/// constant of each tool whenever it looks at the tool, and not only when it is built.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    few: [Need; Self::FEW],
    count: usize,
    many: &'static [Need],
}

impl Needs {
    /// How many [`Self::client`] and the others can add.
    pub const FEW: usize = 4;
    /// Nothing.
    pub const NONE: Self = Self { few: [Need::Context; Self::FEW], count: 0, many: &[] };

    /// More than [`Self::FEW`].
    pub const fn many(needs: &'static [Need]) -> Self {
        Self { many: needs, ..Self::NONE }
    }

    /// And the client that [`Need::client`] describes.
    #[must_use]
    pub const fn client<P: Provider, T: Requires<P>>(self, parameter: &'static str) -> Self {
        self.and(Need::client::<P, T>(parameter))
    }

    /// And the caller that [`Need::caller`] describes.
    #[must_use]
    pub const fn caller<P: Catalogue, T: Requires<P>>(self, parameter: &'static str) -> Self {
        self.and(Need::caller::<P, T>(parameter))
    }

    /// And the value that [`Need::state`] describes.
    #[must_use]
    pub const fn state<S: 'static>(self, parameter: &'static str) -> Self {
        self.and(Need::state::<S>(parameter))
    }

    /// And `need`.
    ///
    /// # Panics
    ///
    /// There are [`Self::FEW`] already.
    #[must_use]
    pub const fn and(mut self, need: Need) -> Self {
        self.few[self.count] = need;
        self.count += 1;
        self
    }

    pub(crate) fn list(&'static self) -> &'static [Need] {
        if self.many.is_empty() { &self.few[..self.count] } else { self.many }
    }
}

/// See [`Need::Client`].
#[derive(Clone, Copy, Debug)]
pub struct ClientNeed {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The provider's ID.
    pub provider: &'static str,
    /// The provider's name.
    pub provider_name: &'static str,
    pub(crate) provider_type: TypeId,
    /// The scopes as declared.
    pub scopes: &'static [&'static str],
    /// The provider's catalogue.
    pub catalogue: &'static [Scope],
}

/// See [`Need::Caller`].
#[derive(Clone, Copy, Debug)]
pub struct CallerNeed {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The name of the catalogue.
    pub provider_name: &'static str,
    /// The scopes as declared.
    pub scopes: &'static [&'static str],
    /// The catalogue.
    pub catalogue: &'static [Scope],
}

/// See [`Need::State`].
#[derive(Clone, Copy, Debug)]
pub struct StateNeed {
    /// The parameter's name.
    pub parameter: &'static str,
    /// The name of the type.
    pub type_name: fn() -> &'static str,
    pub(crate) type_id: TypeId,
}

impl Need {
    /// A caller, whoever it is.
    pub const CALLER: Self = Self::Caller(CallerNeed {
        parameter: "caller",
        provider_name: "",
        scopes: &[],
        catalogue: &[],
    });

    /// The parameter `parameter` is an `AuthedClient<P>` of the tool `T`.
    pub const fn client<P: Provider, T: Requires<P>>(parameter: &'static str) -> Self {
        Self::Client(ClientNeed {
            parameter,
            provider: P::ID,
            provider_name: P::NAME,
            provider_type: TypeId::of::<P>(),
            scopes: const { &T::SCOPES }.list(),
            catalogue: P::SCOPES,
        })
    }

    /// The parameter `parameter` is a `Caller<P>` of the tool `T`.
    pub const fn caller<P: Catalogue, T: Requires<P>>(parameter: &'static str) -> Self {
        Self::Caller(CallerNeed {
            parameter,
            provider_name: P::NAME,
            scopes: const { &T::SCOPES }.list(),
            catalogue: P::SCOPES,
        })
    }

    /// The parameter `parameter` is a `State<S>`.
    pub const fn state<S: 'static>(parameter: &'static str) -> Self {
        Self::State(StateNeed {
            parameter,
            type_name: std::any::type_name::<S>,
            type_id: TypeId::of::<S>(),
        })
    }
}
