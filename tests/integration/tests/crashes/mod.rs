//! Processes that are paused, stopped and killed while they renew tokens.
#![cfg(unix)]

mod losses;
mod paused;
mod sign_out;
mod upgrade;
