//! `cargo toolgate call`: a tool call from the terminal.

mod arguments;
mod browser;
mod outcome;
mod sign_in;

use std::{
    io::{IsTerminal, stdin},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, Error, Result, anyhow, bail};
use serde_json::{Value, json};
use url::Url;

use self::{arguments::Given, outcome::Outcome, sign_in::SignIn};
use crate::remote::{
    challenge::bearer,
    endpoint::parse_url,
    headless::{End, Headless},
    http::{Answer, Failure, Http},
    mcp::{self, Remote},
    text::{listed, quoted},
    well_known::is_loopback,
};

/// The exit code where the tool could not be called.
const NOT_CALLED: u8 = 2;

/// How often scopes are added to a sign-in, and consents asked for.
const MAX_ROUNDS: usize = 8;

/// How often a call is repeated while a person gives a consent.
const RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// The most pages of tools that are read.
const MAX_PAGES: usize = 50;

/// Calls a tool, sign-in and consent included.
///
/// With `--as alice` a server in development on this machine is signed in to without a browser; with
/// `--consent` the pages of its stand-ins are answered, too. Everywhere else the browser is opened, and
/// a link is printed. Scopes that a call turns out to need are asked for.
///
/// Tokens are kept in memory, and forgotten at the end. The exit code is 0 for a result, 1 for an error
/// of the tool or the server, and 2 if it could not be called.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The tool.
    tool: String,
    /// The endpoint of the server.
    #[arg(long, default_value = "http://127.0.0.1:8765/mcp", value_parser = parse_url)]
    url: Url,
    /// A person of a server in development.
    #[arg(long = "as", value_name = "PERSON", conflicts_with = "token")]
    person: Option<String>,
    /// The arguments as a JSON object; `-` reads it from standard input.
    #[arg(long = "args", value_name = "JSON")]
    object: Option<String>,
    /// One argument; may be repeated.
    #[arg(long = "arg", value_name = "NAME=VALUE")]
    pairs: Vec<String>,
    /// Agrees to what stand-ins and the server ask on this machine.
    #[arg(long, requires = "person")]
    consent: bool,
    /// Prints the result as JSON.
    #[arg(long)]
    json: bool,
    /// An access token, instead of a sign-in.
    #[arg(long, value_name = "TOKEN", env = "TOOLGATE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A client that is registered already, with loopback redirect URIs, or the URL of its metadata
    /// document.
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// How long an answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// How long to wait for a person at a browser. [default: 300 at a terminal, else 0]
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
}

/// Runs the command.
pub(crate) fn run(arguments: Args) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let is_json = arguments.json;
    match runtime.block_on(call(arguments)) {
        Ok(outcome) => {
            print!("{}", outcome.print(is_json));
            Ok(if outcome.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            Ok(ExitCode::from(NOT_CALLED))
        }
    }
}

