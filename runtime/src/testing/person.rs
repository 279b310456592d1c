//! Users of a server under test, with a browser.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use axum::{Router, body::Body};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use super::{
    Issuer, RESOURCE,
    addresses::{DEV_LOGIN_PATH, REDIRECT_URI, peer},
};
use crate::{
    consent::FIELD_PREFIX,
    error::{Error, Result},
    gate::{AuthError, BrowserIdentity, Claims},
    stand_in::CONSENT_PATH,
};

/// The cookie by which [`Browsers`] identifies a person.
const COOKIE: &str = "toolgate-testing-person";

/// The most pages that one link may lead to, so that redirects in a circle end.
const MAX_PAGES: usize = 20;

/// A user who opens links of a server under test, and consents to what its broker and a
/// [`FakeProvider`](super::FakeProvider) ask, unless the test says otherwise. Created by
/// [`Client::person`](super::Client::person). Each has a browser of its own, which clones share.
#[derive(Clone, Debug)]
pub struct Person {
    name: String,
    /// The account that is signed in at the provider.
    account: String,
    router: Router,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
    denies: bool,
    withholds: Vec<String>,
    addresses: BTreeMap<String, String>,
}

/// The page that a link led to.
#[derive(Clone, Debug)]
pub struct Page {
    url: Url,
    status: StatusCode,
    text: String,
}

impl Page {
    /// Returns its URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns its HTTP status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns its HTML.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Person {
    pub(super) fn new(name: String, router: Router) -> Self {
        let cookie = (COOKIE.to_owned(), name.clone());
        let cookies = Arc::new(Mutex::new(BTreeMap::from([cookie])));
        Self {
            account: name.clone(),
            name,
            router,
            cookies,
            denies: false,
            withholds: Vec::new(),
            addresses: BTreeMap::new(),
        }
    }

    /// Returns the same person, who is signed in at the provider with this account. Without it, the
    /// account has the person's name.
    #[must_use]
    pub fn account(&self, account: impl Into<String>) -> Self {
        Self { account: account.into(), ..self.clone() }
    }

    /// Returns the same person, who denies consent.
    #[must_use]
    pub fn denies(&self) -> Self {
        Self { denies: true, ..self.clone() }
    }

    /// Returns the same person, who grants all scopes but this one.
    #[must_use]
    pub fn withholds(&self, scope: impl Into<String>) -> Self {
        let mut person = self.clone();
        person.withholds.push(scope.into());
        person
    }

    /// Returns the same person, whose provider is at the address with this value of a placeholder: that
    /// of `{subdomain}` with the name `subdomain`.
    #[must_use]
    pub fn address(&self, placeholder: impl Into<String>, value: impl Into<String>) -> Self {
        let mut person = self.clone();
        person.addresses.insert(placeholder.into(), value.into());
        person
    }

    /// Opens a link, follows redirects, gives the addresses of [`address`](Self::address), and decides
    /// on each consent page. A form whose addresses were refused, or not given, is the page that it
    /// returns.
    ///
    /// # Errors
    ///
    /// A page cannot be loaded, or the redirects do not end.
    pub async fn open(&self, link: impl AsRef<str>) -> Result<Page> {
        let link = link.as_ref();
        let url = Url::parse(link)
            .map_err(|error| Error::new(format!("`{link}` is no link: {error}")))?;
        self.follow(url, None).await
    }

