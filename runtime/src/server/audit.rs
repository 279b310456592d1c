//! The audit of a server: whether it is kept, and for how long.

use std::time::Duration;

use rmcp::ServerHandler;

use super::builder::Server;
use crate::{env, error::ConfigError, support::escape::escape};

const RETENTION: &str = "TOOLGATE_AUDIT_RETENTION";

const DAY: Duration = Duration::from_hours(24);

/// The longest time for which entries are kept, in days.
const MAX_RETENTION_DAYS: u32 = 3650;

impl<H: ServerHandler> Server<H> {
    /// Sets for how long the audit is kept: who connected which account and let which client use it,
    /// refreshes, what ended, sign-ins at the broker, what operators did, and counts of refused tokens.
    /// The default is 90 days; zero keeps none. `TOOLGATE_AUDIT_RETENTION` overrides it, in days.
    ///
    /// It is in the server's database, SQLite or PostgreSQL, sealed like grants, and
    /// `my-server admin export-audit` prints it. Calls of tools are not in it: they are in the log,
    /// with the target `toolgate::audit`.
    #[must_use]
    pub fn audit_retention(mut self, retention: Duration) -> Self {
        self.audit.retention = retention.min(DAY * MAX_RETENTION_DAYS);
        self
    }
}

impl<H> Server<H> {
    /// Applies the setting of the environment, if there is one.
    pub(super) fn replace_audit_retention(mut self) -> Result<Self, ConfigError> {
        let Some(text) = env::var(RETENTION) else { return Ok(self) };
        let days = text.trim().parse().ok().filter(|days| *days <= MAX_RETENTION_DAYS);
        let days: u32 = days.ok_or_else(|| {
            let problem = format!("invalid value `{}` for `{RETENTION}`", escape(&text));
            ConfigError::new(problem)
                .help(format!("it is a number of days, at most {MAX_RETENTION_DAYS}; 0 keeps none"))
        })?;
        self.audit.retention = DAY * days;
        Ok(self)
    }
}
