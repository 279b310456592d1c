//! Errors of a client's metadata document.

/// Why a client's document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DocumentError {
    /// It cannot be fetched now: the network, this server's or that of the site, does not allow it.
    #[error("it cannot be fetched from {host}")]
    Unreachable { host: String },
    /// Its site says that there is none, or it is not the metadata of this client.
    #[error("{0}")]
    Invalid(String),
}

impl DocumentError {
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }
}
