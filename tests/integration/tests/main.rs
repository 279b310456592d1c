//! Whole calls, in one program: each file is a module, so that one is linked. `cargo test -p
//! integration consent::` runs one of them. `load.rs` stays a program of its own, because it needs
//! the machine for itself.

mod accounts;
mod admin;
mod api_of_grant;
mod arguments;
pub mod below_a_path;
mod bodies;
mod broker;
mod brokered;
mod call;
mod catalogue;
pub mod connections;
mod consent;
mod crashes;
mod dev;
#[cfg(target_os = "linux")]
mod dev_channel;
mod draining;
#[cfg(unix)]
mod dumps;
mod faults;
pub mod gate;
mod habits_of_2025;
mod inspector;
#[cfg(unix)]
mod key_file;
mod key_source;
#[cfg(target_os = "linux")]
mod keyring;
mod landing;
mod language;
mod large_messages;
mod leaving;
mod legacy_sse;
mod links;
pub mod log_lines;
mod long_calls;
mod panics;
mod person_addresses;
#[cfg(unix)]
mod postgres;
mod program;
mod providers;
pub mod proxies;
mod round_robin;
mod schemas;
mod served;
mod session_streams;
mod sessions;
mod shared_accounts;
mod slow_and_broken;
#[path = "../../security/soak/mod.rs"]
mod soak;
mod stand_ins;
mod step_up;
#[cfg(unix)]
mod store_disks;
mod store_faults;
mod store_locks;
mod strangers;
pub mod streams;
mod token_exchange;
pub mod tolerance;
mod trace;
pub mod transports;
mod two_providers;
mod two_ways;
mod watching;
mod websocket;
pub mod widgets;
