//! Readiness of a gate: whether it has the keys to verify tokens.

use super::{AuthError, resource_server::ResourceServer};

impl ResourceServer {
    /// Fetches what the first token needs, unless it is in memory.
    pub(crate) async fn prepare(&self) -> Result<(), AuthError> {
        self.verifier.prepare().await
    }
}
