//! Close codes: why the server closes a connection (RFC 6455 §7.4, and IANA's registry).

use axum::extract::ws::CloseFrame;

/// The longest reason in bytes: a control frame has at most 125, of which the code takes two.
const MAX_REASON_LEN: usize = 123;

/// Why a connection ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Closing {
    /// The client closed it, or is gone.
    ByClient,
    /// The server is shut down: 1001, "going away".
    ShutDown,
    /// The client's frames are no WebSocket: 1002, "protocol error".
    Malformed,
    /// A binary frame came: 1003, "unsupported data".
    Binary,
    /// A text is not UTF-8: 1007.
    NotUtf8,
    /// The first message was neither `initialize` nor a request of 2026-07-28: 1008, "policy violation".
    NotInitialized,
    /// The client does not read what it is sent: 1008.
    NotReading,
    /// A message is too long: 1009.
    TooLarge,
    /// The service loop failed: 1011, "internal error".
    Failed,
    /// The token is no longer good, for this reason: 3000, "Unauthorized".
    Unauthorized(String),
    /// Nothing was heard of the client: 3008, "Timeout".
    Silent,
}

impl Closing {
    /// What an error of reading means.
    pub(super) fn from_error(error: axum::Error) -> Self {
        use tungstenite::Error::{Capacity, Protocol, Utf8};
        match error.into_inner().downcast::<tungstenite::Error>().map(|error| *error) {
            Ok(Capacity(_)) => Self::TooLarge,
            Ok(Utf8(_)) => Self::NotUtf8,
            // The connection broke off.
            Ok(Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
                Self::ByClient
            }
            Ok(Protocol(_)) => Self::Malformed,
            _ => Self::ByClient,
        }
    }

    /// The frame that says so; `None` for a client that is gone.
    pub(super) fn frame(&self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::ByClient => return None,
            Self::ShutDown => (1001, "the server is shut down"),
            Self::Malformed => (1002, "the frames are not those of a WebSocket client"),
            Self::Binary => (1003, "a message is a text frame"),
            Self::NotUtf8 => (1007, "the text is not UTF-8"),
            Self::NotInitialized => (1008, "the first message has to be `initialize`"),
            Self::NotReading => (1008, "the client does not read what it is sent"),
            Self::TooLarge => (1009, "a message has at most 4 MiB"),
            Self::Failed => (1011, "the connection failed"),
            Self::Unauthorized(reason) => (3000, reason.as_str()),
            Self::Silent => (3008, "nothing was heard of the client"),
        };
        let end = reason.floor_char_boundary(MAX_REASON_LEN);
        Some(CloseFrame { code, reason: reason[..end].into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_into_a_control_frame() {
        let frame = Closing::Unauthorized("é".repeat(100)).frame().unwrap();
        assert_eq!((frame.code, frame.reason.len()), (3000, 122));
        assert_eq!(Closing::ByClient.frame(), None);
    }

    #[test]
    fn errors_of_reading_have_codes_of_their_own() {
        use tungstenite::{
            Error,
            error::{CapacityError, ProtocolError},
        };
        let closing = |error: Error| Closing::from_error(axum::Error::new(error));
        let too_long = CapacityError::MessageTooLong { size: 2, max_size: 1 };
        assert_eq!(closing(Error::Capacity(too_long)), Closing::TooLarge);
        let broken_off = Error::Protocol(ProtocolError::ResetWithoutClosingHandshake);
        assert_eq!(closing(broken_off), Closing::ByClient);
        let unmasked = Error::Protocol(ProtocolError::UnmaskedFrameFromClient);
        assert_eq!(closing(unmasked), Closing::Malformed);
        assert_eq!(closing(Error::Utf8("x".to_owned())), Closing::NotUtf8);
        assert_eq!(closing(Error::ConnectionClosed), Closing::ByClient);
    }
}
