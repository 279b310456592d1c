//! The verifier of a server for development: it accepts the tokens of the broker, and those of
//! [`token`](super::token).

use async_trait::async_trait;

use super::issuer::issuer;
use crate::gate::{AuthError, Claims, Jwt, PresentedToken, Verifier};

/// Accepts tokens of this process's issuer and of the broker.
pub(crate) struct DevVerifier {
    issuer: Jwt,
    broker: Jwt,
}

impl DevVerifier {
    pub(crate) fn new(broker: Jwt) -> Self {
        Self { issuer: issuer().verifier(), broker }
    }
}

#[async_trait]
impl Verifier for DevVerifier {
    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        match self.issuer.verify(presented).await {
            Err(AuthError::WrongIssuer { .. }) => self.broker.verify(presented).await,
            verified => verified,
        }
    }

    async fn prepare(&self) -> Result<(), AuthError> {
        self.broker.prepare().await
    }

    fn authorization_servers(&self) -> Vec<String> {
        self.broker.authorization_servers()
    }
}
