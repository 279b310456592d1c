//! Failing on command.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use futures::stream;
use tokio::sync::watch;

use crate::Forge;

/// The switches of a forge.
#[derive(Clone, Debug)]
pub struct Faults(Arc<Switches>);

#[derive(Debug)]
struct Switches {
    api: Mutex<VecDeque<Fault>>,
    token: Mutex<VecDeque<Fault>>,
    refuse_refresh: AtomicBool,
    hold_token: Hold,
    hold_api: Hold,
    hold_revoke: Hold,
}

/// A place where answers wait.
#[derive(Clone, Debug)]
struct Hold {
    closed: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Default for Hold {
    fn default() -> Self {
        Self { closed: watch::Sender::new(false), waiting: watch::Sender::new(0) }
    }
}

impl Hold {
    fn close(&self) -> Held {
        self.waiting.send_replace(0);
        self.closed.send_replace(true);
        Held(self.clone())
    }

    async fn pass(&self) {
        if *self.closed.borrow() {
            self.waiting.send_modify(|waiting| *waiting += 1);
            // The sender lives in the same struct as its caller's.
            let _ = self.closed.subscribe().wait_for(|closed| !closed).await;
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self(Arc::new(Switches {
            api: Mutex::default(),
            token: Mutex::default(),
            refuse_refresh: AtomicBool::new(false),
            hold_token: Hold::default(),
            hold_api: Hold::default(),
            hold_revoke: Hold::default(),
        }))
    }
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Status(u16, Option<u32>),
    Drop,
}

/// Answers are held back until this is dropped.
#[derive(Debug)]
pub struct Held(Hold);

impl Held {
    /// Waits until that many requests wait.
    pub async fn reached(&self, requests: usize) {
        // The sender lives in `self`.
        let _ = self.0.waiting.subscribe().wait_for(|waiting| *waiting >= requests).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.closed.send_replace(false);
    }
}

impl Faults {
    /// The next API requests get `status`, with `Retry-After` if it is given in seconds.
    pub fn api_status(&self, times: usize, status: u16, retry_after: Option<u32>) {
        push(&self.0.api, times, Fault::Status(status, retry_after));
    }

    /// The next API requests lose their connection.
    pub fn api_drop(&self, times: usize) {
        push(&self.0.api, times, Fault::Drop);
    }

    /// The next token requests get `status`.
    pub fn token_status(&self, times: usize, status: u16) {
        push(&self.0.token, times, Fault::Status(status, None));
    }

    /// The next token requests lose their connection, after they took effect.
    pub fn token_drop(&self, times: usize) {
        push(&self.0.token, times, Fault::Drop);
    }

    /// Refresh tokens are refused with `invalid_grant`, or no longer.
    pub fn refuse_refresh(&self, refuse: bool) {
        self.0.refuse_refresh.store(refuse, Ordering::SeqCst);
    }

    /// Holds back the answers of the token endpoint.
    #[must_use]
    pub fn hold_token(&self) -> Held {
        self.0.hold_token.close()
    }

    /// Holds back the answers of the API.
    #[must_use]
    pub fn hold_api(&self) -> Held {
        self.0.hold_api.close()
    }

    /// Holds back the requests to the revocation endpoint.
    #[must_use]
    pub fn hold_revoke(&self) -> Held {
        self.0.hold_revoke.close()
    }

    pub(crate) fn refuses_refresh(&self) -> bool {
        self.0.refuse_refresh.load(Ordering::SeqCst)
    }

    pub(crate) async fn before_api(&self) -> Option<Response> {
        self.0.hold_api.pass().await;
        pop(&self.0.api).map(Fault::into_response)
    }

    pub(crate) async fn before_revoke(&self) {
        self.0.hold_revoke.pass().await;
    }

    pub(crate) async fn before_token(&self) -> Option<Response> {
        self.0.hold_token.pass().await;
        let mut queue = self.0.token.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(queue.front(), Some(Fault::Status(..))) {
            return queue.pop_front().map(Fault::into_response);
        }
        None
    }

    /// What was done is done, but nobody hears of it.
    pub(crate) fn after_token(&self, answer: Response) -> Response {
        match pop(&self.0.token) {
            Some(fault) => fault.into_response(),
            None => answer,
        }
    }
}

fn push(queue: &Mutex<VecDeque<Fault>>, times: usize, fault: Fault) {
    queue.lock().unwrap_or_else(PoisonError::into_inner).extend(std::iter::repeat_n(fault, times));
}

fn pop(queue: &Mutex<VecDeque<Fault>>) -> Option<Fault> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

impl Fault {
    fn into_response(self) -> Response {
        match self {
            Self::Status(status, retry_after) => {
                let status =
                    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let message = serde_json::json!({ "message": "as was ordered" });
                let mut response = (status, axum::Json(message)).into_response();
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert("retry-after", seconds.into());
                }
                response
            }
            // A body that fails makes the server close the connection.
            Self::Drop => {
                let error = std::io::Error::other("dropped, as was ordered");
                Body::from_stream(stream::iter([Err::<&[u8], _>(error)])).into_response()
            }
        }
    }
}

pub(crate) fn router() -> Router<Forge> {
    Router::new().route("/faults/{what}", post(switch))
}

async fn switch(State(forge): State<Forge>, Path(what): Path<String>) -> StatusCode {
    let faults = &forge.faults;
    match what.as_str() {
        "revoke-alice" => forge.world().revoke_user("alice"),
        "revoke-bob" => forge.world().revoke_user("bob"),
        "expire" => forge.world().expire_access_tokens(),
        "refuse-refresh" => faults.refuse_refresh(true),
        "accept-refresh" => faults.refuse_refresh(false),
        "api-429" => faults.api_status(1, 429, Some(7)),
        "api-500" => faults.api_status(1, 500, None),
        "api-drop" => faults.api_drop(1),
        "token-500" => faults.token_status(1, 500),
        "token-drop" => faults.token_drop(1),
        _ => return StatusCode::NOT_FOUND,
    }
    StatusCode::NO_CONTENT
}