    /// Opens a page, or sends a form to it, and goes on as [`open`](Self::open) does.
    pub(super) async fn follow(&self, mut url: Url, mut form: Option<String>) -> Result<Page> {
        let link = url.clone();
        for _ in 0..MAX_PAGES {
            if url.as_str().starts_with(REDIRECT_URI) {
                // The host's own page, which is not there.
                return Ok(Page { url, status: StatusCode::OK, text: String::new() });
            }
            let ours = url.as_str().starts_with(RESOURCE.trim_end_matches("mcp"));
            if !ours && url.path() == "/authorize" {
                self.decide(&mut url);
            }
            let is_named = |url: &Url| url.query_pairs().any(|(name, _)| name == "user");
            if ours && url.path() == DEV_LOGIN_PATH && !is_named(&url) {
                // The link with the person's name.
                url.query_pairs_mut().append_pair("user", &self.name);
            }
            let (status, location, text) = if ours {
                self.visit(&url, form.take()).await?
            } else {
                elsewhere(&url, form.take()).await?
            };
            let filled_in =
                if ours { self.fill_in(status, &text) } else { self.fill_in_of_stand_in(&text) };
            if let Some((action, filled_in)) = filled_in {
                url = url.join(&action).map_err(Error::internal)?;
                form = Some(filled_in);
                continue;
            }
            match location {
                Some(location) => {
                    url = url.join(&location).map_err(|_| {
                        Error::new(format!("`{url}` leads to `{location}`, which is no address"))
                    })?;
                }
                None => return Ok(Page { url, status, text }),
            }
        }
        Err(Error::new(format!("`{link}` leads on and on")))
    }

    /// Disconnects the first account at the provider with this ID, on the page with the person's
    /// accounts.
    ///
    /// # Errors
    ///
    /// The page cannot be loaded, or the person has no account there.
    pub async fn disconnect(&self, provider: &str) -> Result<Page> {
        let accounts = format!("{}accounts", RESOURCE.trim_end_matches("mcp"));
        let url = Url::parse(&accounts).map_err(Error::internal)?;
        let (_, _, page) = self.visit(&url, None).await?;
        let is_connected = page.contains(&format!("name=\"provider\" value=\"{provider}\""));
        let csrf = page.split_once("name=\"csrf\" value=\"");
        let csrf = csrf.and_then(|(_, rest)| rest.split_once('"')).filter(|_| is_connected);
        let Some((csrf, _)) = csrf else {
            return Err(Error::new(format!("there is no account at `{provider}`: {page}")));
        };
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf", csrf)
            .append_pair("provider", provider)
            .finish();
        let (status, _, text) = self.visit(&url, Some(form)).await?;
        Ok(Page { url, status, text })
    }

    fn decide(&self, url: &mut Url) {
        let mut query = url.query_pairs_mut();
        query.append_pair("user", &self.account);
        if self.denies {
            query.append_pair("deny", "yes");
        }
        if !self.withholds.is_empty() {
            query.append_pair("withhold", &self.withholds.join(" "));
        }
    }

    /// The action and the content of a form that asks for consent, filled in: the broker's, and the
    /// one that asks whether another client may use an account.
    fn fill_in(&self, status: StatusCode, page: &str) -> Option<(String, String)> {
        let (_, form) = page.split_once("<form method=\"post\" action=\"")?;
        let (action, form) = form.split_once('"')?;
        let is_brokers = action.ends_with("/oauth/consent");
        if !is_brokers && !action.contains("/connect/") {
            return None;
        }
        let hidden = |name: &str| {
            let (_, rest) = form.split_once(&format!("name=\"{name}\" value=\""))?;
            rest.split_once('"').map(|(value, _)| value)
        };
        if form.contains(&format!("name=\"{FIELD_PREFIX}")) {
            let is_refused = status != StatusCode::OK;
            let filled_in = self
                .addresses
                .iter()
                .map(|(name, value)| (format!("{FIELD_PREFIX}{name}"), value.as_str()));
            let filled_in = form_urlencoded::Serializer::new(String::new())
                .append_pair("csrf", hidden("csrf")?)
                .extend_pairs(filled_in)
                .finish();
            let gives_any = !is_refused && !self.addresses.is_empty();
            return gives_any.then(|| (action.to_owned(), filled_in));
        }
        let decision = if self.denies { "deny" } else { "allow" };
        let mut pairs = vec![("csrf", hidden("csrf")?), ("decision", decision)];
        if is_brokers {
            pairs.push(("request", hidden("request")?));
        }
        let filled_in =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        Some((action.to_owned(), filled_in))
    }

