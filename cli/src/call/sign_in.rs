//! Sign-in as a public client: discovery, registration, PKCE, the code (OAuth 2.1 §4.1).

use std::{collections::BTreeSet, net::Ipv4Addr, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

use super::browser::{self, CALLBACK};
use crate::remote::{
    challenge::Challenge,
    headless::{End, Headless},
    http::{Answer, Http, Read},
    pkce,
    text::quoted,
    well_known::{self, is_loopback},
};

/// An authorization server, and this command as its client.
pub(super) struct SignIn {
    http: Http,
    resource: String,
    issuer: String,
    metadata: Value,
    client_id: String,
    listener: TcpListener,
    redirect_uri: Url,
    scopes: BTreeSet<String>,
    /// Whether the server is on this machine.
    is_local: bool,
}

impl SignIn {
    /// Finds the authorization server of an endpoint, by its challenge, and registers there.
    pub(super) async fn begin(
        http: Http,
        endpoint: &Url,
        challenge: Option<&Challenge>,
        client_id: Option<String>,
    ) -> Result<Self> {
        let document = resource_metadata(&http, endpoint, challenge).await?;
        let resource = document["resource"].as_str().context("the metadata names no resource")?;
        let is_own = Url::parse(resource).is_ok_and(|url| url.origin() == endpoint.origin());
        if !is_own {
            bail!("the metadata is that of {}, which is another server", quoted(resource));
        }
        let issuer = document["authorization_servers"][0].as_str();
        let issuer = issuer.context("the metadata names no authorization server")?.to_owned();
        let metadata = server_metadata(&http, &issuer).await?;
        let is_local = is_loopback(endpoint);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let redirect_uri = Url::parse(&format!("http://127.0.0.1:{port}{CALLBACK}"))?;
        let client_id = match client_id {
            Some(client_id) => client_id,
            None => register(&http, &metadata, is_local, &redirect_uri).await?,
        };
        let mut scopes = scope_set(challenge);
        if scopes.is_empty() {
            let named = document["scopes_supported"].as_array().into_iter().flatten();
            scopes.extend(named.filter_map(Value::as_str).map(str::to_owned));
        }
        let resource = resource.to_owned();
        Ok(Self {
            http,
            resource,
            issuer,
            metadata,
            client_id,
            listener,
            redirect_uri,
            scopes,
            is_local,
        })
    }

    /// Adds the scopes of a challenge (MCP authorization, Step-Up). Returns whether one is new.
    pub(super) fn widen(&mut self, challenge: &Challenge) -> bool {
        let before = self.scopes.len();
        self.scopes.extend(scope_set(Some(challenge)));
        self.scopes.len() > before
    }

    /// Gets a token, in a browser: the user's own one, or one without a window.
    pub(super) async fn token(
        &self,
        headless: Option<&mut Headless>,
        patience: Duration,
    ) -> Result<String> {
        let (verifier, state) = (pkce::random()?, pkce::random()?);
        let link = self.link(&verifier, &state)?;
        let answer = match headless {
            Some(headless) => match headless.walk(&link, Some(&self.redirect_uri)).await? {
                End::Client(url) => url,
                End::Person(url) => bail!(
                    "the sign-in goes on at {}, where `--as` cannot: leave it out, and use a browser",
                    url.host_str().unwrap_or_default()
                ),
                End::Done => bail!("the sign-in ends on a page of the server"),
            },
            None => {
                browser::open(&link, "Sign in")?;
                browser::answer(&self.listener, &self.redirect_uri, &state, patience).await?
            }
        };
        let code = self.code(&answer, &state)?;
        self.redeem(&code, &verifier).await
    }

    fn link(&self, verifier: &str, state: &str) -> Result<Url> {
        let mut url = self.endpoint("authorization_endpoint")?;
        let scopes: Vec<_> = self.scopes.iter().map(String::as_str).collect();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", self.redirect_uri.as_str())
            .append_pair("state", state)
            .append_pair("code_challenge", &pkce::challenge(verifier))
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", &self.resource);
        if !scopes.is_empty() {
            query.append_pair("scope", &scopes.join(" "));
        }
        drop(query);
        Ok(url)
    }

    /// The code of an answer that is for this request, and of this issuer (RFC 9207).
    fn code(&self, answer: &Url, state: &str) -> Result<String> {
        let get = |name: &str| {
            let mut pairs = answer.query_pairs();
            pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if get("state").as_deref() != Some(state) {
            bail!("the answer is for another sign-in");
        }
        let sends_iss = self.metadata["authorization_response_iss_parameter_supported"] == true;
        match get("iss") {
            Some(issuer) if issuer != self.issuer => bail!("the answer is of another issuer"),
            None if sends_iss => bail!("the answer names no issuer"),
            _ => {}
        }
        if let Some(error) = get("error") {
            let description = get("error_description").unwrap_or_default();
            bail!("the sign-in was refused: {}", quoted(&format!("{error} {description}")));
        }
        get("code").context("the answer has no code")
    }

    async fn redeem(&self, code: &str, verifier: &str) -> Result<String> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("client_id", &self.client_id),
            ("code_verifier", verifier),
            ("resource", &self.resource),
        ];
        let request =
            self.http.request(Method::POST, &self.endpoint("token_endpoint")?).form(&form);
        let answer = send(&self.http, request).await?;
        let body = answer.json().unwrap_or_default();
        match body["access_token"].as_str() {
            Some(token) if answer.is_success() => Ok(token.to_owned()),
            _ => bail!("the token endpoint answers {}", error_of(&answer)),
        }
    }

    fn endpoint(&self, name: &str) -> Result<Url> {
        endpoint(&self.metadata, self.is_local, name)
    }
}

