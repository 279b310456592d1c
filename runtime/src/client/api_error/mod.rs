//! Errors for a provider's error responses, with messages that a model can act on.

mod headers;
mod message;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use secrecy::SecretString;

use self::{
    headers::{is_rate_limited, needed_scopes, reset_after, retry_after},
    message::error_message,
};
use super::{
    request_description::{RequestDescription, spelled_out},
    signal::Signal,
};
use crate::{
    error::{Error, ErrorKind},
    provider::Dialect,
    support::http_client::first_bytes,
};

/// The most that is read of an error's body.
const MAX_ERROR_BODY_BYTES: usize = 64 << 10;

/// Creates the error for a response that is neither a success nor a 401, or that the provider's
/// dialect says is an error.
pub(super) async fn from_response(
    description: &RequestDescription,
    dialect: &Dialect,
    response: reqwest::Response,
    signal: Signal,
    token: &SecretString,
) -> Error {
    let status = response.status();
    let headers = response.headers().clone();
    let body = first_bytes(reqwest::Body::from(response), MAX_ERROR_BODY_BYTES).await;
    let message = error_message(&body, token);
    let signal = match signal {
        Signal::InsufficientScope(scopes) => {
            let known = scopes.iter().map(|scope| dialect.known_scope(scope));
            Signal::InsufficientScope(known.collect())
        }
        signal => signal,
    };
    from_parts(description, status, &headers, signal, &message, SystemTime::now())
}

fn from_parts(
    description: &RequestDescription,
    status: StatusCode,
    headers: &HeaderMap,
    signal: Signal,
    message: &str,
    now: SystemTime,
) -> Error {
    let provider = description.provider;
    let quotation =
        if message.is_empty() { String::new() } else { format!(". {provider} says: {message}") };
    let retry_after = retry_after(headers, now);

    // GitHub limits with 403 instead of 429, and names scopes with every error.
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || signal == Signal::RateLimited
        || status == StatusCode::FORBIDDEN && (is_rate_limited(headers) || retry_after.is_some());
    // A limit that does not say when it is used up says when it begins again.
    let retry_after = retry_after.or_else(|| limited.then(|| reset_after(headers, now)).flatten());
    let needed = match signal {
        Signal::InsufficientScope(scopes) if scopes.is_empty() => {
            let needed = needed_scopes(headers);
            Some(needed.unwrap_or(("another scope", Vec::new())))
        }
        Signal::InsufficientScope(scopes) => {
            Some((if scopes.len() == 1 { "the scope" } else { "the scopes" }, scopes))
        }
        _ if status == StatusCode::FORBIDDEN && !limited => needed_scopes(headers),
        _ => None,
    };
    if let Some((which, scopes)) = needed {
        let list = match &scopes[..] {
            [] => String::new(),
            scopes => format!(" `{}`", scopes.join("`, `")),
        };
        let request = description.quoted();
        return description.logged(Error::with_kind(
            ErrorKind::ScopeMissing { provider, scopes },
            format!(
                "{provider} wants {which}{list} for {request}, which the user's grant lacks; the tool has to declare it, and the user to connect {provider} again{quotation}"
            ),
        ));
    }
    let status = match status {
        _ if limited => StatusCode::TOO_MANY_REQUESTS,
        // An error that comes with the status of a success is of the request.
        status if status.is_success() => StatusCode::BAD_REQUEST,
        status => status,
    };
    description.logged(Error::with_kind(
        ErrorKind::UpstreamRefused { provider, status: status.as_u16(), retry_after },
        format!("{}{quotation}", advice(description, status, retry_after)),
    ))
}

/// What happened, and what to do next.
fn advice(
    description: &RequestDescription,
    status: StatusCode,
    retry_after: Option<Duration>,
) -> String {
    let (provider, request, code) = (description.provider, description.quoted(), status.as_u16());
    let wait = match retry_after {
        Some(wait) => format!("in {}", spelled_out(wait.max(Duration::from_secs(1)))),
        None => "later".to_owned(),
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS => format!(
            "{provider} limits how often it may be asked, and did not do {request} ({code}). Call again {wait}, and not before"
        ),
        StatusCode::FORBIDDEN => format!(
            "{provider} does not let this user do {request} ({code}). Calling again will not help; only an administrator at {provider} can change that"
        ),
        StatusCode::NOT_FOUND | StatusCode::GONE => format!(
            "{provider} has nothing at {request} ({code}), or nothing that this user may see. Check the names in the arguments"
        ),
        StatusCode::CONFLICT
        | StatusCode::PRECONDITION_FAILED
        | StatusCode::PRECONDITION_REQUIRED => {
            format!(
                "{provider} refused {request} because of what is there by now ({code}). Read that again, then decide"
            )
        }
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => format!(
            "{provider} does not accept the values of {request} ({code}). Correct the arguments and call again"
        ),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::URI_TOO_LONG => {
            format!("{request} is too large for {provider} ({code}). Call again with less")
        }
        StatusCode::SERVICE_UNAVAILABLE if retry_after.is_some() => {
            format!(
                "{provider} is not available ({code}) and did not do {request}. Call again {wait}"
            )
        }
        status if status.is_server_error() => {
            format!("{provider} failed at {request} ({code}). {}", description.retry_advice())
        }
        _ => format!("{provider} refused {request} with status {code}"),
    }
}
