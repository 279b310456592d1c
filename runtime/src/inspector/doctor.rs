//! Doctor: checks of a server's own configuration, each with what to do.

use std::time::{Duration, Instant, SystemTime};

use http::header;
use serde::Serialize;
use url::Url;

use super::tools;
#[cfg(feature = "broker")]
use crate::broker::Broker;
use crate::{
    consent::Consents,
    gate::{self, ServerMetadata, resource_server::ResourceServer},
    grant::GrantKey,
    http::PATH,
    mcp::dispatch::Dispatch,
    support::{http_client, url::is_loopback},
};

/// How far two clocks may differ.
const MAX_CLOCK_SKEW: Duration = Duration::from_secs(30);

/// How long the store may take to answer.
const SLOW_STORE: Duration = Duration::from_secs(1);

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckOutcome {
    Ok,
    Warning,
    Fault,
    Skipped,
}

/// One check.
#[derive(Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) outcome: CheckOutcome,
    /// What was found.
    pub(crate) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) todo: Option<String>,
}

/// The server that is examined.
pub(crate) struct Patient<'a> {
    pub(crate) dispatch: &'a Dispatch,
    /// The server's URL.
    pub(crate) base: &'a Url,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<&'a Broker>,
}

impl Check {
    fn new(name: &'static str, outcome: CheckOutcome, found: impl Into<String>) -> Self {
        Self { name, outcome, found: found.into(), todo: None }
    }

    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, CheckOutcome::Ok, found)
    }

    fn todo(mut self, what: impl Into<String>) -> Self {
        self.todo = Some(what.into());
        self
    }
}

/// Makes every check.
pub(crate) async fn examine(patient: &Patient<'_>) -> Vec<Check> {
    let mut checks = Vec::new();
    match &patient.dispatch.resource_server {
        None => checks.push(Check::new(
            "Gate",
            CheckOutcome::Skipped,
            "callers are not verified, so only this machine is answered",
        )),
        Some(gate) => {
            checks.push(resource(gate, patient.base));
            checks.extend(sign_in(patient, gate).await);
        }
    }
    checks.extend(redirect_uris(patient));
    checks.push(store(patient.dispatch).await);
    checks.push(proxy(patient.base));
    checks
}

/// The resource that tokens are for is the URL of the endpoint.
fn resource(gate: &ResourceServer, base: &Url) -> Check {
    let url = format!("{}{PATH}", base.as_str().trim_end_matches('/'));
    let resource = gate.resource();
    if resource == url {
        return Check::ok("Resource", format!("{resource}, the same as the URL"));
    }
    let found = format!("tokens are for {resource}, and the URL is {url}");
    Check::new("Resource", CheckOutcome::Warning, found)
        .todo("Hosts compare the two: set the same host and path in `Gate::resource` and `Server::public_url`.")
}

async fn sign_in(patient: &Patient<'_>, gate: &ResourceServer) -> Vec<Check> {
    #[cfg(feature = "broker")]
    if let Some(broker) = patient.broker {
        let keys = match broker.jwks().await {
            Ok(keys) => Check::ok("Key", format!("{} keys in the store", keys.keys.len())),
            Err(error) => Check::new("Key", CheckOutcome::Fault, error.to_string())
                .todo("Without its store the broker signs no tokens: see the log."),
        };
        let found = format!("the server's own broker, {}", broker.issuer());
        return vec![
            Check::ok("Issuer metadata", found),
            Check::ok("PKCE", "S256"),
            Check::ok("Registration", "dynamic registration and client documents"),
            keys,
        ];
    }
    let _ = patient;
    let issuers = gate.authorization_servers();
    let Some(issuer) = issuers.first() else {
        return vec![
            Check::new("Issuer metadata", CheckOutcome::Fault, "the verifier names no issuer")
                .todo("Hosts find the sign-in by it: implement `Verifier::authorization_servers`."),
        ];
    };
    let http = match http_client::client() {
        Ok(http) => http,
        Err(error) => {
            return vec![Check::new("Issuer metadata", CheckOutcome::Fault, error.to_string())];
        }
    };
    let mut checks = match gate::discover(&http, issuer).await {
        Ok(metadata) => {
            let mut checks = of_metadata(&metadata);
            checks.push(clock(&http, issuer).await);
            checks
        }
        Err(error) => vec![
            Check::new("Issuer metadata", CheckOutcome::Fault, format!("{issuer}: {error}"))
                .todo("Compare the issuer with `issuer` in its metadata, and see whether this machine reaches it."),
        ],
    };
    checks.extend(of_product(gate.host_notes()));
    checks
}

/// What is known of the product of the issuer, whose settings cannot be seen from here.
fn of_product(notes: &[&str]) -> Vec<Check> {
    let check = |note: &&str| {
        Check::new("Identity provider", CheckOutcome::Skipped, *note)
            .todo("The documentation of the preset has the steps in the product's console.")
    };
    notes.iter().map(check).collect()
}

fn of_metadata(metadata: &ServerMetadata) -> Vec<Check> {
    let mut checks = vec![Check::ok("Issuer metadata", format!("found at {}", metadata.issuer))];
    let methods = metadata.challenges.as_deref().unwrap_or_default();
    checks.push(if methods.iter().any(|method| method == "S256") {
        Check::ok("PKCE", "S256")
    } else {
        Check::new("PKCE", CheckOutcome::Fault, "S256 is not among `code_challenge_methods_supported`")
            .todo("Hosts refuse an authorization server without it: switch PKCE on there, or put a broker in front.")
    });
    checks.push(registration(metadata));
    checks.push(if metadata.names_itself {
        Check::ok("Issuer in answers", "sent (RFC 9207)")
    } else {
        Check::new("Issuer in answers", CheckOutcome::Warning, "not sent")
            .todo("Some hosts ask for `iss` in authorization responses, against mix-up (RFC 9207).")
    });
    checks
}

