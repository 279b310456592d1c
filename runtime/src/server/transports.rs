//! Which transports a server has besides streamable HTTP and standard input and output.

use crate::gate::other_endpoint::EndpointPaths;
#[cfg(feature = "sse")]
use crate::http::legacy_sse;
#[cfg(feature = "websocket")]
use crate::http::websocket;

/// Which of them are served.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Transports {
    #[cfg(feature = "sse")]
    pub(super) legacy_sse: bool,
    #[cfg(feature = "websocket")]
    pub(super) websocket: bool,
}

impl Transports {
    /// Whether the transport of 2024-11-05 is served.
    #[cfg_attr(not(feature = "sse"), expect(clippy::unused_self, reason = "it is a feature"))]
    pub(super) fn has_legacy_sse(self) -> bool {
        #[cfg(feature = "sse")]
        return self.legacy_sse;
        #[cfg(not(feature = "sse"))]
        false
    }

    /// Their endpoints, as the gate knows them.
    #[cfg_attr(
        not(any(feature = "sse", feature = "websocket")),
        expect(clippy::unused_self, reason = "they are features")
    )]
    pub(crate) fn endpoints(self) -> Vec<EndpointPaths> {
        #[cfg_attr(not(any(feature = "sse", feature = "websocket")), expect(unused_mut))]
        let mut endpoints = Vec::new();
        #[cfg(feature = "sse")]
        if self.legacy_sse {
            endpoints.push(legacy_sse::PATHS);
        }
        #[cfg(feature = "websocket")]
        if self.websocket {
            endpoints.push(websocket::PATHS);
        }
        endpoints
    }
}
