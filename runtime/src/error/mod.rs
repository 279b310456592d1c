//! Errors of a call, with one text for the model and another for the log, and configuration errors.

mod config_error;
mod violation;

pub(crate) use self::violation::{Segment, Violation};
pub use self::{config_error::ConfigError, violation::Rule};

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

/// [`std::result::Result`] with toolgate's [`Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of a tool's call.
///
/// Every error has two texts. [`Error::message`] is for the model and the user: what happened and
/// what to do next. [`Error::report`] is for the operator's log. Neither holds a secret.
///
/// # Conversions
///
/// `?` converts whatever converts to `Box<dyn std::error::Error + Send + Sync>`: every
/// [`std::error::Error`], `anyhow::Error`, `eyre::Report`, such a box itself, [`String`] and
/// `&str`. The result is of kind [`ErrorKind::Internal`]: the text of the original error goes to the log and never
/// to the model, because it was not written for strangers and may hold paths, queries or tokens.
/// This holds for strings too. To tell the model something, use [`Error::new`]:
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
///
/// let error = Error::from("cannot open /srv/tools.db");
/// assert!(!error.message().contains("/srv"));
/// assert_eq!(error.report().unwrap(), "cannot open /srv/tools.db");
/// ```
///
/// For these conversions `Error` itself does not implement [`std::error::Error`]. Where one is
/// wanted, [`Error::into_std`] wraps it.
pub struct Error(Box<ErrorParts>);

struct ErrorParts {
    kind: ErrorKind,
    message: Cow<'static, str>,
    /// The message as the log has it, if it is not the same.
    log_message: Option<String>,
    violation: Option<Violation>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The tool failed with a message of its own ([`Error::new`]).
    Tool,
    /// An argument is missing, unknown, of the wrong type or out of bounds.
    InvalidArgument,
    /// The user has not connected the provider yet, or has to connect it again.
    ConsentNeeded {
        /// The provider's name.
        provider: &'static str,
    },
    /// The user's grant lacks scopes: the provider was asked for them and did not grant them.
    ScopeMissing {
        /// The provider's name.
        provider: &'static str,
        /// The missing scopes.
        scopes: Vec<String>,
    },
    /// The grant expired for good, or was revoked at the provider.
    GrantExpired {
        /// The provider's name.
        provider: &'static str,
    },
    /// The provider's API responded with an error status.
    UpstreamRefused {
        /// The provider's name.
        provider: &'static str,
        /// The HTTP status.
        status: u16,
        /// The delay of a `Retry-After` header (RFC 9110 §10.2.3).
        retry_after: Option<Duration>,
    },
    /// The provider did not respond in time, or its response cannot be read.
    UpstreamUnreachable {
        /// The provider's name.
        provider: &'static str,
    },
    /// The server failed. The model sees only that; the log has the cause.
    Internal,
}

