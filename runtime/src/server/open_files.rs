//! Limit of open files, each connection being one.

/// Raises the soft limit of open files to what the connections need, as far as the hard limit goes (Linux).
/// The soft limit is 1024 for most programs, because those that call `select` cannot have more; a thousand
/// idle connections would then keep all others out.
pub(super) fn raise_limit() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        // The connections of the listener, and those to the database and to providers.
        const NEEDED: u64 = 16 * 1024;
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(NEEDED, |hard| hard.min(NEEDED));
        if limit.current.is_none_or(|soft| soft >= wanted) {
            return;
        }
        let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(target: "toolgate::server", %error, "the limit of open files cannot be raised");
        }
    }
}