/// How hosts become clients of the issuer.
fn registration(metadata: &ServerMetadata) -> Check {
    let found = match (metadata.reads_client_documents, metadata.registration_endpoint.is_some()) {
        (true, true) => "dynamic registration and client documents",
        (true, false) => "client documents",
        (false, true) => "dynamic registration",
        (false, false) => {
            return Check::new("Registration", CheckOutcome::Warning, "hosts cannot register themselves")
                .todo("Register a client for each host there, or put a broker in front (`Server::broker`).");
        }
    };
    Check::ok("Registration", found)
}

/// The clock of the issuer, as its `Date` shows it.
async fn clock(http: &reqwest::Client, issuer: &str) -> Check {
    let answer = http.head(issuer).send().await.ok();
    let date = answer.and_then(|answer| {
        httpdate::parse_http_date(answer.headers().get(header::DATE)?.to_str().ok()?).ok()
    });
    let Some(date) = date else {
        return Check::new("Clock", CheckOutcome::Skipped, "the issuer does not say its time");
    };
    let now = SystemTime::now();
    let skew = now.duration_since(date).unwrap_or_else(|error| error.duration());
    let found = format!("{} s from the issuer's", skew.as_secs());
    if skew <= MAX_CLOCK_SKEW {
        return Check::ok("Clock", found);
    }
    Check::new("Clock", CheckOutcome::Fault, found)
        .todo("Tokens are refused as expired, or as not valid yet: set the clock by NTP.")
}

/// The redirect URIs that providers must know. Only they can say whether they do.
fn redirect_uris(patient: &Patient<'_>) -> Vec<Check> {
    let consents: &Consents = &patient.dispatch.prompts.consents;
    let check = |provider: &'static str| {
        let uri = consents.url(&format!("{}/{provider}", crate::browser::CALLBACK_PATH));
        Check::new("Redirect URI", CheckOutcome::Skipped, format!("{provider}: {uri}"))
            .todo(format!("Register exactly this at {provider}, if a sign-in there fails."))
    };
    tools::providers(patient.dispatch).into_iter().map(check).collect()
}

async fn store(dispatch: &Dispatch) -> Check {
    let began = Instant::now();
    let key = GrantKey::new("toolgate doctor", "none");
    match dispatch.grants.store().load(&key).await {
        Ok(_) if began.elapsed() < SLOW_STORE => Check::ok("Store", "it answers"),
        Ok(_) => Check::new("Store", CheckOutcome::Warning, "it took more than a second")
            .todo("Every call reads a grant: see what the store waits for."),
        Err(error) => Check::new("Store", CheckOutcome::Fault, error.to_string())
            .todo("Without the store nobody is connected."),
    }
}

fn proxy(base: &Url) -> Check {
    if is_loopback(base) {
        return Check::new("Proxy", CheckOutcome::Skipped, "only this machine connects");
    }
    Check::new("Proxy", CheckOutcome::Skipped, format!("{base} is reached from outside"))
        .todo("If a proxy stands before the server, name it with `--trusted-proxy`.")
}

/// The checks as lines for a terminal.
pub(crate) fn report(checks: &[Check]) -> String {
    let mut lines = Vec::new();
    for check in checks {
        let mark = match check.outcome {
            CheckOutcome::Ok => "ok     ",
            CheckOutcome::Warning => "warning",
            CheckOutcome::Fault => "FAULT  ",
            CheckOutcome::Skipped => "-      ",
        };
        lines.push(format!("{mark}  {:18} {}", check.name, check.found));
        if let Some(todo) = check.todo.as_ref().filter(|_| check.outcome != CheckOutcome::Ok) {
            lines.push(format!("{:28}{todo}", ""));
        }
    }
    lines.join("\n")
}

/// Whether a check found a fault.
pub(crate) fn has_fault(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.outcome == CheckOutcome::Fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(challenges: Option<&[&str]>, names_itself: bool) -> ServerMetadata {
        let owned = |list: &[&str]| list.iter().map(|&method| method.to_owned()).collect();
        ServerMetadata {
            issuer: "https://login.example".to_owned(),
            jwks_uri: None,
            authorization_endpoint: None,
            token_endpoint: None,
            names_itself,
            challenges: challenges.map(owned),
            registration_endpoint: names_itself
                .then(|| "https://login.example/register".to_owned()),
            reads_client_documents: false,
        }
    }

    #[test]
    fn what_hosts_need_of_an_issuer_is_checked() {
        let good = of_metadata(&metadata(Some(&["plain", "S256"]), true));
        assert!(good.iter().all(|check| check.outcome == CheckOutcome::Ok), "{good:?}");
        let bad = of_metadata(&metadata(None, false));
        assert!(has_fault(&bad));
        let report = report(&bad);
        assert!(report.contains("FAULT    PKCE"), "{report}");
        assert!(report.contains("put a broker in front"), "{report}");
        assert!(report.contains("hosts cannot register themselves"), "{report}");
    }

    #[test]
    fn what_hosts_cannot_do_at_a_product_is_said() {
        use crate::gate::{Verifier as _, cognito};

        let verifier = cognito("eu-west-1", "eu-west-1_A", ["client"]).unwrap();
        let checks = of_product(verifier.host_notes());
        assert!(!has_fault(&checks));
        assert!(report(&checks).contains("hosts cannot register themselves there"), "{checks:?}");
    }

    #[test]
    fn a_proxy_is_named_where_others_reach_the_server() {
        let check = |url: &str| proxy(&Url::parse(url).unwrap()).todo;
        assert!(check("http://127.0.0.1:8765/").is_none());
        assert!(check("https://tools.example/").is_some());
    }
}
