//! Process groups: a process is ended with those that it started.

use tokio::process::Command;

/// What is sent to a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signal {
    /// End, after what is under way.
    Terminate,
    Kill,
}

/// Has the process begin a group, so that a signal of the terminal reaches this one alone.
pub(super) fn begin(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// Sends a signal to the group that the process `leader` began. The process has not been waited for, or
/// its number could be another's.
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
