//! The service over HTTP, in one program: each file is a module, so that one is linked.

mod api;
mod app;
mod authorization;
mod faults;
mod github;
mod tokens;
