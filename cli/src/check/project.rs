//! Examination of the project's server: its program's own checks, and the running server from
//! outside.

use std::{
    io::Read as _,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::net::TcpStream;
use url::Url;

use super::{
    Args,
    examination::{Options, examine as examine_remote},
    finding::{OwnCheck, Report},
};
use crate::{
    program::Program,
    remote::{dev_token, http::Http},
};

/// How long the server may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often it is asked whether it listens.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

pub(super) async fn examine(http: Http, arguments: &Args, token: Option<String>) -> Result<Report> {
    let program = arguments.program.build()?;
    let own = own_checks(&program)?;
    let server = Server::start(&program).await?;
    let endpoint = server.endpoint()?;
    let person = match &arguments.person {
        Some(person) => Some(person.clone()),
        None => dev_token::anyone(&http, &endpoint).await,
    };
    let token = match (&person, token) {
        (_, Some(token)) => Some(token),
        (Some(person), None) => Some(dev_token::of(&http, &endpoint, person).await?),
        (None, None) => None,
    };
    let register = arguments.register;
    let options = Options { endpoint, token, person, register, is_started_here: true };
    let mut report = examine_remote(http, options).await;
    report.own = own;
    Ok(report)
}

/// What the program finds in its own configuration. Its log goes to standard error.
fn own_checks(program: &Program) -> Result<Vec<OwnCheck>> {
    let output = program
        .command(&["--doctor", "json"])
        .stderr(Stdio::inherit())
        .output()
        .context("the project's program could not be started")?;
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!("`--doctor json` of the project ended with {} and printed no checks", output.status)
    })
}

/// The server, on a free port, with a data directory of its own.
struct Server {
    child: Child,
    address: SocketAddr,
    _data: tempfile::TempDir,
}

impl Server {
    async fn start(program: &Program) -> Result<Self> {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = free.local_addr()?;
        drop(free);
        let data = tempfile::tempdir()?;
        let mut command = apart(program.command(&["--http", &address.to_string()]), data.path());
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("the project's program could not be started")?;
        let mut server = Self { child, address, _data: data };
        server.wait().await?;
        Ok(server)
    }

    async fn wait(&mut self) -> Result<()> {
        let began = Instant::now();
        let mut log = self.child.stderr.take();
        while TcpStream::connect(self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                let mut text = String::new();
                if let Some(log) = &mut log {
                    log.take(1 << 16).read_to_string(&mut text)?;
                }
                bail!("the server ended with {status}:\n{}", text.trim_end());
            }
            if began.elapsed() > START_TIMEOUT {
                bail!("the server does not listen on {} after a minute", self.address);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        // The log is read to its end, so that the program never blocks on a full pipe.
        if let Some(mut log) = log {
            std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        }
        Ok(())
    }

    fn endpoint(&self) -> Result<Url> {
        Ok(Url::parse(&format!("http://{}/mcp", self.address))?)
    }
}

/// The command with a data directory of its own, and not with the database that the environment or `.env`
/// names: people are signed in there, and clients registered.
fn apart(mut command: Command, data: &Path) -> Command {
    command
        .env("TOOLGATE_DATA", data)
        .env("XDG_CONFIG_HOME", data)
        .env("TOOLGATE_STORE", "memory:")
        // An empty variable hides that of `.env`.
        .env("TOOLGATE_STORE_FILE", "")
        .env("TOOLGATE_INSPECTOR", "false")
        .env_remove("TOOLGATE_STDIO");
    command
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn the_server_that_is_examined_has_no_database_of_others() {
        let mut command = Command::new("server");
        command.env("TOOLGATE_STORE", "postgres://db/grants").env("TOOLGATE_STORE_FILE", "/store");
        let command = apart(command, Path::new("/data"));
        let set = |name: &str| {
            let found = command.get_envs().find(|(known, _)| *known == OsStr::new(name));
            found.and_then(|(_, value)| value)?.to_str()
        };
        assert_eq!(set("TOOLGATE_STORE"), Some("memory:"));
        assert_eq!(set("TOOLGATE_STORE_FILE"), Some(""));
        assert_eq!(set("TOOLGATE_DATA"), Some("/data"));
    }
}
