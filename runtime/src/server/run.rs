//! Building and serving: the last step of a [`Server`].

use std::net::SocketAddr;

use rmcp::ServerHandler;

use super::{app::App, builder::Server, command_line, run_http};
use crate::error::{ConfigError, Result};

impl<H: ServerHandler> Server<H> {
    /// Builds the server, for an application with a listener of its own.
    ///
    /// # Errors
    ///
    /// All errors of the configuration at once: a tool whose provider is not registered, a missing
    /// state, two tools of one name, a store that cannot be opened.
    pub async fn build(self) -> Result<App<H>, ConfigError> {
        let (server, fallback) = self.erase();
        Ok(App::new(server.build_for(None).await?, fallback))
    }

    /// Serves as the command line and the environment ask: `--http ADDRESS` (`TOOLGATE_HTTP`)
    /// with `--trusted-proxy RANGE` (`TOOLGATE_TRUSTED_PROXIES`), `--stdio` (`TOOLGATE_STDIO`), or
    /// `--describe`. Returns after a signal to terminate, when the
    /// calls under way have ended.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or the server cannot listen on the address.
    pub async fn serve(self) -> Result<()> {
        command_line::serve(self.erase().0).await
    }

    /// Serves streamable HTTP on `address`. Without a [gate](Server::gate) that has a resource, the
    /// address must be a loopback address, because callers are not verified.
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve_http(self, address: SocketAddr) -> Result<()> {
        run_http::serve_http(self.erase().0, address).await
    }

    /// Serves one client over standard input and output.
    ///
    /// Standard output carries the messages, one a line, so nothing else may be written to it: use
    /// `eprintln!` or `tracing` instead of `println!`. The lint `clippy::print_stdout` finds the places.
    /// At the end of the input, calls under way have ten seconds to be answered.
    ///
    /// # Security
    ///
    /// A host may start the program in a folder whose files are not trusted, and [`env::load`] does not
    /// know of this function: unless `--stdio` or `TOOLGATE_STDIO` is given, it reads `.env` of the working
    /// directory, which may name another store or other endpoints. [`Server::serve`] with `--stdio` has no
    /// such gap.
    ///
    /// [`env::load`]: crate::env::load
    ///
    /// # Errors
    ///
    /// As [`Server::serve`].
    pub async fn serve_stdio(self) -> Result<()> {
        command_line::serve_stdio(self.erase().0, 0).await
    }
}
