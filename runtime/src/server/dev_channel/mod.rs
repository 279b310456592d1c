//! Channel to the supervisor of `cargo toolgate dev`, which replaces the program when its sources
//! change.
//!
//! The supervisor starts the new program while the old one answers. When the new one is built, the old
//! one hands over what it has in memory, and the new one goes on with it: keys, sign-ins, stand-ins of
//! providers, the inspector's log. Nothing of it is written to a disk. There is no channel without
//! `TOOLGATE_DEV_SOCKET`, nor in a release build without the feature `dev`.

mod changes;
mod connection;
mod following;
pub(crate) mod identity;
mod message;
mod state;
mod turn;

pub(crate) use self::{connection::DevChannel, following::Served, turn::Built};
