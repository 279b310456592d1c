//! A process that is killed after the provider rotated the refresh token and before the answer
//! is stored. The provider's state is a file that holds the refresh token it accepts.
#![cfg(all(unix, feature = "sqlite"))]

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use toolgate::grant::{
    AccessError, DeadReason, Grant, GrantKey, Grants, ManualClock, Renew, SqliteStore, SystemClock,
    TokenError, TokenResponse,
};

const CHILD: &str = "GRANT_KILLED_CHILD";
const HOUR: Duration = Duration::from_hours(1);

fn key() -> GrantKey {
    GrantKey::new("alice", "forge")
}

struct Provider {
    file: PathBuf,
    asked: AtomicUsize,
    /// Accepts the token before the current one too.
    leeway: bool,
    /// Says that it has rotated, and never answers.
    silent: bool,
}

impl Provider {
    fn new(dir: &Path, leeway: bool, silent: bool) -> Arc<Self> {
        Arc::new(Self { file: dir.join("provider"), asked: AtomicUsize::new(0), leeway, silent })
    }
}

#[async_trait]
impl Renew for Provider {
    async fn renew(
        &self,
        refresh_token: &SecretString,
        _: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let current: u32 = fs::read_to_string(&self.file).unwrap().parse().unwrap();
        let sent: u32 = refresh_token.expose_secret().parse().unwrap();
        if sent != current && !(self.leeway && sent + 1 == current) {
            return Err(TokenError::InvalidGrant { description: Some("reused".into()) });
        }
        let next = sent + 1;
        fs::write(&self.file, next.to_string()).unwrap();
        if self.silent {
            // On a line of its own, whatever the test harness has printed.
            println!("\nrotated");
            std::future::pending::<()>().await;
        }
        Ok(TokenResponse::new(format!("access {next}"))
            .refresh_token(next.to_string())
            .expires_in(HOUR))
    }
}

/// The process that is killed: it begins a renewal which never ends.
fn child(dir: &Path) {
    runtime().block_on(async {
        let store = SqliteStore::at(dir).key_file(dir.join("key")).open().await.unwrap();
        let grants = Grants::new(Arc::new(store), Arc::new(SystemClock));
        let renew: Arc<dyn Renew> = Provider::new(dir, false, true);
        let _ = grants.access(&key(), &renew).await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Lets `test` run as a child until the provider has rotated, and kills it.
fn kill_between_refresh_and_store(test: &str, dir: &Path) {
    fs::write(dir.join("provider"), "0").unwrap();
    runtime().block_on(async {
        let store = SqliteStore::at(dir).key_file(dir.join("key")).open().await.unwrap();
        let grants = Grants::new(Arc::new(store), Arc::new(SystemClock));
        let ended = Grant::new("access 0", SystemTime::now() - 2 * HOUR)
            .refresh_token("0")
            .expires_in(HOUR);
        grants.put(&key(), ended).await.unwrap();
    });
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("grant_killed::{test}"), "--nocapture"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let rotated = lines.any(|line| line.unwrap() == "rotated");
    // SIGKILL: nothing in the process gets to run any more.
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(rotated, "the child began a renewal");
    assert_eq!(fs::read_to_string(dir.join("provider")).unwrap(), "1");
}

/// The next start, an hour later: the dead process's lease has ended.
async fn restart(dir: &Path) -> Grants {
    let clock = Arc::new(ManualClock::at(SystemTime::now() + HOUR));
    let store =
        SqliteStore::at(dir).key_file(dir.join("key")).clock(clock.clone()).open().await.unwrap();
    Grants::new(Arc::new(store), clock)
}

#[test]
fn a_provider_with_leeway_gives_the_grant_back() {
    if let Some(dir) = env::var_os(CHILD) {
        return child(dir.as_ref());
    }
    let dir = tempfile::tempdir().unwrap();
    kill_between_refresh_and_store("a_provider_with_leeway_gives_the_grant_back", dir.path());
    runtime().block_on(async {
        let provider = Provider::new(dir.path(), true, false);
        let renew: Arc<dyn Renew> = provider.clone();
        let grants = restart(dir.path()).await;
        let access = grants.access(&key(), &renew).await.unwrap();
        assert_eq!(access.token.expose_secret(), "access 1");
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
        let stored = grants.store().load(&key()).await.unwrap().unwrap().value;
        assert_eq!(stored.renewal, None, "the record is settled");
    });
}

#[test]
fn a_strict_provider_makes_it_an_interrupted_refresh() {
    if let Some(dir) = env::var_os(CHILD) {
        return child(dir.as_ref());
    }
    let dir = tempfile::tempdir().unwrap();
    kill_between_refresh_and_store("a_strict_provider_makes_it_an_interrupted_refresh", dir.path());
    runtime().block_on(async {
        let provider = Provider::new(dir.path(), false, false);
        let renew: Arc<dyn Renew> = provider.clone();
        let grants = restart(dir.path()).await;
        for _ in 0..3 {
            let error = grants.access(&key(), &renew).await.unwrap_err();
            assert!(
                matches!(&error, AccessError::Dead { reason: DeadReason::Interrupted }),
                "{error}"
            );
            let text = error.to_string();
            assert!(text.contains("interrupted refresh") && text.contains("again"), "{text}");
        }
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1, "tried once, never again");
        // Another start knows it too.
        let again = restart(dir.path()).await;
        assert!(matches!(again.access(&key(), &renew).await, Err(AccessError::Dead { .. })));
        assert_eq!(provider.asked.load(Ordering::SeqCst), 1);
    });
}
