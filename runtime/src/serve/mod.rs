//! The server: tools, providers and a store, over HTTP or standard input and output.

mod app;
mod ask;
mod audit;
mod beside;
mod build;
mod cli;
mod demand;
mod describe;
mod dispatch;
mod envelope;
mod flags;
mod handler;
mod incoming;
mod local;
mod loopback;
mod members;
mod page;
mod panic;
mod params;
mod server;
mod stdio;
mod told;
mod typescript;
mod upstream;
mod widgets;
mod wire;

#[cfg(feature = "http")]
mod admission;
#[cfg(feature = "http")]
mod body;
#[cfg(feature = "broker")]
mod brokered;
#[cfg(feature = "http")]
mod connections;
#[cfg(feature = "http")]
mod decision;
#[cfg(feature = "dev")]
mod development;
#[cfg(feature = "http")]
mod door;
#[cfg(feature = "http")]
mod front;
#[cfg(feature = "http")]
mod guard;
#[cfg(feature = "http")]
mod head;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod limits;
#[cfg(feature = "http")]
mod listen;
#[cfg(feature = "http")]
mod listing;
#[cfg(feature = "http")]
mod outward;
#[cfg(feature = "http")]
mod person;
#[cfg(feature = "http")]
mod place;
#[cfg(feature = "http")]
mod quick;
#[cfg(feature = "http")]
mod routed;
#[cfg(feature = "http")]
mod sessions;
#[cfg(feature = "http")]
mod sign_in;
#[cfg(not(feature = "http"))]
mod without_http;

#[cfg(feature = "http")]
pub use self::front::Front;
#[cfg(not(feature = "http"))]
use self::without_http::{admission, door, quick};
pub use self::{
    app::App,
    describe::{Description, ToolDescription},
    handler::{Handler, Nothing},
    server::Server,
};
