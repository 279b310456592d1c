//! State of the application, shared by its tools: a pool, a cache, a configuration.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    ops::Deref,
    sync::Arc,
};

use super::Call;

/// A value given to [`Server::state`](crate::Server::state), injected into a tool.
///
/// A server without a value of this type does not start.
///
/// ```
/// use toolgate::prelude::*;
///
/// struct Greeting {
///     word: String,
/// }
///
/// /// Greets.
/// #[tool]
/// async fn greet(greeting: State<Greeting>, name: String) -> String {
///     format!("{}, {name}!", greeting.word)
/// }
/// ```
#[derive(Debug)]
pub struct State<T: ?Sized>(pub Arc<T>);

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
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

/// The values by type; a clone shares them.
#[derive(Clone, Default)]
pub(crate) struct States(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl States {
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        Arc::make_mut(&mut self.0).insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub(crate) fn contains(&self, type_id: TypeId) -> bool {
        self.0.contains_key(&type_id)
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Option<State<T>> {
        let value = Arc::clone(self.0.get(&TypeId::of::<T>())?);
        value.downcast().ok().map(State)
    }
}
