//! Each fault of the stand-in is found, and nothing else is reported.

use crate::{
    check,
    stand_in::{
        Callers, Kind,
        fault::Fault::{self, *},
    },
    violations,
};

/// What each fault of a server with a gate is reported as.
const GATED: &[(Fault, &[&str])] = &[
    (Clock, &["warning network.clock"]),
    (Redirects, &["fault network.redirect"]),
    (ForbiddenWithoutToken, &["fault challenge.status"]),
    (NoChallenge, &["fault challenge.bearer"]),
    (UnquotedChallenge, &["fault challenge.syntax"]),
    (NoMetadataInChallenge, &["warning challenge.resource_metadata"]),
    (ErrorWithoutToken, &["warning challenge.error"]),
    (NoScopes, &["warning challenge.scope"]),
    (NoMetadata, &["warning challenge.resource_metadata", "fault metadata.found"]),
    (NamedMetadataIsMissing, &["fault metadata.found"]),
    (MetadataAsText, &["warning metadata.content_type"]),
    (ForeignResource, &["fault metadata.resource"]),
    (NoResource, &["fault metadata.resource"]),
    (SlashInResource, &["warning metadata.resource"]),
    (MetadataDiffers, &["warning metadata.places"]),
    (NoIssuers, &["fault metadata.authorization_servers"]),
    (QueryMethod, &["warning metadata.bearer_methods"]),
    (OfflineAccess, &["warning metadata.offline_access"]),
    (NoIssuerMetadata, &["fault issuer.metadata"]),
    (ForeignIssuer, &["fault issuer.identity"]),
    (SlashInIssuer, &["warning issuer.identity"]),
    (PlainEndpoint, &["fault issuer.https"]),
    (NoTokenEndpoint, &["fault issuer.endpoints"]),
    (NoCode, &["fault issuer.code"]),
    (NoCodeGrant, &["fault issuer.code"]),
    (NoRefresh, &["warning issuer.refresh"]),
    (PlainPkce, &["fault issuer.pkce"]),
    (NoIss, &["warning issuer.iss"]),
    (NoRegistration, &["warning issuer.registration"]),
    (SecretsOnly, &["warning issuer.auth_methods"]),
    (UnknownScopes, &["warning issuer.scopes"]),
    (KeysAreMissing, &["fault issuer.keys"]),
    (NoKeys, &["fault issuer.keys"]),
    (PrivateKeys, &["fault issuer.private_keys"]),
    (OpenRedirect, &["fault issuer.redirect"]),
    (TokenErrorsAsHtml, &["warning issuer.token_errors"]),
    (RegistrationRefused, &["fault registration.answer"]),
    (RegistrationWith200, &["warning registration.status"]),
    (ChatGptRefused, &["warning registration.redirect_uris"]),
    (ScriptsRegistered, &["fault registration.dangerous"]),
    (ExactPort, &["warning registration.loopback_port"]),
    (AnyRedirect, &["fault registration.exact_redirect"]),
    (AnyToken, &["fault token.garbage"]),
    (Unsigned, &["fault token.unsigned"]),
    (AnySignature, &["fault token.signature"]),
    (Expired, &["fault token.expired"]),
    (AnyIssuer, &["fault token.issuer"]),
    (AnyAudience, &["fault token.audience"]),
    (TokenInQuery, &["fault token.query"]),
    (ForbiddenForBadTokens, &["fault token.status"]),
    (SilentAboutTokens, &["warning token.error"]),
    (UnboundToken, &["fault token.bound"]),
    (RefusesEveryone, &["fault token.accepted"]),
    (NoInitialize, &["fault mcp.initialize"]),
    (UnknownVersionRefused, &["fault mcp.version"]),
    (ModernOnly, &["warning mcp.versions"]),
    (AnswersAsText, &["fault mcp.content_type"]),
    (IdAsText, &["fault mcp.id"]),
    (NoServerInfo, &["fault mcp.server_info"]),
    (NotificationWith200, &["warning mcp.notification"]),
    (GetAsPage, &["warning mcp.get"]),
    (NoResultType, &["fault mcp.discover"]),
    (HeadersIgnored, &["warning mcp.headers"]),
    (NoCacheScope, &["warning mcp.cache"]),
    (GuessableSessions, &["fault session.id"]),
    (UnknownSessionWith500, &["fault session.unknown"]),
    (UnknownSessionWith400, &["warning session.unknown"]),
    (SessionOutlivesDelete, &["warning session.ended"]),
    (AnyOrigin, &["warning origin.checked"]),
    (ParseErrorAsPage, &["warning error.parse"]),
    (UnknownMethodWith500, &["warning error.method"]),
    (UnknownToolWith403, &["fault error.tool"]),
    (StackTrace, &["fault error.details"]),
    (OpenSse, &["fault transport.sse"]),
    (OpenWebSocket, &["fault transport.websocket"]),
    (NoList, &["fault tools.list"]),
    (EndlessPages, &["fault tools.pages"]),
    (DottedName, &["fault tools.names"]),
    (LongName, &["warning tools.long_names"]),
    (SameName, &["fault tools.unique"]),
    (NoInputType, &["fault tools.input_schema"]),
    (TopLevelUnion, &["fault tools.top_level"]),
    (TrueProperty, &["fault tools.properties"]),
    (BlankKey, &["fault tools.keys"]),
    (ArrayWithoutItems, &["fault tools.items"]),
    (RemoteReference, &["fault tools.references"]),
    (RequiredIsUnknown, &["fault tools.required"]),
    (OutputIsList, &["fault tools.output_schema"]),
    (NoDescription, &["warning tools.descriptions"]),
    (RustFormat, &["warning tools.formats"]),
    (ManyTools, &["warning tools.count"]),
];

