//! Address of a stand-in that takes a provider's place on this machine.

use std::{any::Any, fmt, sync::Arc};

/// Where a stand-in listens, and what keeps it running.
#[derive(Clone)]
pub(crate) struct StandInAddress {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: Arc<str>,
    /// Dropped with the last registration that uses it.
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub(crate) keep_alive: Option<Arc<dyn Any + Send + Sync>>,
}

impl StandInAddress {
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "stand-ins use it"))]
    /// Where a URL of the provider is at the stand-in: `https://HOST/PATH` is at `/HOST/PATH`.
    pub(crate) fn locate(&self, url: &str) -> String {
        match url.split_once("://") {
            Some((_, rest)) => format!("{}/{rest}", self.url),
            None => url.to_owned(),
        }
    }
}

impl fmt::Debug for StandInAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StandInAddress").field(&self.url).finish()
    }
}
