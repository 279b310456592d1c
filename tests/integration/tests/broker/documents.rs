//! Clients that are known by a metadata document, and its site when it is down.

mod keys;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use axum::{
    Json, Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use forge::Config;
use integration::broker::{Application, Browser, REDIRECT, Site, listen};
use reqwest::StatusCode;
use serde_json::{Value, json};
use toolgate::{
    broker::BrokerBuilder,
    grant::{ManualClock, MasterKey, SqliteStore},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A site that publishes one document at every path below `/clients/`, and keys at `/keys`.
#[derive(Clone)]
struct Publisher {
    url: String,
    state: Arc<Mutex<State>>,
    fetched: Arc<AtomicUsize>,
    keys_fetched: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    /// Members of the document besides the usual ones.
    members: Value,
    /// The answer instead of a document.
    status: Option<u16>,
    hangs: bool,
    keys: Value,
    /// The answer instead of keys.
    keys_status: Option<u16>,
}

impl Publisher {
    async fn start(members: Value) -> Self {
        let state = State { members, ..State::default() };
        let (state, fetched) = (Arc::new(Mutex::new(state)), Arc::default());
        let shared = Self { url: String::new(), state, fetched, keys_fetched: Arc::default() };
        let served = shared.clone();
        let url = listen(move |base| {
            let (documents, keys) = (served.clone(), served);
            let base = base.to_owned();
            let document = move |Path(name): Path<String>| {
                let (publisher, id) = (documents.clone(), format!("{base}/clients/{name}"));
                async move { publisher.document(&id).await }
            };
            let keys = move || {
                let keys = keys.keys();
                async move { keys }
            };
            Router::new().route("/clients/{name}", get(document)).route("/keys", get(keys))
        })
        .await;
        Self { url, ..shared }
    }

    async fn document(&self, id: &str) -> Response {
        self.fetched.fetch_add(1, Ordering::SeqCst);
        let (hangs, status, members) = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state.hangs, state.status, state.members.clone())
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        if let Some(status) = status {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        let mut document = json!({
            "client_id": id,
            "client_name": "Published",
            "redirect_uris": [REDIRECT],
            "token_endpoint_auth_method": "none",
        });
        for (name, value) in members.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        ([("cache-control", "max-age=600")], Json(document)).into_response()
    }

    fn keys(&self) -> Response {
        self.keys_fetched.fetch_add(1, Ordering::SeqCst);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.keys_status {
            Some(status) => StatusCode::from_u16(status).unwrap().into_response(),
            None => Json(state.keys.clone()).into_response(),
        }
    }

    fn keys_fetched(&self) -> usize {
        self.keys_fetched.load(Ordering::SeqCst)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }

    fn host(&self, site: &Site) -> Application {
        Application::known(site, &format!("{}/clients/host", self.url), REDIRECT)
    }
}

async fn published() -> (Site, Publisher) {
    let site = Site::with(Config::default(), BrokerBuilder::loopback_documents).await;
    (site, Publisher::start(json!({})).await)
}

async fn is_asked(host: &Application) -> bool {
    Browser::new().open(&host.link("repo:read", &[])).await.is_consent()
}

/// A good document, and a site that fails from then on.
macro_rules! used_while_it_cannot_be_fetched {
    ($($name:ident: $fail:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (site, publisher) = published().await;
            let host = publisher.host(&site);
            assert!(is_asked(&host).await);
            publisher.change($fail);
            site.clock.advance(DAY);
            assert!(is_asked(&host).await, "the last good one is used");
            assert!(is_asked(&host).await);
            assert_eq!(publisher.fetched(), 2, "the site is asked once a minute");
            site.clock.advance(Duration::from_secs(61));
            publisher.change(|state| *state = State { members: json!({}), ..State::default() });
            assert!(is_asked(&host).await);
            assert_eq!(publisher.fetched(), 3);
        }
    )*};
}

used_while_it_cannot_be_fetched! {
    a_site_that_is_down: |state| state.status = Some(503);
    a_site_that_refuses_robots: |state| state.status = Some(403);
    a_site_that_limits: |state| state.status = Some(429);
}

#[tokio::test]
async fn a_site_that_hangs_delays_nobody_for_long() {
    let (site, publisher) = published().await;
    let host = publisher.host(&site);
    assert!(is_asked(&host).await);
    publisher.change(|state| state.hangs = true);
    site.clock.advance(DAY);
    assert!(is_asked(&host).await);
}

#[tokio::test]
async fn a_document_that_is_withdrawn_is_not_used() {
    for withdraw in [404, 410] {
        let (site, publisher) = published().await;
        let host = publisher.host(&site);
        host.sign_in(&Browser::new(), "repo:read", "alice").await;
        publisher.change(|state| state.status = Some(withdraw));
        site.clock.advance(DAY);
        assert!(!is_asked(&host).await, "its site says that there is none");
    }
}

#[tokio::test]
async fn a_document_is_not_used_for_ever() {
    let (site, publisher) = published().await;
    let host = publisher.host(&site);
    host.sign_in(&Browser::new(), "repo:read", "alice").await;
    publisher.change(|state| state.status = Some(503));
    site.clock.advance(89 * DAY);
    assert!(is_asked(&host).await);
    site.clock.advance(2 * DAY);
    assert!(!is_asked(&host).await);
}

/// A server that is started again where its site cannot be reached.
#[tokio::test]
async fn a_document_of_a_client_that_people_use_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let key = MasterKey::generate();
    let clock = Arc::new(ManualClock::at(SystemTime::now()));
    let store = SqliteStore::at(directory.path()).key(key).clock(clock.clone());
    let store = Arc::new(store.open().await.unwrap());
    let set_up = BrokerBuilder::loopback_documents;
    let site = Site::over(Config::default(), clock, store.clone(), set_up).await;
    let publisher = Publisher::start(json!({})).await;
    let used = publisher.host(&site);
    let unused = Application::known(&site, &format!("{}/clients/unused", publisher.url), REDIRECT);
    used.sign_in(&Browser::new(), "repo:read", "alice").await;
    assert!(is_asked(&unused).await);
    publisher.change(|state| state.status = Some(503));
    let restarted = site.replica_with(store, BrokerBuilder::loopback_documents).await;
    let open = async |host: &Application| {
        let link = host.link("repo:read", &[]).replace(&site.url, &restarted);
        Browser::new().open(&link).await
    };
    assert!(open(&used).await.is_consent());
    assert!(!open(&unused).await.is_consent(), "what nobody uses takes no room");
}

#[tokio::test]
async fn a_document_that_was_never_fetched_gets_a_clear_page() {
    let (site, publisher) = published().await;
    publisher.change(|state| state.status = Some(503));
    let page = Browser::new().open(&publisher.host(&site).link("repo:read", &[])).await;
    assert_eq!(page.status, 400, "{}", page.body);
    assert!(page.body.contains("cannot reach the application"), "{}", page.body);
    assert!(page.body.contains("client_metadata_documents(false)"), "{}", page.body);
}

#[tokio::test]
async fn documents_that_are_turned_off_are_not_fetched() {
    let set_up = |b: BrokerBuilder| b.loopback_documents().client_metadata_documents(false);
    let site = Site::with(Config::default(), set_up).await;
    let publisher = Publisher::start(json!({})).await;
    let page = Browser::new().open(&publisher.host(&site).link("repo:read", &[])).await;
    assert_eq!((page.status.as_u16(), publisher.fetched()), (400, 0), "{}", page.body);
}
