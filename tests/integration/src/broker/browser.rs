//! A person with a browser: follows links, fills in forms, and stops where an application begins.

use std::collections::HashMap;

use reqwest::{
    Client, Response, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use url::Url;

/// A browser with cookies of its own.
#[derive(Clone, Debug)]
pub struct Browser {
    http: Client,
}

/// Where a browser is.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its address; of an application, that is where it was sent.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its HTML.
    pub body: String,
    /// Every address on the way, the last included.
    pub visited: Vec<Url>,
    /// It is an application's: the browser was sent there and did not go.
    pub is_application: bool,
}

/// What an application receives.
#[derive(Clone, Debug)]
pub struct Answer(HashMap<String, String>);

impl Answer {
    /// A parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The code.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn code(&self) -> &str {
        self.get("code").unwrap_or_else(|| panic!("no code: {self:?}"))
    }
}

impl Page {
    /// What the application receives.
    ///
    /// # Panics
    ///
    /// The browser is not at an application.
    pub fn answer(&self) -> Answer {
        assert!(self.is_application, "at {} ({}): {}", self.url, self.status, self.body);
        let pairs: Vec<_> = self.url.query_pairs().into_owned().collect();
        let answer: HashMap<_, _> = pairs.iter().cloned().collect();
        assert_eq!(answer.len(), pairs.len(), "a parameter twice: {}", self.url);
        Answer(answer)
    }

    /// The broker asks for consent.
    pub fn is_consent(&self) -> bool {
        self.body.contains("/oauth/consent\"")
    }

    /// The form's hidden fields.
    pub fn form(&self) -> HashMap<String, String> {
        self.body
            .split("<input")
            .skip(1)
            .filter_map(|input| {
                let input = &input[..input.find('>')?];
                Some((attribute(input, "name")?, attribute(input, "value")?))
            })
            .collect()
    }

    /// Where the form goes.
    ///
    /// # Panics
    ///
    /// There is no form.
    pub fn action(&self) -> Url {
        let form = self.body.split("<form").nth(1).unwrap_or_else(|| panic!("{}", self.body));
        let action = attribute(form, "action").expect("a form has an action");
        self.url.join(&action).expect("a URL")
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn attribute(html: &str, name: &str) -> Option<String> {
    let start = html.find(&format!("{name}=\""))? + name.len() + 2;
    let value = &html[start..];
    Some(value[..value.find('"')?].replace("&amp;", "&"))
}

fn is_application(url: &Url) -> bool {
    !matches!(url.scheme(), "http" | "https")
        || url.host_str() == Some("app.example")
        || url.path().starts_with("/app/")
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Browser {
    /// A browser without cookies.
    ///
    /// # Panics
    ///
    /// No HTTP client can be made.
    pub fn new() -> Self {
        let http = Client::builder().redirect(Policy::none()).cookie_store(true).build();
        Self { http: http.expect("an HTTP client") }
    }

    /// A browser at this address, for a server that reads it from the header `x-peer`.
    ///
    /// # Panics
    ///
    /// No HTTP client can be made.
    pub fn at_address(address: &str) -> Self {
        let address = HeaderValue::from_str(address).expect("an address fits into a header");
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-peer"), address)]);
        let http = Client::builder().redirect(Policy::none()).cookie_store(true);
        let http = http.default_headers(headers).build();
        Self { http: http.expect("an HTTP client") }
    }

    /// Opens `url`, follows redirects, and stops at the first page, or at an application.
    ///
    /// # Panics
    ///
    /// A page cannot be loaded.
    pub async fn open(&self, url: &str) -> Page {
        self.follow(self.http.get(url).send().await.expect("the page loads")).await
    }

    /// Sends a form of a page, with some fields more or other.
    ///
    /// # Panics
    ///
    /// A page cannot be loaded.
    pub async fn send(
        &self,
        page: &Page,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let mut form = page.form();
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let mut request = self.http.post(page.action()).form(&form);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.follow(request.send().await.expect("the form is sent")).await
    }

    /// Says yes or no to the broker.
    pub async fn decide(&self, page: &Page, decision: &str) -> Page {
        assert!(page.is_consent(), "at {} ({}): {}", page.url, page.status, page.body);
        self.send(page, &[("decision", decision)], &[]).await
    }

    /// Signs in at forge as `user` and approves, wherever that leads, until it is no page of
    /// forge's.
    pub async fn at_forge(&self, mut page: Page, user: &str, decision: &str) -> Page {
        loop {
            if page.is_application || page.is_consent() {
                return page;
            }
            let next = if page.body.contains("action=\"/login\"") {
                let password = format!("{user}-password");
                self.send(&page, &[("user", user), ("password", &password)], &[]).await
            } else if page.body.contains("action=\"/consent\"") {
                self.send(&page, &[("decision", decision)], &[]).await
            } else if page.url.path() == "/dev/login" {
                let link =
                    page.body.split("href=\"").find(|l| l.contains(&format!("user={user}\"")));
                let link =
                    link.and_then(|link| link.split('"').next()).expect("a link of the person's");
                let link = page.url.join(&link.replace("&amp;", "&")).expect("a URL");
                self.open(link.as_str()).await
            } else {
                return page;
            };
            let mut visited = page.visited;
            visited.extend(next.visited.clone());
            page = Page { visited, ..next };
        }
    }

    /// Opens `url` and says yes to everything, as `user`.
    pub async fn sign_in(&self, url: &str, user: &str) -> Page {
        let mut page = self.open(url).await;
        if page.is_consent() {
            let next = self.decide(&page, "allow").await;
            let mut visited = page.visited;
            visited.extend(next.visited.clone());
            page = Page { visited, ..next };
        }
        self.at_forge(page, user, "approve").await
    }

    async fn follow(&self, mut response: Response) -> Page {
        let mut visited = Vec::new();
        loop {
            visited.push(response.url().clone());
            let target = response.headers().get("location").and_then(|to| to.to_str().ok());
            let target = target.and_then(|to| response.url().join(to).ok());
            match target.filter(|_| response.status().is_redirection()) {
                Some(target) if is_application(&target) => {
                    visited.push(target.clone());
                    return Page {
                        url: target,
                        status: response.status(),
                        headers: response.headers().clone(),
                        body: String::new(),
                        visited,
                        is_application: true,
                    };
                }
                Some(target) => {
                    response = self.http.get(target).send().await.expect("the page loads");
                }
                None => {
                    return Page {
                        url: response.url().clone(),
                        status: response.status(),
                        headers: response.headers().clone(),
                        body: response.text().await.expect("the page is text"),
                        visited,
                        is_application: false,
                    };
                }
            }
        }
    }
}
