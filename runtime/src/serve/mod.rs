//! The server: tools, providers and a store, over HTTP or standard input and output.

mod admission;
mod app;
mod ask;
mod audit;
mod body;
#[cfg(feature = "broker")]
mod brokered;
mod build;
mod cli;
mod demand;
mod describe;
#[cfg(feature = "dev")]
mod development;
mod dispatch;
mod door;
mod envelope;
mod flags;
mod front;
mod guard;
mod handler;
mod http;
mod limits;
mod listen;
mod listing;
mod loopback;
mod page;
mod panic;
mod person;
mod place;
mod quick;
mod server;
mod sessions;
mod sign_in;
mod stdio;
mod told;
mod typescript;
mod upstream;
mod widgets;

pub use self::{
    app::App,
    describe::{Description, ToolDescription},
    front::Front,
    handler::{Handler, Nothing},
    server::Server,
};
