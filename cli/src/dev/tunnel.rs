//! Tunnel: a program of the user's, which makes a listener of this machine public.

use std::{
    collections::VecDeque,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
    task::JoinHandle,
};
use url::Url;

use super::{
    process_group::{self, Signal},
    terminal,
};

/// The domains of the known tunnel programs.
const DOMAINS: [&str; 12] = [
    "trycloudflare.com",
    "ngrok-free.app",
    "ngrok-free.dev",
    "ngrok.app",
    "ngrok.dev",
    "ngrok.io",
    "ts.net",
    "loca.lt",
    "devtunnels.ms",
    "pinggy.link",
    "serveo.net",
    "lhr.life",
];

/// How long the program may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// How long its last lines may take to arrive, once it has ended: a process that it left behind may hold
/// the pipe.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// How many of its last lines are shown when it ends, and how long each may be.
const MAX_LAST_LINES: usize = 5;
const MAX_LINE_LEN: usize = 500;

/// A tunnel that runs. It is ended when this is dropped.
pub(super) struct Tunnel {
    child: Child,
    urls: mpsc::UnboundedReceiver<String>,
    output: Arc<Mutex<Output>>,
    readers: Vec<JoinHandle<()>>,
}

/// What the program has printed.
struct Output {
    /// Whether the URL is known. Until then its lines are shown, because they may say what is missing.
    has_url: bool,
    /// The last lines after that.
    last: VecDeque<String>,
}

impl Tunnel {
    /// Starts `command` for the listener at `port`. `url`: where it is reached, if that is known.
    pub(super) fn start(command: &str, port: u16, url: Option<&Url>) -> Result<Self> {
        let command = expand(command, port);
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).stdin(Stdio::null());
        shell.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = process_group::begin(&mut shell).kill_on_drop(true).spawn();
        let mut child = child.with_context(|| format!("`{command}` could not be started"))?;
        let (found, urls) = mpsc::unbounded_channel();
        if let Some(url) = url {
            let _ = found.send(url.as_str().trim_end_matches('/').to_owned());
        }
        let output = Output { has_url: url.is_some(), last: VecDeque::new() };
        let output = Arc::new(Mutex::new(output));
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let readers = vec![
            tokio::spawn(read(stdout, found.clone(), Arc::clone(&output))),
            tokio::spawn(read(stderr, found, Arc::clone(&output))),
        ];
        Ok(Self { child, urls, output, readers })
    }

    /// Waits for the URL.
    ///
    /// # Errors
    ///
    /// The program has ended.
    pub(super) async fn url(&mut self) -> Result<String> {
        tokio::select! {
            biased;
            Some(url) = self.urls.recv() => Ok(url),
            status = self.child.wait() => {
                let status = status?;
                for reader in self.readers.drain(..) {
                    let _ = tokio::time::timeout(READ_TIMEOUT, reader).await;
                }
                let output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
                let mut said = format!("the tunnel ended: {status}");
                output.last.iter().for_each(|line| said.extend(["\n", line]));
                bail!(said)
            }
        }
    }

    /// Ends the program, with those that it started.
    pub(super) async fn end(&mut self) {
        for signal in [Signal::Terminate, Signal::Kill] {
            let Some(id) = self.child.id() else { return };
            process_group::signal(id, signal);
            if tokio::time::timeout(END_TIMEOUT, self.child.wait()).await.is_ok() {
                return;
            }
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        if let Some(id) = self.child.id() {
            process_group::signal(id, Signal::Kill);
        }
    }
}

/// The command for a port: a name alone is one of the programs that are known.
fn expand(command: &str, port: u16) -> String {
    let command = match command {
        "cloudflared" => "cloudflared tunnel --url http://127.0.0.1:{port}",
        "ngrok" => "ngrok http {port} --log stdout",
        "tailscale" => "tailscale funnel {port}",
        command => command,
    };
    command.replace("{port}", &port.to_string())
}

