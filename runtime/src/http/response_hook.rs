//! What the endpoint does with responses of rmcp, by the method of the request.

use axum::{body::Body, response::Response};
use futures::StreamExt;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::negotiation::has_type;

/// What the endpoint does about a request that rmcp answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseHook {
    None,
    /// A call: its permit is held until the call ends, which a streamed response does not show, and a
    /// shutdown waits until its response is sent.
    HoldPermit,
    /// `initialize`: a session begins, if its caller may have one more.
    OpenSession,
    /// `tools/list`: copies the security schemes to where hosts look for them.
    LiftSecuritySchemes,
    /// `subscriptions/listen`: the stream ends when the caller's token expires.
    EndWithToken,
}

impl ResponseHook {
    pub(super) fn for_method(method: &str) -> Self {
        match method {
            "initialize" => Self::OpenSession,
            "tools/list" => Self::LiftSecuritySchemes,
            "subscriptions/listen" => Self::EndWithToken,
            _ => Self::None,
        }
    }

    /// The response, which holds the token of a call until it is sent. When no call runs any more, a
    /// shutdown ends the streams of rmcp, and with them the results that are on their way.
    pub(super) fn hold(self, running: TaskTrackerToken, response: Response) -> Response {
        if self != Self::HoldPermit || !has_type(&response, "text/event-stream") {
            return response;
        }
        response.map(|body| {
            Body::from_stream(body.into_data_stream().inspect(move |_| {
                let _ = &running;
            }))
        })
    }
}
