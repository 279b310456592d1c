//! The server: tools, providers and a store, over HTTP or standard input and output.

mod admission;
mod app;
mod ask;
mod cli;
mod demand;
mod describe;
mod dispatch;
mod envelope;
mod guard;
mod handler;
mod http;
mod loopback;
mod quick;
mod server;
mod stdio;
mod upstream;

pub use self::{
    app::App,
    describe::{Description, ToolDescription},
    handler::{Handler, Nothing},
    server::Server,
};
