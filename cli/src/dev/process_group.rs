//! Process groups: a process is ended with those that it started.

use tokio::process::Command;

/// A signal to a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    /// End, after what is under way.
    Terminate,
    Kill,
}

/// Starts the process in a group of its own, so that a signal of the terminal reaches only this
/// command.
pub(super) fn begin(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Sends a signal to the group of the process `leader`. The process must not have been waited for yet,
/// because its number could be reused.
#[cfg(unix)]
pub(super) fn signal(leader: u32, signal: Signal) {
    use rustix::process::{Pid, kill_process_group};

    let signal = match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Kill => rustix::process::Signal::KILL,
    };
    let leader = i32::try_from(leader).ok().and_then(Pid::from_raw);
    if let Some(leader) = leader {
        // An error means that the group has ended.
        let _ = kill_process_group(leader, signal);
    }
}

/// Nothing: the process is killed when it is dropped.
#[cfg(not(unix))]
pub(super) fn signal(_: u32, _: Signal) {}
