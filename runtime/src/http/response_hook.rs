//! What the endpoint does with responses of rmcp, by the method of the request.

/// What the endpoint does about a request that rmcp answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseHook {
    None,
    /// A call: its permit is held until the call ends, which a streamed response does not show.
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
}