/// Faults of a server without a gate.
const OPEN: &[(Fault, &[&str])] =
    &[(AnyOrigin, &["warning origin.checked"]), (AnyHost, &["fault host.checked"])];

/// Faults of a server that pages may send messages to.
const CORS: &[(Fault, &[&str])] = &[
    (CookiesForEveryone, &["fault cors.credentials"]),
    (NothingExposed, &["warning cors.headers"]),
    (PrivateMetadata, &["warning metadata.cors"]),
    (PrivateIssuerMetadata, &["warning issuer.cors"]),
];

/// Faults that are seen after a sign-in.
const PEOPLE: &[(Fault, &[&str])] = &[
    (CodeForAnyResource, &["fault issuer.code_resource"]),
    (OpaqueForAnyResource, &["fault issuer.code_resource"]),
    (ResourceIgnored, &[]),
];

async fn assert_found(kind: Kind, expected: &[&str]) {
    let (found, code) = violations(kind).await;
    assert_eq!(found, expected, "{kind:?}");
    let has_fault = expected.iter().any(|violation| violation.starts_with("fault"));
    assert_eq!(code, Some(i32::from(has_fault)), "{kind:?}");
}

#[tokio::test]
async fn a_server_without_a_fault_is_in_order() {
    for kind in [
        Kind::default(),
        Kind { callers: Callers::Anyone, ..Kind::default() },
        Kind { has_cors: true, ..Kind::default() },
        Kind { has_cors: true, callers: Callers::Anyone, ..Kind::default() },
        Kind { callers: Callers::People, ..Kind::default() },
    ] {
        assert_found(kind, &[]).await;
    }
}

#[tokio::test]
async fn each_fault_is_found_and_nothing_else() {
    let mut others = Vec::new();
    for (fault, expected) in GATED {
        let found = violations(Kind { fault: Some(*fault), ..Kind::default() }).await.0;
        if found != *expected {
            others.push(format!("{fault:?}: {found:?}"));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}

#[tokio::test]
async fn faults_of_open_servers_are_found() {
    for (fault, expected) in OPEN {
        let kind = Kind { fault: Some(*fault), callers: Callers::Anyone, ..Kind::default() };
        assert_found(kind, expected).await;
    }
    // Where pages may read the answer, each of them calls the tools.
    let kind = Kind {
        fault: Some(AnyOrigin),
        callers: Callers::Anyone,
        has_cors: true,
        ..Kind::default()
    };
    assert_found(kind, &["fault origin.checked"]).await;
}

#[tokio::test]
async fn faults_for_pages_are_found() {
    for (fault, expected) in CORS {
        let kind = Kind { fault: Some(*fault), has_cors: true, ..Kind::default() };
        assert_found(kind, expected).await;
    }
}

#[tokio::test]
async fn faults_behind_a_sign_in_are_found() {
    for (fault, expected) in PEOPLE {
        let kind = Kind { fault: Some(*fault), callers: Callers::People, ..Kind::default() };
        assert_found(kind, expected).await;
    }
}

#[tokio::test]
async fn a_server_of_others_without_https_is_a_fault() {
    let kind = Kind { is_public: true, ..Kind::default() };
    assert_found(kind, &["fault network.https"]).await;
}

/// A URL is in the logs of every proxy on its way, and the token of the user is a good one.
#[tokio::test]
async fn the_token_is_in_no_url_to_a_server_of_others() {
    let kind = Kind { is_public: true, fault: Some(TokenInQuery), ..Kind::default() };
    assert_found(kind, &["fault network.https"]).await;
}

#[tokio::test]
async fn what_cannot_be_examined_has_an_exit_code_of_its_own() {
    let server = crate::StandIn::start(Kind::default()).await;
    let https = server.endpoint().replace("http:", "https:");
    let elsewhere = server.endpoint().replace("/mcp", "/");
    for (url, id) in [
        ("http://127.0.0.1:1/mcp", "fault network.address"),
        ("http://toolgate-check.invalid/mcp", "fault network.address"),
        (&https, "fault network.tls"),
        (&elsewhere, "fault mcp.initialize"),
    ] {
        let output = check(&[url, "--format", "json"]).await;
        let said = String::from_utf8(output.stdout).unwrap();
        let report: serde_json::Value = serde_json::from_str(&said).unwrap();
        let last = report["findings"].as_array().unwrap().last().unwrap();
        let found =
            format!("{} {}", last["severity"].as_str().unwrap(), last["id"].as_str().unwrap());
        assert_eq!((found.as_str(), output.status.code()), (id, Some(2)), "{url}: {said}");
        assert_eq!(report["examined"], false);
    }
}