    /// The action and the content of the consent form of a [`StandIn`](crate::stand_in::StandIn), filled
    /// in.
    fn fill_in_of_stand_in(&self, page: &str) -> Option<(String, String)> {
        let (_, form) = page.split_once(&format!("action=\"{CONSENT_PATH}\""))?;
        let (_, id) = form.split_once("name=\"request\" value=\"")?;
        let (id, _) = id.split_once('"')?;
        let decision = if self.denies { "deny" } else { "approve" };
        let mut filled_in = form_urlencoded::Serializer::new(String::new());
        filled_in
            .append_pair("request", id)
            .append_pair("account", &self.account)
            .append_pair("decision", decision);
        for field in form.split("name=\"scope:").skip(1) {
            let scope = field.split('"').next()?;
            if !self.withholds.iter().any(|withheld| withheld == scope) {
                filled_in.append_pair(&format!("scope:{scope}"), "on");
            }
        }
        Some((CONSENT_PATH.to_owned(), filled_in.finish()))
    }

    /// Loads a page of the server under test, or posts `form` to it.
    pub(super) async fn visit(&self, url: &Url, form: Option<String>) -> Result<Visited> {
        let target = &url[url::Position::BeforePath..];
        let request = match form {
            None => Request::get(target),
            Some(_) => Request::post(target)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        };
        let request = request
            .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort])
            .header(header::COOKIE, self.cookies())
            .extension(peer())
            .body(form.map_or_else(Body::empty, Body::from))
            .map_err(Error::internal)?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        self.keep_cookies(&response);
        let status = response.status();
        let location = location(status, response.headers());
        let body = response.into_body().collect().await.map(Collected::to_bytes);
        let text = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
        Ok((status, location, text))
    }

    fn cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    fn keep_cookies<B>(&self, response: &Response<B>) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for set in response.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().ok().and_then(|set| set.split(';').next()?.split_once('='));
            match pair {
                Some((name, "")) => drop(cookies.remove(name)),
                Some((name, value)) => drop(cookies.insert(name.to_owned(), value.to_owned())),
                None => {}
            }
        }
    }
}

pub(super) type Visited = (StatusCode, Option<String>, String);

/// Loads a page of another server, or posts `form` to it, without cookies.
async fn elsewhere(url: &Url, form: Option<String>) -> Result<Visited> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
    let client = client.map_err(Error::internal)?;
    let request = match form {
        None => client.get(url.clone()),
        Some(form) => client
            .post(url.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form),
    };
    let response = request.send().await.map_err(|error| {
        Error::new(format!("`{url}` cannot be opened: {}", error.without_url()))
    })?;
    let status = response.status();
    let location = location(status, response.headers());
    Ok((status, location, response.text().await.unwrap_or_default()))
}

/// Where a response leads: by a redirect, or by a page that leads on.
fn location(status: StatusCode, headers: &HeaderMap) -> Option<String> {
    if status.is_redirection() {
        return headers.get(header::LOCATION)?.to_str().ok().map(str::to_owned);
    }
    headers.get(header::REFRESH)?.to_str().ok()?.strip_prefix("0;url=").map(str::to_owned)
}

/// Identifies the browser of every [`Person`]: the subject is its name, and the issuer is
/// [`Issuer::NAME`]. For [`Gate::browser`](crate::gate::Gate::browser).
#[derive(Clone, Copy, Debug, Default)]
pub struct Browsers;

#[async_trait]
impl BrowserIdentity for Browsers {
    async fn person(&self, headers: &HeaderMap) -> Result<Option<Claims>, AuthError> {
        let cookies =
            headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs: HashMap<_, _> = cookies
            .flat_map(|cookies| cookies.split("; "))
            .filter_map(|cookie| cookie.split_once('='))
            .collect();
        Ok(pairs.get(COOKIE).map(|name| Claims::new(Issuer::NAME, *name)))
    }

    fn sign_in(&self, path: &str) -> String {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("to", path).finish();
        format!("/not-signed-in?{query}")
    }
}
