//! Errors of calls whose provider cannot be used.

use std::sync::Arc;

use crate::{
    error::{Error, ErrorKind, Rule, Segment},
    grant::{AccessError, ConnectedAccount, StoreError},
    support::escape::escape,
    tool::ClientDependency,
};

/// The error of a call that names an account which the caller has not connected.
pub(super) fn unknown_account(need: ClientDependency, accounts: &[ConnectedAccount]) -> Error {
    let (argument, provider) = (need.account.unwrap_or_default(), need.provider_name);
    let quoted = |account: &ConnectedAccount| {
        let default = if account.is_default { " (the default)" } else { "" };
        format!("`{}`{default}", escape(&account.name))
    };
    let names: Vec<_> = accounts.iter().map(quoted).collect();
    let message = format!(
        "`{argument}`: the user has no account of this name at {provider}; there is {}. Call again with one of these names, or without `{argument}` for the default. Only the user can connect another one, on this server's page of accounts",
        names.join(", ")
    );
    let path = vec![Segment::Key(argument.to_owned())];
    Error::with_kind(ErrorKind::InvalidArgument, message).violating(path, Rule::OneOf)
}

/// The error of a call whose access token cannot be had.
pub(super) fn unavailable(provider: &'static str, error: AccessError) -> Error {
    match error {
        AccessError::Missing
        | AccessError::Dead { .. }
        | AccessError::Expired
        | AccessError::OtherProvider
        | AccessError::Rejected => Error::with_kind(
            ErrorKind::GrantExpired { provider },
            format!("the user's authorization at {provider} is no longer good; the user has to connect {provider} again"),
        ),
        AccessError::Unreachable { .. } | AccessError::Busy { .. } | AccessError::Aborted => Error::with_kind(
            ErrorKind::UpstreamUnreachable { provider },
            format!("{provider} cannot be asked for a new access token now; call again later"),
        )
        .with_source(error),
        AccessError::Refused { .. } => Error::with_kind(
            ErrorKind::Internal,
            format!("{provider} refuses this server's own client, which its operator has to mend; neither the user nor another call can"),
        )
        .with_source(error),
        AccessError::Store(error) => store_failed(error),
    }
}

/// The error of a call that the store fails.
pub(super) fn store_failed(error: impl Into<Arc<StoreError>>) -> Error {
    let error = error.into();
    if !matches!(*error, StoreError::Unavailable { .. }) {
        return Error::internal(error);
    }
    let message = "this server cannot use its own database now; connected accounts stay connected, and \
                   nothing about the arguments has to change: call again later";
    Error::with_kind(ErrorKind::Internal, message).with_source(error)
}

/// The error of a call whose grant is of another address by now.
pub(super) fn elsewhere(provider: &'static str) -> Error {
    Error::with_kind(
        ErrorKind::UpstreamUnreachable { provider },
        format!(
            "the user has connected another account of {provider} during this call; call again"
        ),
    )
}
