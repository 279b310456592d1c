//! Whose browser it is, where the application says so.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;
use secrecy::SecretString;

use crate::{consent::Recognize, gate::BrowserIdentity};

/// Knows people by the application's own sessions.
pub(crate) struct ByApplication(pub(crate) Arc<dyn BrowserIdentity>);

#[async_trait]
impl Recognize for ByApplication {
    async fn subject(&self, headers: &HeaderMap, _: bool) -> Result<Option<String>, String> {
        let person = self.0.person(headers).await.map_err(|refusal| refusal.to_string())?;
        Ok(person.map(|claims| claims.principal()))
    }

    fn sign_in(&self, path: &str) -> String {
        self.0.sign_in(path)
    }

    async fn owner(&self, _: &str, _: &SecretString) -> Result<Option<String>, String> {
        Ok(None)
    }
}
