//! The loop without a handover: the program ends, and the next one starts. Calls fail in between.
//!
//! For systems where a listener is not inherited, and for programs in release builds, which do not take
//! part in a handover.

use std::{
    net::SocketAddr,
    path::Path,
    process::{ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::process::{Child, Command};

use super::{
    Args,
    build::{Build, Built},
    changes::Changes,
    listeners,
    process_group::{self, Signal},
    project::Project,
    terminal,
    watch::Watch,
};
use crate::signals::Signals;

/// How long a program may take to end before it is killed.
const END_TIMEOUT: Duration = Duration::from_secs(15);

/// Serves until a signal ends the process.
pub(super) async fn run(arguments: &Args) -> Result<ExitCode> {
    let mut signals = Signals::new()?;
    let project = Project::read(&arguments.selection)?;
    let mut watch = Watch::new(&project)?;
    let address = listeners::free_from(arguments.port)?;
    terminal::status(
        "Listening",
        &format!("http://{address}/mcp; calls fail while the program changes"),
    );
    let mut build = Some(Build::start(&arguments.selection, &project.directory, true)?);
    let mut running: Option<Child> = None;
    loop {
        tokio::select! {
            () = signals.next() => break,
            (changes, _) = watch.next() => {
                if is_of_program(&changes) {
                    if let Some(build) = build.take() {
                        build.cancel().await;
                    }
                    build = Some(Build::start(&arguments.selection, &project.directory, false)?);
                }
            }
            result = finished(build.as_mut()) => {
                build = None;
                let Some(executable) = executable(&result)? else { continue };
                watch.built(executable);
                end(running.take()).await;
                running = Some(start(executable, arguments, &project, address)?);
                terminal::status("Served", &executable.display().to_string());
            }
            status = ended(running.as_mut()) => {
                running = None;
                terminal::failure("Ended", &format!("the program: {status}"));
            }
        }
    }
    if let Some(build) = build {
        build.cancel().await;
    }
    end(running).await;
    Ok(ExitCode::SUCCESS)
}

fn is_of_program(changes: &Changes) -> bool {
    !changes.sources.is_empty() || !changes.environment.is_empty()
}

/// Returns the program that was built. `None`: the build failed, and the terminal says why.
fn executable(built: &Built) -> Result<Option<&Path>> {
    terminal::rendered(&built.rendered());
    if !built.succeeded {
        terminal::rendered(&built.errors);
        terminal::failure("Failed", "the build did not succeed");
        return Ok(None);
    }
    built.executable().map(Some)
}

fn start(
    executable: &Path,
    arguments: &Args,
    project: &Project,
    address: SocketAddr,
) -> Result<Child> {
    let mut command = Command::new(executable);
    command
        .args(&arguments.arguments)
        .current_dir(&project.directory)
        .env("CARGO_MANIFEST_DIR", &project.directory)
        .env("TOOLGATE_HTTP", address.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    process_group::begin(&mut command);
    command.spawn().with_context(|| format!("{} could not be started", executable.display()))
}

async fn end(child: Option<Child>) {
    let Some(mut child) = child else { return };
    if let Some(id) = child.id() {
        process_group::signal(id, Signal::Terminate);
    }
    if cfg!(windows) || tokio::time::timeout(END_TIMEOUT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

async fn finished(build: Option<&mut Build>) -> Built {
    match build {
        Some(build) => build.finished().await,
        None => std::future::pending().await,
    }
}

async fn ended(child: Option<&mut Child>) -> String {
    match child {
        Some(child) => {
            child.wait().await.map_or_else(|error| error.to_string(), |it| it.to_string())
        }
        None => std::future::pending().await,
    }
}