/// Reads the output of the program, which has the URL. A program blocks when a pipe that nobody reads is full.
async fn read(
    from: Option<impl AsyncRead + Unpin>,
    found: mpsc::UnboundedSender<String>,
    output: Arc<Mutex<Output>>,
) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while let Ok(1..) = from.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line);
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        if output.has_url {
            output.last.push_back(shown(&text));
            while output.last.len() > MAX_LAST_LINES {
                output.last.pop_front();
            }
        } else if let Some(url) = public_url(&text) {
            output.has_url = true;
            let _ = found.send(url);
        } else {
            terminal::rendered(&format!("{}\n", shown(&text)));
        }
        drop(output);
        line.clear();
    }
}

/// A line of the program without characters that control a terminal.
fn shown(line: &str) -> String {
    line.trim_end().chars().filter(|it| !it.is_control()).take(MAX_LINE_LEN).collect()
}

/// The URL of a tunnel in a line of its program.
fn public_url(line: &str) -> Option<String> {
    // ngrok names the URL in a field, and it may be of the user's own domain.
    let is_named = line.contains("started tunnel");
    line.match_indices("https://").find_map(|(at, _)| {
        let is_named = is_named && ["url=", "\"url\":\""].iter().any(|it| line[..at].ends_with(it));
        let end =
            |it: char| it.is_whitespace() || matches!(it, '"' | '\'' | '|' | '<' | '>' | ',' | ')');
        let text = line[at..].split(end).next().unwrap_or_default();
        let url = Url::parse(text).ok()?;
        let host = url.host_str()?;
        let is_given = DOMAINS.iter().any(|domain| {
            host.strip_suffix(domain).is_some_and(|name| name.ends_with('.') && name.len() > 1)
        });
        // `api.trycloudflare.com` is the service that assigns names, and no tunnel.
        let is_public = (is_given || is_named) && host != "api.trycloudflare.com";
        is_public.then(|| url.origin().ascii_serialization())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_found_in_what_the_programs_print() {
        for (line, expected) in [
            (
                "2026-11-29T10:00:00Z INF |  https://quiet-river-17.trycloudflare.com                 |",
                Some("https://quiet-river-17.trycloudflare.com"),
            ),
            (
                "INF Thank you for trying Cloudflare Tunnel: https://developers.cloudflare.com/cloudflare-one/",
                None,
            ),
            ("ERR Post \"https://api.trycloudflare.com/tunnel\": timeout", None),
            (
                "t=2026-11-29T10:00:00 lvl=info msg=\"started tunnel\" obj=tunnels name=command_line addr=http://localhost:8770 url=https://3f2a-192-0-2-7.ngrok-free.app",
                Some("https://3f2a-192-0-2-7.ngrok-free.app"),
            ),
            (
                "{\"msg\":\"started tunnel\",\"url\":\"https://a.ngrok.app\"}",
                Some("https://a.ngrok.app"),
            ),
            (
                "t=2026-11-29T10:00:00+0000 lvl=info msg=\"started tunnel\" obj=tunnels name=command_line addr=https://localhost:8770 url=https://tools.example",
                Some("https://tools.example"),
            ),
            ("         https://login.tailscale.com/f/funnel?node=nho4oGYG7X11CNTRL", None),
            ("https://laptop.tail1234.ts.net:8443/", Some("https://laptop.tail1234.ts.net:8443")),
            ("https://laptop.tail1234.ts.net/", Some("https://laptop.tail1234.ts.net")),
            ("|-- proxy http://127.0.0.1:8770", None),
            ("https://ts.net.evil.example/", None),
        ] {
            assert_eq!(public_url(line).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn the_port_replaces_its_placeholder() {
        assert_eq!(expand("cloudflared", 7), "cloudflared tunnel --url http://127.0.0.1:7");
        assert_eq!(expand("bore local {port} --to a", 7), "bore local 7 --to a");
    }
}
