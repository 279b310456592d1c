//! Core dumps of the process, which would have tokens and keys in them.

/// Tells the kernel to write no core dump of this process, and to let no other process of its user
/// attach to it (Linux: `PR_SET_DUMPABLE`). Root still can. With `TOOLGATE_CORE_DUMPS=true` nothing is
/// changed, for a person who looks for the cause of a crash.
pub(super) fn forbid() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};

        if crate::env::var("TOOLGATE_CORE_DUMPS")
            .is_some_and(|set| crate::env::parse_bool(&set) == Some(true))
        {
            tracing::warn!(target: "toolgate::server", "core dumps of this process are allowed, and have tokens in them");
        } else if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(target: "toolgate::server", %error, "core dumps of this process cannot be forbidden");
        }
    }
}
