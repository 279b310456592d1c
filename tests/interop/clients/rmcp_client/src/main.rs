//! rmcp's own client finds its way from a 401 to a tool, and on to one that needs more.
//!
//! `rmcp-client CLIENT URL TOOL ARGUMENTS EXPECTED WIDER_TOOL WIDER_ARGUMENTS WIDER_EXPECTED`
//!
//! CLIENT is `rmcp` (2026-07-28) or `rmcp-legacy` (2025-11-25). EXPECTED stands somewhere in the
//! tool's text. `NODE PERSON` is the person. With DOCUMENT, the URL of a metadata document, it does
//! not register.

use std::{
    env,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rmcp::{
    ClientLifecycleMode, ClientServiceExt, RoleClient,
    model::{CallToolRequestParams, ProtocolVersion},
    service::{RunningService, ServiceError},
    transport::{
        AuthClient, StreamableHttpClientTransport,
        auth::{
            AuthorizationCallback, AuthorizationManager, AuthorizationRequest, OAuthHttpClient,
            OAuthHttpClientFuture, OAuthHttpRequest, OAuthState, WWWAuthenticateParams,
            default_oauth_http_client,
        },
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use url::Url;

const REDIRECT: &str = "http://127.0.0.1:7777/callback";

/// What went to the authorization server, and what came back.
struct Recorded<C>(C, Arc<Mutex<Vec<(String, u16)>>>);

impl<C: OAuthHttpClient> OAuthHttpClient for Recorded<C> {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        let line = format!("{} {}", request.request.method(), request.request.uri().path());
        Box::pin(async move {
            let response = self.0.execute(request).await?;
            self.1.lock().unwrap().push((line, response.status().as_u16()));
            Ok(response)
        })
    }
}

struct Walk {
    which: String,
    url: String,
    asked: Vec<String>,
}

type Client = RunningService<RoleClient, ()>;

impl Walk {
    /// The person signs in where the link leads; gives what the application's URL says.
    async fn sign_in(&mut self, link: &str) -> Result<String> {
        let parsed = Url::parse(link)?;
        let scope = parsed.query_pairs().find(|(name, _)| name == "scope");
        self.asked.push(scope.context("no scopes are asked for")?.1.into_owned());
        let mut person = tokio::process::Command::new(env::var("NODE")?);
        person.args([&env::var("PERSON")?, link, "alice", REDIRECT]).kill_on_drop(true);
        let done = person.output().await?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(format!("{REDIRECT}?{}", String::from_utf8(done.stdout)?.trim()))
    }

    async fn connect(&self, auth: AuthClient<reqwest::Client>) -> Result<Client, Option<String>> {
        let config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str());
        let transport = StreamableHttpClientTransport::with_client(auth, config);
        let lifecycle = if self.which.ends_with("legacy") {
            ClientLifecycleMode::Initialize
        } else {
            ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            }
        };
        ().serve_with_lifecycle(transport, lifecycle).await.map_err(|error| {
            let challenge = error.auth_challenge().map(str::to_owned);
            if challenge.is_none() {
                eprintln!("client {}: {error}", self.which);
            }
            challenge
        })
    }
}

/// The tool's text; or the challenge, if that is the answer.
async fn call(client: &Client, tool: &[String]) -> Result<Result<(), String>> {
    let [name, given, expected] = tool else { bail!("a tool has a name, arguments and a text") };
    let arguments = serde_json::from_str(given)?;
    let call = CallToolRequestParams::new(name.clone()).with_arguments(arguments);
    let result = match client.call_tool(call).await {
        Ok(result) => result,
        Err(error @ ServiceError::TransportSend(_)) if error.auth_challenge().is_some() => {
            return Ok(Err(error.auth_challenge().unwrap_or_default().to_owned()));
        }
        Err(error) => return Err(error).context(format!("{name} was called")),
    };
    let text: String =
        result.content.iter().filter_map(|block| Some(block.as_text()?.text.as_str())).collect();
    let is_error = result.is_error == Some(true);
    ensure!(!is_error && text.contains(expected), "{name} answered {text}");
    Ok(Ok(()))
}

