//! A headless person: opens links, signs in, reads the consent page, decides.

use std::collections::HashMap;

use reqwest::{Client, Response, StatusCode, redirect::Policy};
use url::Url;

/// Somebody with a browser of their own.
#[derive(Clone, Debug)]
pub struct Person {
    name: String,
    browser: Client,
}

/// Where a person ended up.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its HTML.
    pub body: String,
    /// Every address on the way, the last included.
    pub visited: Vec<Url>,
}

impl Person {
    /// The user `name` of a forge, with a new browser.
    ///
    /// # Panics
    ///
    /// No HTTP client can be made.
    pub fn new(name: &str) -> Self {
        let browser = Client::builder()
            .redirect(Policy::none())
            .cookie_store(true)
            .build()
            .expect("an HTTP client");
        Self { name: name.to_owned(), browser }
    }

    /// Opens `url`, signs in where asked, approves, and goes on to where that leads.
    ///
    /// # Errors
    ///
    /// A page cannot be loaded.
    pub async fn approve(&self, url: &str) -> reqwest::Result<Page> {
        self.walk(url, Some("approve")).await
    }

    /// As [`Person::approve`], but denies.
    ///
    /// # Errors
    ///
    /// A page cannot be loaded.
    pub async fn deny(&self, url: &str) -> reqwest::Result<Page> {
        self.walk(url, Some("deny")).await
    }

    /// Opens `url`, follows redirects, and stops at the first page.
    ///
    /// # Errors
    ///
    /// A page cannot be loaded.
    pub async fn open(&self, url: &str) -> reqwest::Result<Page> {
        self.walk(url, None).await
    }

    async fn walk(&self, url: &str, decision: Option<&str>) -> reqwest::Result<Page> {
        let mut visited = Vec::new();
        let mut response = self.browser.get(url).send().await?;
        loop {
            visited.push(response.url().clone());
            if let Some(target) = redirect(&response) {
                response = self.browser.get(target).send().await?;
                continue;
            }
            let (url, status) = (response.url().clone(), response.status());
            let body = response.text().await?;
            let next = decision.and_then(|decision| self.fill_in(&body, decision));
            let Some((action, form)) = next else { return Ok(Page { url, status, body, visited }) };
            let target = url.join(&action).unwrap_or(url);
            response = self.browser.post(target).form(&form).send().await?;
        }
    }

    /// The form of forge's sign-in or consent page.
    fn fill_in(&self, body: &str, decision: &str) -> Option<(String, HashMap<String, String>)> {
        let action = attribute(body, "<form", "action")?;
        let mut form = HashMap::new();
        for input in body.split("<input").skip(1) {
            let input = &input[..input.find('>')?];
            if let (Some(name), Some(value)) =
                (attribute(input, "", "name"), attribute(input, "", "value"))
            {
                form.insert(name, value);
            }
        }
        match action.as_str() {
            "/login" => {
                form.insert("user".to_owned(), self.name.clone());
                form.insert("password".to_owned(), format!("{}-password", self.name));
            }
            "/consent" => drop(form.insert("decision".to_owned(), decision.to_owned())),
            _ => return None,
        }
        Some((action, form))
    }
}

fn redirect(response: &Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get("location")?.to_str().ok()?;
    response.url().join(location).ok()
}

fn attribute(html: &str, tag: &str, name: &str) -> Option<String> {
    let rest = &html[html.find(tag)?..];
    let start = rest.find(&format!("{name}=\""))? + name.len() + 2;
    let value = &rest[start..];
    Some(value[..value.find('"')?].replace("&amp;", "&"))
}
