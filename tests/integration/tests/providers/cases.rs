//! The cases, each from the consent on, against a stand-in of its own.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::json;
use toolgate::{
    grant::ManualClock,
    provider::profile::{RefreshTokens, Rotation},
    testing::{Answer, Client, Person},
};

use super::{
    table::{MissingScope, Row},
    upstream::Upstream,
};

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Link,
    Broker,
    Refresh,
    RefusedRefresh,
    WithheldScope,
    DeadToken,
    RateLimit,
    Revocation,
}

impl Case {
    pub(super) const ALL: [Self; 8] = [
        Self::Link,
        Self::Broker,
        Self::Refresh,
        Self::RefusedRefresh,
        Self::WithheldScope,
        Self::DeadToken,
        Self::RateLimit,
        Self::Revocation,
    ];

    /// The head of its column.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Link => "consent by link",
            Self::Broker => "by broker",
            Self::Refresh => "refresh",
            Self::RefusedRefresh => "refused refresh",
            Self::WithheldScope => "withheld scope",
            Self::DeadToken => "dead token",
            Self::RateLimit => "rate limit",
            Self::Revocation => "revocation",
        }
    }
}

/// What a cell of the matrix says, or why the case failed.
pub(super) type Outcome = Result<&'static str, String>;

/// What a case that has nothing else to say says.
const PASSED: &str = "yes";

macro_rules! ensure {
    ($condition:expr, $($why:tt)*) => {
        if !$condition {
            return Err(format!($($why)*));
        }
    };
}

/// Runs a case against a new stand-in.
pub(super) async fn run(row: &Row, case: Case) -> Outcome {
    let upstream = (row.start)().await;
    let upstream = &*upstream;
    match case {
        Case::Link => link(row, upstream).await,
        Case::Broker => broker(row, upstream).await,
        Case::Refresh => refresh(row, upstream).await,
        Case::RefusedRefresh => refused_refresh(row, upstream).await,
        Case::WithheldScope => withheld_scope(row, upstream).await,
        Case::DeadToken => dead_token(row, upstream).await,
        Case::RateLimit => rate_limit(row, upstream).await,
        Case::Revocation => revocation(row, upstream).await,
    }
}

/// A client whose user has connected the account for the tool that reads.
struct Connected {
    client: Client,
    person: Person,
    clock: Arc<ManualClock>,
}

async fn connect(row: &Row, upstream: &dyn Upstream) -> Result<Connected, String> {
    let clock = Arc::new(ManualClock::at(SystemTime::now()));
    let server = upstream.server(None).clock(clock.clone()).tools((row.tools)());
    let client = Client::of(server).await.map_err(|error| error.to_string())?;
    let person = client.person("alice");
    follow(&person, &client.call("read", json!({})).await).await?;
    Ok(Connected { client, person, clock })
}

/// Opens the link of a response that asks for consent.
async fn follow(person: &Person, answer: &Answer) -> Result<(), String> {
    let link = answer.link().ok_or_else(|| format!("no link: {}", answer.body()))?;
    let page = person.open(link).await.map_err(|error| error.to_string())?;
    ensure!(page.text().contains("is connected"), "the page says: {}", page.text());
    Ok(())
}

/// Fails unless the tool that reads got what the API answers.
fn check_read(answer: &Answer) -> Result<(), String> {
    let is_good = answer.status() == 200 && !answer.is_error() && answer.link().is_none();
    ensure!(is_good && !answer.text().is_empty(), "the tool that reads: {}", answer.body());
    Ok(())
}

async fn read(connected: &Connected) -> Result<(), String> {
    check_read(&connected.client.call("read", json!({})).await)
}

async fn link(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let connected = connect(row, upstream).await?;
    read(&connected).await?;
    let counts = upstream.counts();
    let answered = counts.answered - row.identifications(counts.codes);
    ensure!(counts.codes == 1 && answered == 1, "{counts:?}");
    follow(&connected.person, &connected.client.call("write", json!({})).await).await?;
    let written = connected.client.call("write", json!({})).await;
    ensure!(!written.is_error() && written.link().is_none(), "{}", written.body());
    Ok(PASSED)
}

async fn broker(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let Some(user) = row.user else { return Ok("not for a broker") };
    let server = upstream.server(Some(user)).tools((row.tools)());
    let client = Client::of(server).await.map_err(|error| error.to_string())?;
    let person = client.person("alice");
    let alice = client.sign_in(&person, row.read).await.map_err(|error| error.to_string())?;
    check_read(&alice.call("read", json!({})).await)?;
    ensure!(upstream.counts().codes == 1, "{:?}", upstream.counts());
    Ok(PASSED)
}

