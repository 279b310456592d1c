//! A person at a browser, who signs in at JupyterHub and agrees, or unticks a box.

use reqwest::{Client, redirect::Policy};
use url::Url;

use crate::hub::PASSWORD;

/// A person with a browser of theirs.
pub(crate) struct Person {
    name: String,
    http: Client,
}

/// Where a visit ended, and what was seen on the way.
pub(crate) struct Visit {
    pub(crate) url: Url,
    pub(crate) page: String,
    /// The scopes on the hub's consent pages.
    pub(crate) offered: Vec<String>,
    /// The broker's consent pages.
    pub(crate) consents: Vec<String>,
    /// How often the hub was asked for an authorization.
    pub(crate) asked: usize,
}

impl Visit {
    /// A parameter of the URL at which it ended.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }
}

impl Person {
    pub(crate) fn new(name: &str) -> Self {
        let http = Client::builder().redirect(Policy::none()).cookie_store(true).build();
        Self { name: name.to_owned(), http: http.expect("an HTTP client") }
    }

    /// Opens a link and says yes to everything but the scopes `untick`, until there is nothing more
    /// to fill in or the browser is sent back to an application.
    pub(crate) async fn visit(&self, link: &str, untick: &[&str]) -> Visit {
        let mut request = self.http.get(link);
        let (mut offered, mut consents, mut asked) = (Vec::new(), Vec::new(), 0);
        for _ in 0..40 {
            let answer = request.send().await.expect("the page loads");
            let url = answer.url().clone();
            let onward = answer.headers().get("location").and_then(|to| to.to_str().ok());
            if let Some(onward) = onward.and_then(|onward| url.join(onward).ok()) {
                if onward.path().starts_with("/app/") {
                    return Visit { url: onward, page: String::new(), offered, consents, asked };
                }
                asked += usize::from(is_request(&onward) && !is_request(&url));
                request = self.http.get(onward);
                continue;
            }
            let page = answer.text().await.expect("a page");
            let Some((action, mut fields)) = form(&page) else {
                return Visit { url, page, offered, consents, asked };
            };
            for (name, value) in &mut fields {
                match name.as_str() {
                    "username" => value.clone_from(&self.name),
                    "password" => PASSWORD.clone_into(value),
                    _ => {}
                }
            }
            let boxes = fields.iter().filter(|(name, _)| name == "scopes");
            offered.extend(boxes.map(|(_, scope)| scope.clone()));
            fields.retain(|(name, value)| name != "scopes" || !untick.contains(&value.as_str()));
            if page.contains("name=\"decision\"") {
                fields.retain(|(name, _)| name != "decision");
                fields.push(("decision".to_owned(), "allow".to_owned()));
                consents.push(page);
            }
            let target = url.join(&action).expect("a URL");
            request = self.http.post(target).header("referer", url.as_str()).form(&fields);
        }
        panic!("{} is sent round and round from {link}", self.name)
    }
}

fn is_request(url: &Url) -> bool {
    url.path().ends_with("/oauth2/authorize")
}

/// The last form of a page that is posted: where it goes, and its fields.
fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let forms = page.split("<form").skip(1).filter_map(|form| form.split("</form>").next());
    let form =
        forms.filter(|form| opening(form).to_lowercase().contains("method=\"post\"")).last()?;
    let fields = form.split("<input").skip(1).chain(form.split("<button").skip(1));
    let fields = fields.map(opening).filter_map(|tag| {
        Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
    });
    Some((attribute(opening(form), "action").unwrap_or_default(), fields.collect()))
}

fn opening(tag: &str) -> &str {
    tag.split('>').next().unwrap_or_default()
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, value) = tag
        .split_once(&format!(" {name}=\""))
        .or_else(|| tag.split_once(&format!("\n{name}=\"")))?;
    let value = value.split('"').next()?;
    let named =
        [("&#x3D;", "="), ("&#39;", "'"), ("&#34;", "\""), ("&quot;", "\""), ("&amp;", "&")];
    Some(named.iter().fold(value.to_owned(), |text, (name, sign)| text.replace(name, sign)))
}
