//! Browser without a window, for the pages of a server in development on this machine: it signs in as
//! a person who needs no password, and agrees where the user of this command has said so.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::{
    Client, Response,
    header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE},
    redirect::Policy,
};
use url::Url;

use super::{
    page::{Form, Page},
    text::quoted,
    well_known::is_loopback,
};

/// The most pages and redirects on one way.
const MAX_STEPS: usize = 24;

/// The most bytes of a page.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// A browser of one person.
pub(crate) struct Headless {
    client: Client,
    /// By name. Cookies do not know ports, and every page is of this machine.
    cookies: BTreeMap<String, String>,
    person: String,
    /// Whether it may agree to more than the sign-in.
    consents: bool,
}

/// Where a way has ended.
#[derive(Debug)]
pub(crate) enum End {
    /// At the client, with the answer in the query.
    Client(Url),
    /// At a page that asks nothing.
    Done,
    /// At a page that only a person can go on from.
    Person(Url),
}

impl Headless {
    pub(crate) fn new(person: &str, consents: bool, timeout: Duration) -> Result<Self> {
        let client = Client::builder().redirect(Policy::none()).timeout(timeout).build()?;
        let person = person.to_owned();
        Ok(Self { client, cookies: BTreeMap::new(), person, consents })
    }

    /// Opens a link, and goes on until the client's redirect URI or the last page.
    pub(crate) async fn walk(&mut self, from: &Url, redirect_uri: Option<&Url>) -> Result<End> {
        let (mut url, mut form) = (from.clone(), None::<(Url, Vec<(String, String)>)>);
        for _ in 0..MAX_STEPS {
            if redirect_uri
                .is_some_and(|own| own.origin() == url.origin() && own.path() == url.path())
            {
                return Ok(End::Client(url));
            }
            if !is_loopback(&url) {
                return Ok(End::Person(url));
            }
            let response = self.load(&url, form.take()).await?;
            if let Some(target) = redirect(&response) {
                url = target;
                continue;
            }
            let (status, body) = (response.status(), text(response).await?);
            let page = Page(&body);
            if !status.is_success() {
                bail!("{} answers {status}: {}", url.path(), quoted(&page.title()));
            }
            if url.path().ends_with("/dev/login") {
                url = url.join(&self.own_link(&page)?)?;
                continue;
            }
            let Some(found) = page.form().filter(|form| form.decision.is_some()) else {
                return Ok(End::Done);
            };
            // The first page of consent is for the sign-in of this command itself.
            if !self.consents && !found.action.ends_with("/oauth/consent") {
                return Ok(End::Person(url));
            }
            let target = url.join(&found.action).context("the form leads nowhere")?;
            form = Some((url, self.filled(found)));
            url = target;
        }
        bail!("the pages of the sign-in do not end")
    }

    async fn load(
        &mut self,
        url: &Url,
        form: Option<(Url, Vec<(String, String)>)>,
    ) -> Result<Response> {
        let mut request = match form {
            Some((page, fields)) => {
                let origin = page.origin().ascii_serialization();
                self.client.post(url.clone()).header(ORIGIN, origin).form(&fields)
            }
            None => self.client.get(url.clone()),
        };
        if !self.cookies.is_empty() {
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(COOKIE, cookies.join("; "));
        }
        let response = request.send().await.map_err(reqwest::Error::without_url)?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let Ok(cookie) = cookie.to_str() else { continue };
            let Some((name, value)) =
                cookie.split(';').next().and_then(|pair| pair.split_once('='))
            else {
                continue;
            };
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name.trim());
            } else {
                self.cookies.insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
        Ok(response)
    }

    /// The link of the person on the page of a server in development.
    fn own_link(&self, page: &Page) -> Result<String> {
        let user = |link: &String| {
            let query = link.split_once('?')?.1;
            let mut pairs = url::form_urlencoded::parse(query.as_bytes());
            pairs.find(|(name, _)| name == "user").map(|(_, user)| user.into_owned())
        };
        let links = page.links();
        if let Some(link) = links.iter().find(|link| user(link).as_ref() == Some(&self.person)) {
            return Ok(link.clone());
        }
        let people: Vec<_> = links.iter().filter_map(user).collect();
        bail!(
            "nobody there is called {}: there are {}",
            quoted(&self.person),
            quoted(&people.join(", "))
        )
    }

    fn filled(&self, form: Form) -> Vec<(String, String)> {
        let mut fields = form.fields;
        if form.has_account {
            fields.push(("account".to_owned(), self.person.clone()));
        }
        fields.push(("decision".to_owned(), form.decision.unwrap_or_default()));
        fields
    }
}

/// Where a response leads: by `Location`, or by the `Refresh` of a page.
fn redirect(response: &Response) -> Option<Url> {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let target = if response.status().is_redirection() {
        header(LOCATION.as_str())?
    } else {
        header("refresh")?.strip_prefix("0;url=")?
    };
    response.url().join(target).ok()
}

async fn text(mut response: Response) -> Result<String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_PAGE_BYTES {
            bail!("a page is larger than {} MiB", MAX_PAGE_BYTES >> 20);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}