async fn refresh(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let profile = upstream.profile();
    let connected = connect(row, upstream).await?;
    let pass = |seconds: u64| {
        upstream.advance(Duration::from_secs(seconds));
        connected.clock.advance(Duration::from_secs(seconds));
    };
    let Some(life) = profile.access_ttl else {
        pass(365 * 86_400);
        read(&connected).await?;
        ensure!(upstream.counts().refreshes == 0, "{:?}", upstream.counts());
        return Ok("does not expire");
    };
    for round in 1..=2 {
        pass(life + 1);
        read(&connected).await?;
        ensure!(upstream.counts().refreshes == round, "{:?}", upstream.counts());
    }
    let says_lifetime = profile.granted.contains("$expires_in");
    ensure!(
        upstream.counts().dead_tokens == 0 || !says_lifetime,
        "the lifetime was not read: {:?}",
        upstream.counts()
    );
    let (says, can_repeat) = match profile.rotation {
        Rotation::None | Rotation::Repeated => ("keeps its token", true),
        Rotation::OldStaysGood => ("rotates, the old one stays", true),
        Rotation::Leeway(600) => ("rotates, 10 minutes of leeway", true),
        Rotation::Leeway(_) => ("rotates, 30 minutes of leeway", true),
        Rotation::OldIsRefused | Rotation::OldEndsGrant => ("rotates", false),
    };
    if can_repeat {
        upstream.lose_next_tokens();
        pass(life + 1);
        read(&connected).await.map_err(|error| format!("after a lost answer: {error}"))?;
    }
    Ok(says)
}

async fn refused_refresh(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let connected = connect(row, upstream).await?;
    upstream.revoke_grants();
    let asked = connected.client.call("read", json!({})).await;
    let has_refresh = upstream.profile().refresh_tokens != RefreshTokens::Never;
    let counts = upstream.counts();
    ensure!(!has_refresh || counts.refused_refreshes >= 1, "{counts:?}");
    follow(&connected.person, &asked).await?;
    read(&connected).await?;
    Ok(if has_refresh { PASSED } else { "no refresh token" })
}

async fn withheld_scope(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let connected = connect(row, upstream).await?;
    let Connected { client, person, .. } = &connected;
    let may_withhold = upstream.profile().names_granted_scopes();
    if may_withhold {
        let asks = client.call("write", json!({})).await;
        follow(&person.withholds(row.write), &asks).await?;
        let again = client.call("write", json!({})).await;
        let is_refused = again.is_error() || again.link().is_some();
        ensure!(is_refused, "a scope that was withheld: {}", again.body());
        let counts = upstream.counts();
        ensure!(counts.answered == row.identifications(counts.codes), "{counts:?}");
        read(&connected).await?;
    }
    let beyond = client.call("beyond", json!({})).await;
    match row.missing_scope {
        MissingScope::Never => return Ok("no scopes"),
        MissingScope::Said => {
            let text = beyond.text();
            ensure!(text.starts_with("scope missing"), "the API's answer: {}", beyond.body());
        }
        MissingScope::Refused => {
            ensure!(beyond.is_error() && beyond.link().is_none(), "{}", beyond.body());
        }
        MissingScope::AsDeadToken => {
            ensure!(beyond.link().is_some(), "{}", beyond.body());
        }
    }
    Ok(match (may_withhold, row.missing_scope) {
        (_, MissingScope::AsDeadToken) => "yes; the API says 401",
        (false, MissingScope::Said) => "all or nothing",
        (false, _) => "all or nothing; the API names none",
        (true, MissingScope::Refused) => "yes; the API names none",
        (true, _) => PASSED,
    })
}

async fn dead_token(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let connected = connect(row, upstream).await?;
    upstream.expire_access_tokens();
    if upstream.profile().refresh_tokens == RefreshTokens::Never {
        let asked = connected.client.call("read", json!({})).await;
        follow(&connected.person, &asked).await?;
        read(&connected).await?;
        return Ok("asks again");
    }
    read(&connected).await?;
    let counts = upstream.counts();
    ensure!(counts.dead_tokens == 1 && counts.refreshes == 1, "{counts:?}");
    Ok("refreshes")
}

async fn rate_limit(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let connected = connect(row, upstream).await?;
    upstream.limit_requests(1);
    let limited = connected.client.call("read", json!({})).await;
    let text = limited.text();
    let mut headers = upstream.profile().rate_limited.headers.iter();
    let says_when = headers.any(|(_, value)| value.contains("$wait") || value.contains("$reset"));
    let wait = text.strip_prefix("limited: ").ok_or_else(|| limited.body().to_string())?;
    let seconds = wait.strip_prefix("Some(").and_then(|wait| wait.strip_suffix(')')?.parse().ok());
    let seconds: Option<u64> = seconds;
    match seconds {
        Some(seconds) => ensure!((1..=31).contains(&seconds) && says_when, "{wait}"),
        None => ensure!(!says_when, "when to come back was not read: {wait}"),
    }
    read(&connected).await?;
    Ok(if says_when { "says when" } else { "does not say when" })
}

async fn revocation(row: &Row, upstream: &dyn Upstream) -> Outcome {
    let connected = connect(row, upstream).await?;
    let page = connected.person.disconnect(upstream.id()).await;
    let page = page.map_err(|error| error.to_string())?;
    let counts = upstream.counts();
    if upstream.profile().revocation.is_none() {
        ensure!(page.text().contains("offers no way"), "{}", page.text());
        return Ok("by the person");
    }
    ensure!(page.text().contains("has revoked the access"), "{counts:?} {}", page.text());
    ensure!(counts.revocations >= 1, "{counts:?}");
    let asked = connected.client.call("read", json!({})).await;
    ensure!(asked.link().is_some(), "{}", asked.body());
    Ok(PASSED)
}
