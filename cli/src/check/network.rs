//! Connection to the server: its name, its port, its certificate, its clock.

use std::time::SystemTime;

use reqwest::{Method, header::DATE};
use serde_json::json;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::Url;

use super::{examination::Examination, rules::access};
use crate::remote::{
    http::{Answer, Failure, Read},
    mcp::{self, message_headers},
    well_known::is_loopback,
};

/// How far two clocks may differ, in seconds.
const MAX_SKEW: u64 = 30;

/// The answer to the first message, which has no token.
pub(super) async fn examine(exam: &mut Examination) -> Option<Answer> {
    address(exam).await?;
    https(exam);
    let first = first(exam).await?;
    clock(exam, &first);
    let Some(target) = first.redirect() else { return Some(first) };
    let seen = format!("{} to {target}", first.status);
    exam.report.violated(&access::REDIRECT, seen);
    follow(exam, target)?;
    self::first(exam).await
}

/// Goes on at the URL that the endpoint redirects to. The token is that of a server, and is not sent to
/// another one.
fn follow(exam: &mut Examination, target: Url) -> Option<()> {
    let is_same_origin = target.origin() == exam.endpoint.origin();
    if !is_same_origin && target.scheme() != "https" {
        exam.report.end("it leads to a server without https");
        return None;
    }
    let from = &exam.endpoint;
    // The same server over TLS, each at the port of its scheme.
    let is_upgrade = from.scheme() == "http"
        && target.host() == from.host()
        && from.port().is_none()
        && target.port().is_none();
    if !is_same_origin && !is_upgrade && exam.options.token.take().is_some() {
        exam.withholds_token = true;
    }
    exam.endpoint = target;
    Some(())
}

async fn address(exam: &mut Examination) -> Option<()> {
    // The proxy resolves names, and opens connections.
    let has_proxy = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    if has_proxy && !is_loopback(&exam.endpoint) {
        exam.report.skipped(&access::ADDRESS, "requests go through a proxy");
        return Some(());
    }
    let (host, port) = (exam.endpoint.host_str()?, exam.endpoint.port_or_known_default()?);
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let unreachable = |exam: &mut Examination, seen: String| {
        exam.report.violated(&access::ADDRESS, &seen);
        exam.report.end(seen);
    };
    let limit = exam.http.timeout();
    let addresses: Vec<_> = match timeout(limit, lookup_host((host.as_str(), port))).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => {
            unreachable(exam, format!("{host} does not resolve: {error}"));
            return None;
        }
        Err(_) => {
            unreachable(exam, format!("{host} does not resolve in time"));
            return None;
        }
    };
    let mut last = "no address".to_owned();
    for address in &addresses {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                exam.report.ok(&access::ADDRESS, address.to_string());
                return Some(());
            }
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no answer in time"),
        }
    }
    unreachable(exam, last);
    None
}

fn https(exam: &mut Examination) {
    match (exam.endpoint.scheme(), is_loopback(&exam.endpoint)) {
        ("https", _) => {}
        (_, true) => exam.report.ok(&access::HTTPS, "this machine alone"),
        (_, false) => exam.report.violated(&access::HTTPS, exam.endpoint.as_str()),
    }
}

/// Sends `initialize` without a token.
async fn first(exam: &mut Examination) -> Option<Answer> {
    let message = mcp::initialize(mcp::LEGACY, &json!({}));
    let request = exam.http.request(Method::POST, &exam.endpoint);
    let request = message_headers(request).body(message.to_string());
    match exam.http.send(request, Read::Message).await {
        Ok(answer) => {
            if exam.endpoint.scheme() == "https" {
                exam.report.ok(&access::TLS, "the certificate is good");
            }
            Some(answer)
        }
        Err(failure) => {
            let seen = failure.to_string();
            match failure {
                Failure::Tls(_) => exam.report.violated(&access::TLS, &seen),
                // The port accepts connections, as was seen.
                Failure::Connect(_) if exam.endpoint.scheme() == "https" => {
                    exam.report.violated(&access::TLS, &seen);
                }
                _ => exam.report.violated(&access::ADDRESS, &seen),
            }
            exam.report.end(seen);
            None
        }
    }
}

fn clock(exam: &mut Examination, answer: &Answer) {
    let date = answer.header(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
    let Some(date) = date else {
        return exam.report.skipped(&access::CLOCK, "the server does not say its time");
    };
    let now = SystemTime::now();
    let skew = now.duration_since(date).unwrap_or_else(|error| error.duration()).as_secs();
    let seen = format!("{skew} s from this machine's");
    exam.report.judge(&access::CLOCK, if skew <= MAX_SKEW { Ok(seen) } else { Err(seen) });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        check::{examination::Options, finding::Report},
        remote::http::Http,
    };

    #[test]
    fn the_token_stays_with_its_server() {
        for (from, to, is_kept) in [
            ("https://tools.example/mcp", "https://tools.example/v2/mcp", true),
            ("http://tools.example/mcp", "https://tools.example/mcp", true),
            ("http://127.0.0.1:1/mcp", "http://127.0.0.1:1/moved", true),
            ("https://tools.example/mcp", "https://evil.example/mcp", false),
            ("https://tools.example/mcp", "https://tools.example:8443/mcp", false),
            ("http://tools.example:8080/mcp", "https://tools.example/mcp", false),
            ("http://tools.example/mcp", "https://tools.example.evil.example/mcp", false),
        ] {
            let endpoint = Url::parse(from).unwrap();
            let mut exam = Examination {
                http: Http::new(Duration::from_secs(1)).unwrap(),
                options: Options {
                    endpoint: endpoint.clone(),
                    token: Some("secret".to_owned()),
                    person: None,
                    register: false,
                    is_started_here: false,
                },
                endpoint,
                has_cors: false,
                withholds_token: false,
                report: Report::new(from, Vec::new()),
            };
            follow(&mut exam, Url::parse(to).unwrap()).unwrap();
            let remote = exam.authorized();
            assert_eq!(remote.endpoint.as_str(), to);
            assert_eq!(remote.token.is_some(), is_kept, "{from} to {to}");
            assert_eq!(exam.withholds_token, !is_kept);
        }
    }
}
