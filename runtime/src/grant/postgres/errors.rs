//! Errors of the driver, in words.

use std::{borrow::Cow, error::Error as StdError, fmt::Write as _};

use tokio_postgres::Error;

use crate::{
    grant::store_error::StoreError,
    support::escape::{MAX_LOGGED_CHARS, escape_to},
};

/// The error of a URL that cannot be used.
pub(super) fn invalid(problem: impl Into<String>) -> StoreError {
    StoreError::Url { problem: problem.into() }
}

/// What an error of the driver says: the server's message, or else the causes, one after another.
pub(super) fn describe(error: &Error) -> String {
    match error.as_db_error() {
        Some(answer) => {
            format!("{} (SQLSTATE {})", escaped(answer.message()), escaped(answer.code().code()))
        }
        None => chain(error),
    }
}

fn escaped(text: &str) -> Cow<'_, str> {
    escape_to(text, MAX_LOGGED_CHARS)
}

pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = escaped(&error.to_string()).to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string does not fail.
        let _ = write!(text, ": {}", escaped(&cause.to_string()));
        source = cause.source();
    }
    text
}

/// Whether the connection can be used again. After a failover the old primary may be read-only, and a
/// server that shuts down or lacks resources may have moved.
pub(super) fn is_usable_after(error: &Error) -> bool {
    error.as_db_error().is_some_and(|answer| {
        let class = answer.code().code().get(..2).unwrap_or_default();
        !matches!(class, "08" | "25" | "53" | "57" | "58" | "XX")
    })
}
