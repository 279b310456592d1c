//! `cargo toolgate dev`: a server that follows what is saved.
//!
//! The command holds the listener, and each program inherits it. When a program stops accepting
//! connections, the next one starts. On systems where listeners cannot be inherited, programs are
//! restarted.

use std::{ffi::OsString, process::ExitCode};

use anyhow::Result;

use crate::program::Selection;

mod build;
mod changes;
#[cfg(unix)]
mod draining;
#[cfg(unix)]
mod instance;
mod listeners;
#[cfg(unix)]
mod message;
mod process_group;
#[cfg(unix)]
mod program;
mod project;
#[cfg(unix)]
mod public_instance;
mod restart;
#[cfg(unix)]
mod supervisor;
#[cfg(unix)]
mod switch;
mod terminal;
#[cfg(unix)]
mod tunnel;
#[cfg(unix)]
mod view_builds;
mod watch;

/// Serves the project, and a saved file a moment later.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    selection: Selection,
    /// The port, or the first that is tried.
    #[arg(long, default_value_t = 8765)]
    port: u16,
    /// Opens no browser.
    #[arg(long)]
    no_open: bool,
    /// Ends the program before the next one starts, as with `--release` and on Windows: calls fail
    /// in between.
    #[arg(long, conflicts_with = "tunnel")]
    restart: bool,
    /// Makes the server public by a tunnel program: `cloudflared`, `ngrok`, `tailscale`, or a command
    /// with `{port}`. The inspector and the sign-in for development are not reached through it.
    #[arg(long, value_name = "COMMAND")]
    tunnel: Option<String>,
    /// Where the tunnel is reached, if its program does not print a URL of a known kind.
    #[arg(long, value_name = "URL", requires = "tunnel")]
    public_url: Option<url::Url>,
    /// Arguments of the program.
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

/// Runs the command.
pub(crate) fn run(arguments: Args) -> Result<ExitCode> {
    // One thread, so that no process is started while descriptors are inherited by another.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(serve(arguments));
    runtime.shutdown_background();
    ended
}

async fn serve(arguments: Args) -> Result<ExitCode> {
    if arguments.restart || arguments.selection.release {
        Box::pin(restart::run(&arguments)).await
    } else {
        Box::pin(follow(arguments)).await
    }
}

#[cfg(unix)]
async fn follow(arguments: Args) -> Result<ExitCode> {
    supervisor::Supervisor::new(arguments)?.run().await
}

/// Listeners are not inherited.
#[cfg(not(unix))]
async fn follow(arguments: Args) -> Result<ExitCode> {
    restart::run(&arguments).await
}