async fn walk(which: String, url: String, steps: &[String]) -> Result<()> {
    let mut walk = Walk { which, url, asked: Vec::new() };
    let exchange = Arc::new(Mutex::new(Vec::new()));
    let recorded = || -> Result<Arc<dyn OAuthHttpClient>> {
        Ok(Arc::new(Recorded(default_oauth_http_client()?, exchange.clone())))
    };
    let manager =
        AuthorizationManager::new_with_oauth_http_client(walk.url.as_str(), recorded()?).await?;
    let nobody = AuthClient::new(reqwest::Client::new(), manager);
    let Err(challenge) = walk.connect(nobody).await else { bail!("it connected without a token") };
    let challenge = challenge.context("the first answer was no challenge")?;

    let mut state = OAuthState::new_with_oauth_http_client(walk.url.as_str(), recorded()?).await?;
    let mut request = AuthorizationRequest::new(REDIRECT)
        .with_client_name(format!("client {}", walk.which))
        .with_challenge(challenge);
    let document = env::var("DOCUMENT").ok();
    if let Some(document) = &document {
        request = request.with_client_metadata_url(document);
    }
    state.start_authorization(request).await?;
    let back = walk.sign_in(&state.get_authorization_url().await?).await?;
    state.handle_callback_url(&back).await?;
    let manager = state.into_authorization_manager().context("it is not signed in")?;
    let auth = AuthClient::new(reqwest::Client::new(), manager);
    let client =
        walk.connect(auth.clone()).await.map_err(|_| anyhow::anyhow!("it did not connect"))?;
    if let Err(challenge) = call(&client, &steps[..3]).await? {
        bail!("the token was not good: {challenge}");
    }
    let narrow = auth.get_access_token().await?;

    let Err(challenge) = call(&client, &steps[3..]).await? else { bail!("no step-up was needed") };
    let challenge = WWWAuthenticateParams::parse(&challenge, &Url::parse(&walk.url)?);
    ensure!(challenge.is_insufficient_scope(), "{challenge:?}");
    let scope = challenge.scope.context("no scopes in the challenge")?;
    let manager = auth.auth_manager.lock().await;
    let back = walk.sign_in(&manager.request_scope_upgrade(&scope).await?).await?;
    let back = AuthorizationCallback::from_redirect_url(&back)?;
    let (code, issuer) = (&back.code, back.issuer.as_deref());
    manager.exchange_code_for_token_with_issuer(code, &back.csrf_token, issuer).await?;
    drop(manager);
    if let Err(challenge) = call(&client, &steps[3..]).await? {
        bail!("the wider token was not good: {challenge}");
    }
    ensure!(auth.get_access_token().await? != narrow, "the token is still the old one");

    let exchange = exchange.lock().unwrap();
    let count = |method: &str, part: &str, status: u16| {
        let is = |line: &str| line.starts_with(method) && line.contains(part);
        exchange.iter().filter(|(line, found)| is(line) && *found == status).count()
    };
    let registered = usize::from(document.is_none());
    for (method, part, status, times) in [
        ("GET", "/.well-known/oauth-protected-resource", 200, 1),
        ("GET", "/.well-known/oauth-authorization-server", 200, 1),
        ("POST", "/reg", 201, registered),
        ("POST", "/token", 200, 2),
    ] {
        let found = count(method, part, status);
        ensure!(found == times, "{found} of {method} {part}: {exchange:#?}");
    }
    let [first, second] = walk.asked.as_slice() else { bail!("asked for {:?}", walk.asked) };
    let name = walk.which + document.map_or("", |_| ", by its document");
    println!("client {name}: signed in for \"{first}\", stepped up to \"{second}\"");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(which), Some(url)) = (arguments.next(), arguments.next()) else {
        bail!("rmcp-client CLIENT URL TOOL ARGUMENTS EXPECTED TOOL ARGUMENTS EXPECTED")
    };
    let steps: Vec<String> = arguments.collect();
    tokio::time::timeout(Duration::from_secs(240), walk(which, url, &steps)).await?
}
