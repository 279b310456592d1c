//! Errors of a configuration.

use std::{error::Error as StdError, fmt};

/// A fault in the configuration of a server, found before it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
    help: Option<String>,
}

impl ConfigError {
    /// Creates an error with a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Joins several faults into one, a line each.
    pub(crate) fn join(faults: Vec<Self>) -> Result<(), Self> {
        if faults.is_empty() {
            return Ok(());
        }
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Err(Self::new(lines.join("\n")))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "\n  help: {help}"))
    }
}

impl StdError for ConfigError {}