impl Error {
    /// Creates an error whose text the model reads as it is. Keep secrets and stack traces out of it.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self::with_kind(ErrorKind::Tool, message)
    }

    /// Creates an error of a kind, with the text for the model.
    pub fn with_kind(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        let (log_message, violation, source) = (None, None, None);
        Self(Box::new(ErrorParts { kind, message, log_message, violation, source }))
    }

    /// Creates an [`ErrorKind::Internal`] error. `source` goes to the log; the model reads that the
    /// server failed and that its arguments were not the reason.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::with_kind(
            ErrorKind::Internal,
            "the server failed at this call; nothing about the arguments has to change. Its log has the details",
        )
        .with_source(source)
    }

    /// Sets the cause, for the log only.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// Returns whether an argument is missing, unknown, of the wrong type or out of bounds.
    pub fn is_invalid_argument(&self) -> bool {
        matches!(self.0.kind, ErrorKind::InvalidArgument)
    }

    /// Returns whether the user has to connect the provider, for the first time or again:
    /// [`ErrorKind::ConsentNeeded`] or [`ErrorKind::GrantExpired`].
    pub fn is_consent_needed(&self) -> bool {
        matches!(self.0.kind, ErrorKind::ConsentNeeded { .. } | ErrorKind::GrantExpired { .. })
    }

    /// Returns whether the user's grant lacks scopes.
    pub fn is_scope_missing(&self) -> bool {
        matches!(self.0.kind, ErrorKind::ScopeMissing { .. })
    }

    /// Returns whether the provider's API responded with an error status, which
    /// [`Error::status`] returns.
    pub fn is_status(&self) -> bool {
        self.status().is_some()
    }

    /// Returns whether the provider did not respond in time, or its response cannot be read.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.0.kind, ErrorKind::UpstreamUnreachable { .. })
    }

    /// Returns whether the server failed.
    pub fn is_internal(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Internal)
    }

    /// Returns the HTTP status with which the provider's API responded, if it was an error.
    ///
    /// ```
    /// # use toolgate::{Error, ErrorKind};
    /// # let kind = ErrorKind::UpstreamRefused { provider: "Forge", status: 404, retry_after: None };
    /// # let error = Error::with_kind(kind, "not there");
    /// assert_eq!(error.status(), Some(404));
    /// ```
    pub fn status(&self) -> Option<u16> {
        match self.0.kind {
            ErrorKind::UpstreamRefused { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Returns how long the provider wants its clients to wait (`Retry-After`, RFC 9110 §10.2.3), if
    /// it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.0.kind {
            ErrorKind::UpstreamRefused { retry_after, .. } => retry_after,
            _ => None,
        }
    }

    /// Returns the name of the provider that the error is about, if it is about one.
    pub fn provider(&self) -> Option<&'static str> {
        match self.0.kind {
            ErrorKind::ConsentNeeded { provider }
            | ErrorKind::ScopeMissing { provider, .. }
            | ErrorKind::GrantExpired { provider }
            | ErrorKind::UpstreamRefused { provider, .. }
            | ErrorKind::UpstreamUnreachable { provider } => Some(provider),
            ErrorKind::Tool | ErrorKind::InvalidArgument | ErrorKind::Internal => None,
        }
    }

    /// Returns the text for the model and the user: what happened, and what to do next.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Sets the message for the log, without what the message has of the arguments.
    pub(crate) fn logged_as(mut self, message: String) -> Self {
        self.0.log_message = Some(message);
        self
    }

    /// Sets which argument breaks which rule.
    pub(crate) fn violating(mut self, path: Vec<Segment>, rule: Rule) -> Self {
        self.0.violation = Some(Violation { path, rule });
        self
    }

    /// Which argument breaks which rule, if the error is about one.
    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.0.violation.as_ref()
    }

    /// The message for the log.
    pub(crate) fn log_message(&self) -> &str {
        self.0.log_message.as_deref().unwrap_or(&self.0.message)
    }

    /// Returns the text for the log: the cause and its own causes, separated by colons.
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

    /// Wraps the error in a type that implements [`std::error::Error`].
    ///
    /// Its text is that of [`Error::message`], and [`source`](StdError::source) is the cause. `?`
    /// turns it into an internal error again, so convert only where the error leaves the tool.
    ///
    /// ```
    /// use toolgate::Error;
    ///
    /// fn run() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    ///     Err(Error::new("no such month").into_std())?
    /// }
    /// assert_eq!(run().unwrap_err().to_string(), "no such month");
    /// ```
    pub fn into_std(self) -> impl StdError + Send + Sync + 'static {
        StdErrorAdapter(self)
    }
}

/// An [`Error`] as a standard error; [`Error`] itself must not be one, or its `From` would overlap
/// with `From<T> for T`.
struct StdErrorAdapter(Error);

impl fmt::Display for StdErrorAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StdErrorAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for StdErrorAdapter {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.0.source.as_deref()?;
        Some(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

// `fn main() -> toolgate::Result<()>` prints this, so it is written for people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.report() {
            Some(source) if self.0.kind == ErrorKind::Internal => f.write_str(&source),
            Some(source) => write!(f, "{}\ncaused by: {source}", self.0.message),
            None => f.write_str(&self.0.message),
        }
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::internal(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_kind_without_a_match() {
        type Is = fn(&Error) -> bool;
        let provider = "Forge";
        let wait = Some(Duration::from_secs(20));
        let cases: [(ErrorKind, Option<Is>); 8] = [
            (ErrorKind::Tool, None),
            (ErrorKind::InvalidArgument, Some(Error::is_invalid_argument)),
            (ErrorKind::ConsentNeeded { provider }, Some(Error::is_consent_needed)),
            (ErrorKind::GrantExpired { provider }, Some(Error::is_consent_needed)),
            (
                ErrorKind::ScopeMissing { provider, scopes: vec!["repo".to_owned()] },
                Some(Error::is_scope_missing),
            ),
            (
                ErrorKind::UpstreamRefused { provider, status: 429, retry_after: wait },
                Some(Error::is_status),
            ),
            (ErrorKind::UpstreamUnreachable { provider }, Some(Error::is_unreachable)),
            (ErrorKind::Internal, Some(Error::is_internal)),
        ];
        let all: [Is; 6] = [
            Error::is_invalid_argument,
            Error::is_consent_needed,
            Error::is_scope_missing,
            Error::is_status,
            Error::is_unreachable,
            Error::is_internal,
        ];
        for (kind, is) in cases {
            let error = Error::with_kind(kind.clone(), "text");
            assert!(is.is_none_or(|is| is(&error)), "{kind:?}");
            let count = all.iter().filter(|is| is(&error)).count();
            assert_eq!(count, usize::from(is.is_some()), "{kind:?}");
            let refused = matches!(kind, ErrorKind::UpstreamRefused { .. });
            assert_eq!(error.status(), refused.then_some(429), "{kind:?}");
            assert_eq!(error.retry_after(), wait.filter(|_| refused), "{kind:?}");
            let about =
                !matches!(kind, ErrorKind::Tool | ErrorKind::InvalidArgument | ErrorKind::Internal);
            assert_eq!(error.provider(), about.then_some("Forge"), "{kind:?}");
        }
    }
}