async fn call(arguments: Args) -> Result<Outcome> {
    let timeout = Duration::from_secs(arguments.timeout.max(1));
    let http = Http::new(timeout)?;
    let is_terminal = std::io::stderr().is_terminal();
    let patience = arguments.wait.unwrap_or(if is_terminal { 300 } else { 0 });
    let token = arguments.token.as_deref().map(str::trim).filter(|token| !token.is_empty());
    if arguments.person.is_some() && !is_loopback(&arguments.url) {
        // A server elsewhere would lead the browser without a window to the pages of this machine.
        bail!("people without a password are those of a server on this machine");
    }
    let mut headless = match &arguments.person {
        Some(person) => Some(Headless::new(person, arguments.consent, timeout)?),
        None => None,
    };
    let given = Given::read(arguments.object.as_deref(), &arguments.pairs, stdin().lock())?;
    let mut caller = Caller {
        remote: Remote::new(http, arguments.url.clone(), token.map(str::to_owned)),
        sign_in: None,
        may_sign_in: token.is_none(),
        client_id: arguments.client_id.clone(),
        patience: Duration::from_secs(patience),
    };
    caller.connect(headless.as_mut()).await?;
    let schema = if arguments.pairs.is_empty() {
        Value::Null
    } else {
        caller.schema(&arguments.tool, headless.as_mut()).await?
    };
    let params = given.collect(&schema)?;
    let params = json!({ "name": arguments.tool, "arguments": params });
    let message = mcp::request(10, "tools/call", params);
    let mut waiting = None;
    for _ in 0..MAX_ROUNDS {
        let outcome = loop {
            let outcome = Outcome::of(caller.ask(&message, headless.as_mut()).await?);
            match (&outcome, waiting) {
                (Outcome::Consent(_), Some(since)) if caller.is_patient(since) => {
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
                _ => break outcome,
            }
        };
        let Outcome::Consent(links) = &outcome else { return Ok(outcome) };
        if waiting.is_some() {
            bail!("nobody has agreed in time");
        }
        for link in links {
            if !agreed(link, headless.as_mut(), caller.patience).await? {
                waiting = Some(Instant::now());
            }
        }
    }
    bail!("the server asks for consent again and again")
}

/// Opens a link of consent. Returns whether it was given, and not left to a person.
async fn agreed(link: &Url, headless: Option<&mut Headless>, patience: Duration) -> Result<bool> {
    if let Some(headless) = headless {
        match headless.walk(link, None).await? {
            End::Done | End::Client(_) => return Ok(true),
            End::Person(_) => {}
        }
    }
    if patience.is_zero() {
        bail!(
            "the tool needs the consent of its user, at\n  {link}\nAt a stand-in, --as and --consent give it"
        );
    }
    browser::open(link, "The tool needs your consent")?;
    Ok(false)
}

/// A client of the server.
struct Caller {
    remote: Remote,
    sign_in: Option<SignIn>,
    may_sign_in: bool,
    client_id: Option<String>,
    patience: Duration,
}

impl Caller {
    fn is_patient(&self, since: Instant) -> bool {
        since.elapsed() < self.patience
    }

    /// Begins a session of 2025, whose clients can be asked to open a URL.
    async fn connect(&mut self, headless: Option<&mut Headless>) -> Result<()> {
        let capabilities = json!({ "elicitation": { "url": {} } });
        let message = mcp::initialize(mcp::LEGACY, &capabilities);
        let answer = self.send(&message, headless).await?;
        let is_result = answer.message().is_some_and(|message| message["result"].is_object());
        if !is_result {
            bail!("the server answers {}", answer.summary());
        }
        self.remote.begin(&answer);
        let _ = self.remote.send(&mcp::initialized()).await;
        Ok(())
    }

    /// The error of a request that has no answer.
    fn unreached(&self, failure: &Failure) -> Error {
        // Without its query, which may have a secret.
        let endpoint = &self.remote.endpoint;
        let endpoint = format!("{}{}", endpoint.origin().ascii_serialization(), endpoint.path());
        match failure {
            Failure::Connect(why) => anyhow!(
                "{endpoint} cannot be reached: {why}\n`cargo toolgate dev` serves the project there; `--url` names another server"
            ),
            other => anyhow!("{endpoint}: {other}"),
        }
    }

    /// The schema of a tool's arguments.
    async fn schema(&mut self, tool: &str, mut headless: Option<&mut Headless>) -> Result<Value> {
        let (mut names, mut cursor) = (Vec::new(), Value::Null);
        for _ in 0..MAX_PAGES {
            let params = if cursor.is_null() { json!({}) } else { json!({ "cursor": cursor }) };
            let message = mcp::request(9, "tools/list", params);
            let mut page = self.ask(&message, headless.as_deref_mut()).await?["result"].take();
            for found in page["tools"].as_array_mut().into_iter().flatten() {
                if found["name"] == tool {
                    return Ok(found["inputSchema"].take());
                }
                names.push(found["name"].as_str().unwrap_or_default().to_owned());
            }
            cursor = page["nextCursor"].take();
            if cursor.is_null() {
                break;
            }
        }
        bail!("there is no tool {}: there are {}", quoted(tool), listed(&names))
    }

    /// Sends a message, and returns the response.
    async fn ask(&mut self, message: &Value, headless: Option<&mut Headless>) -> Result<Value> {
        let answer = self.send(message, headless).await?;
        let response = answer.message().filter(|response| response["jsonrpc"] == "2.0");
        response.with_context(|| format!("the server answers {}", answer.summary()))
    }

    /// Sends a message, signs in where that is asked for, and adds scopes that are missing.
    async fn send(
        &mut self,
        message: &Value,
        mut headless: Option<&mut Headless>,
    ) -> Result<Answer> {
        for _ in 0..MAX_ROUNDS {
            let sent = self.remote.send(message).await;
            let answer = sent.map_err(|failure| self.unreached(&failure))?;
            let challenge = bearer(&answer.headers);
            match (answer.status, challenge) {
                (401, challenge) if self.sign_in.is_none() => {
                    if !self.may_sign_in {
                        bail!("the server refuses the token");
                    }
                    let (http, endpoint) = (self.remote.http.clone(), &self.remote.endpoint);
                    let client_id = self.client_id.clone();
                    let begun = SignIn::begin(http, endpoint, challenge.as_ref(), client_id);
                    self.sign_in = Some(begun.await?);
                }
                (401, _) => bail!("the server refuses the token of the sign-in"),
                (403, Some(challenge)) if challenge.get("error") == Some("insufficient_scope") => {
                    let scope = quoted(challenge.get("scope").unwrap_or_default());
                    let Some(sign_in) = &mut self.sign_in else {
                        bail!("the token lacks a scope: {scope}");
                    };
                    if !sign_in.widen(&challenge) {
                        bail!("the sign-in does not give the scope {scope}");
                    }
                }
                _ => return Ok(answer),
            }
            if headless.is_none() && self.patience.is_zero() {
                bail!("the server wants a sign-in: give --as, --token, or --wait at a browser");
            }
            let sign_in = self.sign_in.as_ref().context("there is no sign-in")?;
            let token = sign_in.token(headless.as_deref_mut(), self.patience).await?;
            self.remote.token = Some(token);
        }
        bail!("the server asks for more scopes again and again")
    }
}
