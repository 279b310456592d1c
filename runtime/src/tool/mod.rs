//! Tools: the [`Tool`] trait, which `#[tool]` implements, and what a tool receives and returns.
//!
//! Applications use the macros and need little of this module. It is public for tools that are
//! implemented by hand.

pub mod argument;
pub(crate) mod call;
pub mod context;
pub(crate) mod dependency;
pub(crate) mod future;
pub mod outcome;
pub(crate) mod registry;
pub(crate) mod schema;
pub mod state;
pub(crate) mod table;
pub(crate) mod view;

use self::{argument::ArgumentList, outcome::ToolOutput};
pub use self::{
    call::{Call, Caller, StateValue},
    dependency::{CallerDependency, ClientDependency, Dependencies, Dependency, StateDependency},
    future::ToolFuture,
    table::{ToolEntry, Tools},
    view::{Props, View},
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
    /// The name that people read.
    const TITLE: Option<&'static str> = None;
    /// The description by which the model chooses: the doc comment.
    const DESCRIPTION: &'static str;
    /// The hints of the attribute; those that it omits follow from the scopes.
    const HINTS: Hints = Hints::DERIVED;
    /// The icons, each a URI.
    const ICONS: &'static [&'static str] = &[];
    /// The members of `_meta`, as the JSON text of an object.
    const META: Option<&'static str> = None;
    /// Whether only a widget's view may call it, and not the model.
    const APP_ONLY: bool = false;
    /// Whether only the model may call it, and no view.
    const MODEL_ONLY: bool = false;
    /// Whether it refuses unknown arguments and values of other types, which hosts are known to send.
    const STRICT: bool = false;
    /// The page that shows the result, if there is one.
    const VIEW: Option<View> = None;
    /// The arguments' types.
    type Arguments: ArgumentList + Send + Sync + 'static;
    /// The arguments.
    const ARGUMENTS: Self::Arguments;
    /// What the function returns.
    type Output: ToolOutput;

    /// Returns what is injected into the function. A server that lacks some of it does not start.
    ///
    /// A function and not a constant: the compiler evaluates every constant of an implementation
    /// at each check, and this one is needed only at start-up.
    fn dependencies() -> Dependencies {
        Dependencies::new()
    }

    /// Calls the function. It runs when the returned future is polled.
    ///
    /// No `async fn`: it would cost every tool a second future, and the compiler more than all the
    /// rest of the tool.
    fn call(call: &Call, arguments: Values<Self>) -> ToolFuture;
}

/// The decoded arguments of the tool `T`.
pub type Values<T> = <<T as Tool>::Arguments as ArgumentList>::Values;

/// The hints of `#[tool(..)]` on a tool's behaviour; `None` follows from the scopes' access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: Option<bool>,
    /// It may destroy what cannot be restored.
    pub destructive: Option<bool>,
    /// A second call with the same arguments changes nothing more.
    pub idempotent: Option<bool>,
    /// It reaches systems outside of this server.
    pub open_world: Option<bool>,
    /// Hosts ask for its scopes when the user signs in, not only when it is called.
    pub default_scope: Option<bool>,
}

impl Hints {
    /// All hints follow from the scopes.
    pub const DERIVED: Self = Self {
        read_only: None,
        destructive: None,
        idempotent: None,
        open_world: None,
        default_scope: None,
    };
}
