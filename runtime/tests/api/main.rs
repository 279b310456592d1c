//! The public API of the crate, in one program: each file is a module, so that one is linked.

pub mod gate_basic;
mod gate_dpop;
mod gate_introspection;
mod gate_keys;
mod gate_presets;
mod gate_properties;
mod gate_token;
mod grant_killed;
mod grant_refresh;
mod issuer;
pub mod testing;
