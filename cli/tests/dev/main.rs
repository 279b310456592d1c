//! `cargo toolgate dev`, from the command line to the calls of clients.

#![cfg(unix)]

mod client;
mod failures;
mod late;
mod load;
mod program;
mod project;
mod tunnel;
