//! What can go wrong in a call, in words for the model and, apart from them, for the log.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

/// [`std::result::Result`] with toolgate's [`Error`] where none is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a tool's call failed.
///
/// Every error has two texts. [`Error::message`] is for the model and the person behind it: what
/// happened and what to do next. [`Error::report`] is for the operator's log. Neither holds
/// a secret.
///
/// `?` turns any [`std::error::Error`] into one of kind [`ErrorKind::Internal`]: its own text goes
/// to the log only, because nobody has looked at it with a stranger's eyes. To tell the model
/// something, say it:
///
/// ```
/// use toolgate::{Error, Result};
///
/// fn month(name: &str) -> Result<u8> {
///     match name {
///         "may" => Ok(5),
///         _ => Err(Error::new(format!("`{name}` is no month; say `january` to `december`"))),
///     }
/// }
/// assert_eq!(month("mai").unwrap_err().message(), "`mai` is no month; say `january` to `december`");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kinds of [`Error`]: a closed set of reasons, so that code can decide by them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The tool itself refused, in its own words ([`Error::new`]).
    Tool,
    /// An argument is missing, unknown, of the wrong type or out of bounds.
    InvalidArgument,
    /// The user has not connected the provider yet, or has to again.
    ConsentNeeded {
        /// The provider's name.
        provider: &'static str,
    },
    /// The user's grant lacks scopes that the provider withheld when it was asked for them.
    ScopeMissing {
        /// The provider's name.
        provider: &'static str,
        /// What is lacking.
        scopes: Vec<String>,
    },
    /// The grant expired for good, or was revoked at the provider.
    GrantExpired {
        /// The provider's name.
        provider: &'static str,
    },
    /// The provider's API answered with an error status.
    UpstreamRefused {
        /// The provider's name.
        provider: &'static str,
        /// The HTTP status.
        status: u16,
        /// When to try again, if the provider said so.
        retry_after: Option<Duration>,
    },
    /// The provider did not answer, or not in time, or not in a form that can be read.
    UpstreamUnreachable {
        /// The provider's name.
        provider: &'static str,
    },
    /// A fault of the server: the model learns only that, the log the rest.
    Internal,
}

impl Error {
    /// An error whose text the model reads as it is. Keep secrets and stack traces out of it.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self::with_kind(ErrorKind::Tool, message)
    }

    /// An error of a kind, with the text for the model.
    pub fn with_kind(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// A fault of the server; `source` goes to the log, the model is told that it is not to blame.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::with_kind(
            ErrorKind::Internal,
            "the server failed at this call; nothing about the arguments has to change. Its log has the details",
        )
        .with_source(source)
    }

    /// Adds the cause, for the log only.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The text for the model and the person: what happened, and what to do next.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The text for the log: the cause and its causes, without secrets.
    pub fn report(&self) -> Option<String> {
        let mut next: Option<&dyn StdError> = Some(&**self.0.source.as_ref()?);
        let mut text = String::new();
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        Some(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

// What `fn main() -> toolgate::Result<()>` prints, so it is written for people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.report() {
            Some(source) if self.0.kind == ErrorKind::Internal => f.write_str(&source),
            Some(source) => write!(f, "{}\ncaused by: {source}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::internal(error)
    }
}

/// A fault in how the server was set up, found before it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
    help: Option<String>,
}

impl ConfigError {
    /// A fault, named.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    /// Says what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Several faults as one, a line each.
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
