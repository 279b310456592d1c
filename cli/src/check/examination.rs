//! Examination of one server, from outside.

use serde_json::Value;
use url::Url;

use super::{
    authorize, challenge, code_resource, cors, errors,
    finding::Report,
    issuer, keys, network, protocol, registration,
    resource::{self, Resource},
    rules, sessions, tokens, tools, transports,
};
use crate::remote::{http::Http, mcp::Remote};

/// The most authorization servers that are examined.
const MAX_ISSUERS: usize = 4;

/// What is examined, and how.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) endpoint: Url,
    /// A token that opens the server.
    pub(super) token: Option<String>,
    /// A person of a server in development, who signs in without a password.
    pub(super) person: Option<String>,
    /// Whether clients may be registered.
    pub(super) register: bool,
    /// Whether this command has started the server, so that its public URL differs.
    pub(super) is_started_here: bool,
}

/// An examination under way.
pub(super) struct Examination {
    pub(super) http: Http,
    pub(super) options: Options,
    /// The URL that answers, after redirects.
    pub(super) endpoint: Url,
    /// Whether pages of other origins may send messages.
    pub(super) has_cors: bool,
    /// Whether the endpoint redirects to another server, to which the token is not sent.
    pub(super) withholds_token: bool,
    pub(super) report: Report,
}

/// The callers that get an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Access {
    /// Everyone.
    Open,
    /// Callers with a token. The URL is that of the metadata, as the challenge names it.
    Gated { metadata: Option<Url>, scope: Option<String> },
}

impl Examination {
    pub(super) fn remote(&self, token: Option<String>) -> Remote {
        Remote::new(self.http.clone(), self.endpoint.clone(), token)
    }

    /// What the server answers to messages with the token, if one opens it.
    pub(super) fn authorized(&self) -> Remote {
        self.remote(self.options.token.clone())
    }
}

/// Makes every examination that the options allow.
pub(super) async fn examine(http: Http, options: Options) -> Report {
    let report = Report::new(options.endpoint.as_str(), options.token.iter().cloned().collect());
    let endpoint = options.endpoint.clone();
    let (has_cors, withholds_token) = (false, false);
    let mut exam = Examination { http, options, endpoint, has_cors, withholds_token, report };
    let Some(first) = network::examine(&mut exam).await else { return exam.report };
    let Some(access) = challenge::examine(&mut exam, &first).await else { return exam.report };
    cors::examine(&mut exam, &first).await;
    let mut is_let_in = access == Access::Open;
    if let Access::Gated { metadata, scope } = &access {
        let resource = resource::examine(&mut exam, metadata.as_ref(), scope.is_some()).await;
        let mut issuers = Vec::new();
        if let Some(resource) = &resource {
            for issuer in resource.issuers.iter().take(MAX_ISSUERS) {
                issuers.extend(of_issuer(&mut exam, issuer, resource).await);
            }
        }
        tokens::refused(&mut exam, resource.as_ref(), &issuers).await;
        is_let_in = tokens::accepted(&mut exam, resource.as_ref()).await;
    }
    let is_open = access == Access::Open;
    if is_let_in {
        behind_the_gate(&mut exam, is_open).await;
    } else {
        let why = "it is behind the gate: give a token with --token or TOOLGATE_TOKEN";
        exam.report.skipped(&rules::protocol::INITIALIZE, why);
        exam.report.skipped(&rules::tools::LIST, why);
    }
    transports::examine(&mut exam, is_open).await;
    exam.report
}

/// An authorization server, as the examinations of tokens need it.
pub(super) struct Issuer {
    pub(super) identifier: String,
    /// The identifier of its first key.
    pub(super) key_id: Option<String>,
}

async fn of_issuer(exam: &mut Examination, url: &str, resource: &Resource) -> Option<Issuer> {
    let metadata: Value = issuer::examine(exam, url, resource).await?;
    let key_id = keys::examine(exam, &metadata).await;
    authorize::examine(exam, &metadata).await;
    registration::examine(exam, &metadata).await;
    code_resource::examine(exam, &metadata, &resource.identifier).await;
    Some(Issuer { identifier: url.to_owned(), key_id })
}

async fn behind_the_gate(exam: &mut Examination, is_open: bool) {
    let Some(spoken) = protocol::examine(exam).await else { return };
    cors::origins(exam, is_open).await;
    sessions::examine(exam, &spoken).await;
    errors::examine(exam, &spoken).await;
    tools::examine(exam, &spoken).await;
    sessions::end(exam, &spoken).await;
}
