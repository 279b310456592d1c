//! The user's own browser, and the listener that it comes back to (RFC 8252 §7.3).

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::Url;

use crate::remote::text::quoted;

/// The path of the redirect URI.
pub(super) const CALLBACK: &str = "/callback";

/// The longest request line and headers that are read.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

const PAGE: &str = "<!doctype html><meta charset=\"utf-8\"><title>Signed in</title>\
    <p>You can close this window and go back to the terminal.</p>";

/// Prints a link, and opens it where that is possible.
///
/// # Errors
///
/// It is no page: the system starts a program for other schemes, with what the server has written.
pub(super) fn open(url: &Url, why: &str) -> Result<()> {
    if !matches!(url.scheme(), "http" | "https") {
        bail!("the server sends its user to {}, which is no page of the web", quoted(url.as_str()));
    }
    eprintln!("{why}:\n  {url}");
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        // `start` would read `&` as the end of the command.
        Command::new("explorer")
    } else {
        Command::new("xdg-open")
    };
    let quiet = || Stdio::null();
    let opened = command.arg(url.as_str()).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    if let Ok(mut child) = opened {
        std::thread::spawn(move || child.wait());
    }
    Ok(())
}

/// Waits for the browser with this `state`, and returns the URL that it comes with.
pub(super) async fn answer(
    listener: &TcpListener,
    redirect_uri: &Url,
    state: &str,
    patience: Duration,
) -> Result<Url> {
    let wait = async {
        loop {
            let (stream, _) = listener.accept().await?;
            let url = timeout(REQUEST_TIMEOUT, one(stream, redirect_uri, state)).await;
            if let Ok(Some(url)) = url {
                return Ok(url);
            }
        }
    };
    timeout(patience, wait).await.context("nobody signed in in time")?
}

/// The URL of one request, if it is the expected one.
async fn one(mut stream: TcpStream, redirect_uri: &Url, state: &str) -> Option<Url> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read_buf(&mut head).await.ok()?;
        if read == 0 || head.len() > MAX_HEAD_BYTES {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head);
    let target = head.lines().next()?.strip_prefix("GET ")?.split(' ').next()?;
    let url = redirect_uri.join(target).ok()?;
    let is_answer = url.origin() == redirect_uri.origin()
        && url.path() == CALLBACK
        && url.query_pairs().any(|(name, value)| name == "state" && value == state);
    let (status, page) = if is_answer { ("200 OK", PAGE) } else { ("404 Not Found", "") };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    is_answer.then_some(url)
}
