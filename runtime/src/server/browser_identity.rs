//! The browser authenticator of an application that has sessions of its own.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;
use url::Url;

use crate::{browser::authenticator::BrowserAuthenticator, gate::BrowserIdentity};

/// Identifies people by the application's sessions.
pub(crate) struct ApplicationAuth {
    pub(crate) identity: Arc<dyn BrowserIdentity>,
    /// The server's URL.
    pub(crate) base: Url,
}

#[async_trait]
impl BrowserAuthenticator for ApplicationAuth {
    async fn subject(&self, headers: &HeaderMap, _: bool) -> Result<Option<String>, String> {
        let person = self.identity.person(headers).await.map_err(|error| error.to_string())?;
        Ok(person.map(|claims| claims.principal()))
    }

    fn sign_in_url(&self, path: &str) -> String {
        let root = self.base.path().trim_end_matches('/');
        if root.is_empty() {
            return self.identity.sign_in(path);
        }
        // A path of the application is not below that of this server.
        let url = self.identity.sign_in(&format!("{root}{path}"));
        self.base.join(&url).map_or(url, String::from)
    }
}
