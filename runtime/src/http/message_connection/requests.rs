//! Requests of one connection that are under way.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rmcp::model::RequestId;

/// How many requests of one connection may be under way.
const MAX_REQUESTS: usize = 256;

/// The identifiers of the requests that are under way.
#[derive(Default)]
pub(super) struct OpenRequests(Mutex<HashSet<RequestId>>);

/// Request extension: a request that is under way until its context is dropped.
#[derive(Clone)]
pub(super) struct OpenRequest {
    _guard: Arc<RequestGuard>,
}

struct RequestGuard {
    requests: Arc<OpenRequests>,
    id: RequestId,
}

/// Why a request cannot begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BeginError {
    TooMany,
    /// rmcp would answer one of two requests with the same identifier.
    UnderWay,
}

impl BeginError {
    pub(super) fn message(&self) -> &'static str {
        match self {
            Self::TooMany => "too many requests of this connection are under way",
            Self::UnderWay => "a request with this id is under way",
        }
    }
}

impl OpenRequests {
    pub(super) fn begin(self: &Arc<Self>, id: &RequestId) -> Result<OpenRequest, BeginError> {
        let mut open = self.open();
        if open.contains(id) {
            return Err(BeginError::UnderWay);
        }
        if open.len() >= MAX_REQUESTS {
            return Err(BeginError::TooMany);
        }
        open.insert(id.clone());
        let guard = RequestGuard { requests: Arc::clone(self), id: id.clone() };
        Ok(OpenRequest { _guard: Arc::new(guard) })
    }

    fn open(&self) -> MutexGuard<'_, HashSet<RequestId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.requests.open().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_until_they_end() {
        let requests = Arc::new(OpenRequests::default());
        let begin = |id: usize| requests.begin(&RequestId::Number(id.try_into().unwrap()));
        let mut open: Vec<_> = (0..MAX_REQUESTS).map(|id| begin(id).unwrap()).collect();
        assert_eq!(begin(7).err(), Some(BeginError::UnderWay));
        assert_eq!(begin(MAX_REQUESTS).err(), Some(BeginError::TooMany));
        let text = RequestId::String("7".into());
        let copy = open[7].clone();
        open.remove(7);
        assert_eq!(begin(7).err(), Some(BeginError::UnderWay), "its context was cloned");
        drop(copy);
        assert!(requests.begin(&text).is_ok(), "text is another identifier");
        assert!(begin(7).is_ok());
        drop(open);
        assert!(requests.open().is_empty());
    }
}
