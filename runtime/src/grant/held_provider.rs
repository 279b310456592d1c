//! A provider for tests that holds renewals back.

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::sync::Notify;

use super::refresh::renew::Renew;
use crate::oauth::{TokenError, TokenResponse};

/// A provider that holds a renewal back until it is notified.
#[derive(Default)]
pub(super) struct HeldProvider {
    origin: Option<&'static str>,
    pub(super) asked: Notify,
    pub(super) answer: Notify,
}

impl HeldProvider {
    pub(super) fn at(origin: &'static str) -> Arc<Self> {
        Arc::new(Self { origin: Some(origin), ..Self::default() })
    }
}

#[async_trait]
impl Renew for HeldProvider {
    async fn renew(
        &self,
        _: &SecretString,
        _: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        self.asked.notify_one();
        self.answer.notified().await;
        Ok(TokenResponse::new("renewed").refresh_token("rotated"))
    }

    fn origin(&self) -> Option<&str> {
        self.origin
    }
}
