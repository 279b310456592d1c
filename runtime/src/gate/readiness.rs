//! Readiness of a gate: whether it has what it verifies tokens with.

use super::{AuthError, resource_server::ResourceServer};

impl ResourceServer {
    /// Gets what the first token needs, unless it is there.
    pub(crate) async fn prepare(&self) -> Result<(), AuthError> {
        self.verifier.prepare().await
    }
}
