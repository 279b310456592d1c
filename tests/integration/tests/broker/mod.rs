//! The broker over real HTTP, with a real provider behind it: what it does for hosts and people, and
//! what it does not do for those who attack it.

mod admission;
mod authorize_attacks;
mod bounds;
mod client_attacks;
mod consent_attacks;
mod documents;
mod hosts;
mod identity_assertions;
mod refresh_reuse;
mod state_attacks;
mod token_attacks;
mod walk;
