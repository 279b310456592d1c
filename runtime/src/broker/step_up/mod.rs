//! Step-up by the server: a person adds scopes to a sign-in whose tokens a host goes on using.
//!
//! 1. A call lacks scopes, and the host does not ask for a wider token by itself: the gate asks
//!    [`answer`] for a link.
//! 2. The person opens it ([`endpoint`]): the browser must be signed in as the person whose token
//!    the call had. The page names the client and the missing scopes.
//! 3. Where the grant of the provider lacks them, the browser goes there and comes back
//!    ([`provider`]).
//! 4. The record of the sign-in has what was added; the gate unites it with the scopes of the token,
//!    and the next refresh writes it into the token.

pub(crate) mod answer;
pub(crate) mod endpoint;
pub(crate) mod memory;
pub(crate) mod page;
pub(crate) mod provider;
