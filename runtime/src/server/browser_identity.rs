//! The browser authenticator of an application that has sessions of its own.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;

use crate::{browser::authenticator::BrowserAuthenticator, gate::BrowserIdentity};

/// Identifies people by the application's sessions.
pub(crate) struct ApplicationAuth(pub(crate) Arc<dyn BrowserIdentity>);

#[async_trait]
impl BrowserAuthenticator for ApplicationAuth {
    async fn subject(&self, headers: &HeaderMap, _: bool) -> Result<Option<String>, String> {
        let person = self.0.person(headers).await.map_err(|error| error.to_string())?;
        Ok(person.map(|claims| claims.principal()))
    }

    fn sign_in_url(&self, path: &str) -> String {
        self.0.sign_in(path)
    }
}
