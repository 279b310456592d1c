//! A stand-in for a KMS: an HTTP server that wraps keys under keys of its own.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::aead;
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use secrecy::{ExposeSecret as _, SecretSlice};
use toolgate::grant::{KeySource, KeySourceError};

/// The service.
pub(super) struct Kms {
    url: String,
    state: Arc<KmsState>,
}

#[derive(Default)]
struct KmsState {
    secret: [u8; 32],
    behaviour: Mutex<Behaviour>,
}

#[derive(Default)]
struct Behaviour {
    is_down: bool,
    /// The version of the key that wraps.
    version: u8,
    /// The versions that were disabled or destroyed.
    disabled: BTreeSet<u8>,
    wrapped: usize,
    unwrapped: usize,
}

impl Kms {
    pub(super) async fn start() -> Self {
        let mut secret = [0; 32];
        aws_lc_rs::rand::fill(&mut secret).unwrap();
        let state = Arc::new(KmsState { secret, behaviour: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/encrypt", post(encrypt))
            .route("/decrypt", post(decrypt))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// A source that asks it, and lets keys be used for so long without it.
    pub(super) fn source(&self, cache_lifetime: Duration) -> KmsSource {
        let version = self.state.behaviour.lock().unwrap().version;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        KmsSource { client, url: self.url.clone(), cache_lifetime, version }
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.state.behaviour.lock().unwrap().is_down = is_down;
    }

    /// Wraps with a new version of its key from now on.
    pub(super) fn rotate(&self) {
        self.state.behaviour.lock().unwrap().version += 1;
    }

    pub(super) fn disable(&self, version: u8) {
        self.state.behaviour.lock().unwrap().disabled.insert(version);
    }

    pub(super) fn enable(&self, version: u8) {
        self.state.behaviour.lock().unwrap().disabled.remove(&version);
    }

    /// How many keys it has wrapped and unwrapped.
    pub(super) fn counts(&self) -> (usize, usize) {
        let behaviour = self.state.behaviour.lock().unwrap();
        (behaviour.wrapped, behaviour.unwrapped)
    }
}

impl KmsState {
    fn key(&self, version: u8) -> aead::LessSafeKey {
        let mut secret = self.secret;
        secret[0] ^= version;
        aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &secret).unwrap())
    }

    /// Whether it answers, and with which version.
    fn check(&self, version: Option<u8>) -> Result<u8, StatusCode> {
        let behaviour = self.behaviour.lock().unwrap();
        if behaviour.is_down {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let version = version.unwrap_or(behaviour.version);
        if behaviour.disabled.contains(&version) { Err(StatusCode::FORBIDDEN) } else { Ok(version) }
    }
}

async fn encrypt(State(kms): State<Arc<KmsState>>, key: Bytes) -> Result<Vec<u8>, StatusCode> {
    let version = kms.check(None)?;
    let mut nonce = [0; aead::NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).unwrap();
    let mut sealed = key.to_vec();
    kms.key(version)
        .seal_in_place_append_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from([version]),
            &mut sealed,
        )
        .unwrap();
    kms.behaviour.lock().unwrap().wrapped += 1;
    Ok([&[version][..], &nonce, &sealed].concat())
}

async fn decrypt(State(kms): State<Arc<KmsState>>, wrapped: Bytes) -> Result<Vec<u8>, StatusCode> {
    let version = kms.check(Some(wrapped[0]))?;
    let (nonce, sealed) = wrapped[1..].split_at(aead::NONCE_LEN);
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).unwrap();
    let mut sealed = sealed.to_vec();
    let opened = kms.key(version).open_in_place(nonce, aead::Aad::from([version]), &mut sealed);
    let key = opened.map_err(|_| StatusCode::BAD_REQUEST)?.to_vec();
    kms.behaviour.lock().unwrap().unwrapped += 1;
    Ok(key)
}

/// What a program writes for such a service.
#[derive(Clone)]
pub(super) struct KmsSource {
    client: reqwest::Client,
    url: String,
    cache_lifetime: Duration,
    /// The version that wraps, as the operator has configured it.
    version: u8,
}

impl KmsSource {
    async fn ask(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, KeySourceError> {
        let request = self.client.post(format!("{}/{path}", self.url)).body(body);
        let response = request.send().await.map_err(KeySourceError::unavailable)?;
        match response.status() {
            status if status.is_client_error() => Err(KeySourceError::refused(status)),
            status if !status.is_success() => Err(KeySourceError::unavailable(status)),
            _ => Ok(response.bytes().await.map_err(KeySourceError::unavailable)?.to_vec()),
        }
    }
}

#[async_trait]
impl KeySource for KmsSource {
    async fn wrap(&self, key: &SecretSlice<u8>) -> Result<Vec<u8>, KeySourceError> {
        self.ask("encrypt", key.expose_secret().to_vec()).await
    }

    async fn unwrap(&self, wrapped: &[u8]) -> Result<SecretSlice<u8>, KeySourceError> {
        self.ask("decrypt", wrapped.to_vec()).await.map(SecretSlice::from)
    }

    fn is_current(&self, wrapped: &[u8]) -> bool {
        wrapped[0] == self.version
    }

    fn cache_lifetime(&self) -> Duration {
        self.cache_lifetime
    }
}
