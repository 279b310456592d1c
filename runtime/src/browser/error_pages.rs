//! The pages of a sign-in or a consent that did not succeed.

use axum::response::Response;
use http::{StatusCode, header};
use maud::html;

use super::{page::page, request_limit::TooManyRequests};

/// The link, or the state, was used already or has expired.
pub(crate) fn expired() -> Response {
    page(
        StatusCode::GONE,
        "This link is no longer good",
        html! {
            p { "It was used already, or is more than ten minutes old." }
            p.next { "Go back to your conversation and ask again: you will get a new one." }
        },
    )
}

/// The authorization server did not identify the person.
pub(crate) fn not_signed_in(reason: &str) -> Response {
    page(
        StatusCode::FORBIDDEN,
        "You are not signed in",
        html! {
            p { "A link works only for the person who got it, and the sign-in did not tell who you are: " (reason) "." }
            p.next { "No account was connected. To try again, open the link once more." }
        },
    )
}

/// The browser that came back is not the one that left.
pub(crate) fn other_browser() -> Response {
    page(
        StatusCode::FORBIDDEN,
        "This is not the browser that started",
        html! {
            p { "An account must be connected in one browser, from the link to the end." }
            p.next { "Open the link from your conversation in this browser." }
        },
    )
}

/// The request answers nothing that this server asked.
pub(crate) fn unknown_answer() -> Response {
    page(
        StatusCode::BAD_REQUEST,
        "This answer belongs to nothing",
        html! { p { "No account was connected. Open the link from your conversation." } },
    )
}

/// This server failed.
pub(crate) fn server_error() -> Response {
    page(
        StatusCode::INTERNAL_SERVER_ERROR,
        "This server failed",
        html! { p { "No account was connected. Its operator's log has the details; try again later." } },
    )
}

/// Too many requests came from one address, one person, or from all together.
pub(crate) fn too_many_requests(limit: TooManyRequests) -> Response {
    let seconds = limit.retry_after.as_secs().max(1);
    let mut response = page(
        StatusCode::TOO_MANY_REQUESTS,
        "Too many attempts",
        html! {
            p { "There were too many attempts to sign in or to connect an account in a short time." }
            p.next { "Nothing was changed. Wait a minute, then open the link once more." }
        },
    );
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}
