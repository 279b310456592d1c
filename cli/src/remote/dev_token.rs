//! Tokens of people of a server in development, which `Server::dev` gives to this machine.

use anyhow::{Context, Result, bail};
use url::Url;

use super::{
    http::{Answer, Http},
    text::quoted,
    well_known::is_loopback,
};

const PATH: &str = "/dev/token";

/// The token of a person.
pub(crate) async fn of(http: &Http, endpoint: &Url, person: &str) -> Result<String> {
    if !is_loopback(endpoint) {
        bail!("people without a password are those of a server on this machine");
    }
    let answer = ask(http, endpoint, person).await?;
    let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
    match answer.status {
        200 => Ok(text),
        400 => bail!("nobody there is called {}: {}", quoted(person), quoted(&text)),
        status => bail!(
            "{} is no server in development: {PATH} answers {status}",
            endpoint.origin().ascii_serialization()
        ),
    }
}

/// The first person, if the server is one in development.
pub(crate) async fn anyone(http: &Http, endpoint: &Url) -> Option<String> {
    let answer = ask(http, endpoint, "").await.ok().filter(|answer| answer.status == 400)?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let people = text.trim().strip_prefix("`user` is one of: ")?;
    people.split(", ").next().map(str::to_owned)
}

async fn ask(http: &Http, endpoint: &Url, person: &str) -> Result<Answer> {
    let mut url = endpoint.join(PATH).context("the URL has no origin")?;
    url.query_pairs_mut().append_pair("user", person);
    http.get(&url).await.map_err(|failure| anyhow::anyhow!("{failure}"))
}