async fn resource_metadata(
    http: &Http,
    endpoint: &Url,
    challenge: Option<&Challenge>,
) -> Result<Value> {
    let named = challenge.and_then(|challenge| challenge.get("resource_metadata"));
    let mut places: Vec<_> = named.and_then(|url| Url::parse(url).ok()).into_iter().collect();
    places.extend(well_known::resource_places(endpoint));
    for place in places {
        let Ok(answer) = http.get(&place).await else { continue };
        let document = answer.json().filter(|json| json["authorization_servers"].is_array());
        if let Some(document) = document.filter(|_| answer.is_success()) {
            return Ok(document);
        }
    }
    bail!(
        "the server asks for a token, and does not say where to sign in: see `cargo toolgate check {endpoint}`"
    )
}

async fn server_metadata(http: &Http, issuer: &str) -> Result<Value> {
    let url = Url::parse(issuer).context("the authorization server has no URL")?;
    for place in well_known::issuer_places(&url) {
        let Ok(answer) = http.get(&place).await else { continue };
        let Some(document) = answer.json().filter(|_| answer.is_success()) else { continue };
        if document["issuer"] != issuer {
            bail!("the metadata of {} is that of another issuer", quoted(issuer));
        }
        return Ok(document);
    }
    bail!("{} has no metadata", quoted(issuer))
}

/// Reads an endpoint that codes and tokens may be sent to. `is_local`: the server is on this machine, and
/// so may its authorization server be. Another server could name any program that listens here.
fn endpoint(metadata: &Value, is_local: bool, name: &str) -> Result<Url> {
    let url = metadata[name].as_str().with_context(|| format!("there is no {name}"))?;
    let url = Url::parse(url).with_context(|| format!("{name} is no URL"))?;
    let is_plain_and_local = url.scheme() == "http" && is_local && is_loopback(&url);
    if url.scheme() != "https" && !is_plain_and_local {
        bail!("{name} is without https");
    }
    Ok(url)
}

async fn register(
    http: &Http,
    metadata: &Value,
    is_local: bool,
    redirect_uri: &Url,
) -> Result<String> {
    if metadata["registration_endpoint"].is_null() {
        // This command has no metadata document of its own: an authorization server fetches one from a
        // public URL of https, and nothing outside reaches this machine.
        if metadata["client_id_metadata_document_supported"] == true {
            let mut document = client_metadata(&format!("http://127.0.0.1{CALLBACK}"));
            document["client_id"] = "https://..".into();
            bail!(
                "clients do not register there, but have a metadata document: publish this one, with its own URL as `client_id`, and give that URL with --client-id\n{document:#}"
            );
        }
        bail!("clients cannot register there: give one with --client-id");
    }
    let document = client_metadata(redirect_uri.as_str());
    let endpoint = endpoint(metadata, is_local, "registration_endpoint")?;
    let request = http.request(Method::POST, &endpoint);
    let request = request.header(CONTENT_TYPE, "application/json").body(document.to_string());
    let answer = send(http, request).await?;
    let client = answer.json().unwrap_or_default();
    match client["client_id"].as_str() {
        Some(client_id) if answer.is_success() => Ok(client_id.to_owned()),
        _ => bail!("the registration answers {}", error_of(&answer)),
    }
}

/// The client metadata of this command (RFC 7591 §2). A loopback redirect URI may have any port (RFC
/// 8252 §7.3).
fn client_metadata(redirect_uri: &str) -> Value {
    json!({
        "client_name": "cargo toolgate call",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    })
}

async fn send(http: &Http, request: reqwest::RequestBuilder) -> Result<Answer> {
    http.send(request, Read::Message).await.map_err(|failure| anyhow::anyhow!("{failure}"))
}

/// The error code of an answer. Nothing else of the answer is printed.
fn error_of(answer: &Answer) -> String {
    let body = answer.json().unwrap_or_default();
    let text = |name: &str| quoted(body[name].as_str().unwrap_or_default());
    format!("{} {} {}", answer.status, text("error"), text("error_description")).trim().to_owned()
}

fn scope_set(challenge: Option<&Challenge>) -> BTreeSet<String> {
    let scopes = challenge.and_then(|challenge| challenge.get("scope")).unwrap_or_default();
    scopes.split_whitespace().map(str::to_owned).collect()
}
