//! Rules of authorization servers.

use super::rules;
use crate::check::finding::{ALL, BROWSERS, NATIVE, NONE, Rule};

rules! {
    METADATA = fault(
        "issuer.metadata",
        "metadata of the issuer at a well-known place",
        "RFC 8414 §3; OpenID Connect Discovery §4; MCP authorization, Discovery",
        "Compare the issuer in `authorization_servers` with the one of its own metadata.",
        (ALL, "do not find where to sign in"),
    );
    IDENTITY = fault(
        "issuer.identity",
        "`issuer` is the URL that the place was made of, character by character",
        "RFC 8414 §3.3",
        "Name the issuer exactly as its metadata does; a slash at the end counts.",
        (ALL, "refuse the metadata"),
    );
    HTTPS = fault(
        "issuer.https",
        "https for the issuer and its endpoints, except on this machine",
        "RFC 8414 §2; MCP authorization, Communication Security",
        "Set the public URL of the authorization server.",
        (ALL, "refuse it, and codes can be read on the way"),
    );
    ENDPOINTS = fault(
        "issuer.endpoints",
        "authorization_endpoint and token_endpoint",
        "RFC 8414 §2",
        "Publish both.",
        (ALL, "cannot sign in"),
    );
    CODE = fault(
        "issuer.code",
        "response_types_supported has code, and grant_types_supported, if any, authorization_code",
        "RFC 8414 §2; OAuth 2.1 §4.1",
        "Allow the authorization code grant.",
        (ALL, "cannot sign in"),
    );
    REFRESH = warning(
        "issuer.refresh",
        "grant_types_supported, if any, has refresh_token",
        "OAuth 2.1 §4.3; MCP authorization, Refresh Tokens",
        "Allow refresh tokens.",
        (ALL, "ask their users to sign in each time that a token ends"),
    );
    PKCE = fault(
        "issuer.pkce",
        "code_challenge_methods_supported has S256",
        "RFC 7636 §4.2; MCP authorization, Authorization Code Protection",
        "Switch PKCE on there, or put a broker in front of it.",
        (ALL, "refuse the authorization server"),
    );
    ISS = warning(
        "issuer.iss",
        "authorization_response_iss_parameter_supported: true",
        "RFC 9207 §3",
        "Send `iss` in authorization responses, and say so.",
        (&["ChatGPT"], "uses a redirect URI for each server instead of one; mix-up is not detected"),
    );
    REGISTRATION = warning(
        "issuer.registration",
        "registration_endpoint, or client_id_metadata_document_supported",
        "RFC 7591 §3; MCP authorization, Client Registration",
        "Register a client for each host there, or put a broker in front of it.",
        (ALL, "ask their users for a client ID, or give up"),
    );
    AUTH_METHODS = warning(
        "issuer.auth_methods",
        "token_endpoint_auth_methods_supported has none",
        "RFC 8414 §2; OAuth 2.1 §2.1",
        "Allow public clients, which have PKCE in place of a secret.",
        (NATIVE, "are public clients, and may find no method in common"),
    );
    SCOPES = warning(
        "issuer.scopes",
        "the scopes that the resource names are among scopes_supported",
        "RFC 8414 §2",
        "Define them there, or name others in the resource's metadata.",
        (ALL, "ask for them, and get invalid_scope"),
    );
    CORS = warning(
        "issuer.cors",
        "Access-Control-Allow-Origin on the metadata, if the resource's has it",
        "Fetch, CORS protocol",
        "Send `Access-Control-Allow-Origin: *` with it: it is public.",
        (BROWSERS, "cannot read it"),
    );
    KEYS = fault(
        "issuer.keys",
        "keys at jwks_uri",
        "RFC 8414 §2; RFC 7517 §5",
        "See whether the URL is right, and is reached from outside.",
        (ALL, "get tokens that no server can verify"),
    );
    PRIVATE_KEYS = fault(
        "issuer.private_keys",
        "public keys alone at jwks_uri",
        "RFC 7517 §9.3; RFC 7518 §6",
        "Take the private keys away, and make new ones: these are known.",
        (NONE, "everyone can sign tokens"),
    );
    OPEN_REDIRECT = fault(
        "issuer.redirect",
        "an unknown client is not redirected to its redirect URI",
        "RFC 9700 §4.11; OAuth 2.1 §7.12",
        "Show a page for faults of `client_id` and `redirect_uri`.",
        (NONE, "links to the authorization server lead anywhere, and carry codes there"),
    );
    TOKEN_ERRORS = warning(
        "issuer.token_errors",
        "400 or 401 with JSON and `error` for a code that is unknown",
        "RFC 6749 §5.2",
        "Answer errors of the token endpoint as JSON.",
        (ALL, "cannot tell a dead sign-in from an outage"),
    );
    CODE_RESOURCE = fault(
        "issuer.code_resource",
        "a code that was asked for with this server's `resource` gives no token for another",
        "RFC 8707 §2.2",
        "Keep the `resource` of the authorization request with its code, and answer invalid_target to another one.",
        (NONE, "a client gets tokens for servers that its user was not asked about"),
    );
    REGISTERED = fault(
        "registration.answer",
        "201 with client_id for a public client with a loopback redirect URI",
        "RFC 7591 §3.2.1",
        "Open the registration for such clients, or leave it out of the metadata.",
        (NATIVE, "cannot register, and give up"),
    );
    REGISTERED_STATUS = warning(
        "registration.status",
        "201, with JSON",
        "RFC 7591 §3.2.1",
        "Answer 201 Created.",
        (ALL, "may take it for a failure"),
    );
    REDIRECT_URIS = warning(
        "registration.redirect_uris",
        "the redirect URIs of the hosts are accepted",
        "RFC 8252 §7; RFC 7591 §2",
        "Allow them in the policy of the registration.",
        (NONE, "the hosts that are named cannot register"),
    );
    DANGEROUS_URIS = fault(
        "registration.dangerous",
        "redirect URIs of javascript:, data: and plain http are refused",
        "RFC 9700 §2.1; MCP authorization, Communication Security",
        "Allow https, loopback, and schemes that belong to an application.",
        (NONE, "a stranger registers a client that gets codes, or runs a script on the page"),
    );
    LOOPBACK_PORT = warning(
        "registration.loopback_port",
        "any port of a loopback redirect URI",
        "RFC 8252 §7.3",
        "Compare loopback redirect URIs without their port.",
        (NATIVE, "listen on another port each time, and are refused"),
    );
    EXACT_REDIRECT = fault(
        "registration.exact_redirect",
        "no redirect to a URI that was not registered",
        "OAuth 2.1 §2.3.1; RFC 9700 §4.1.3",
        "Compare redirect URIs character by character.",
        (NONE, "a stranger's link gets the codes of a client"),
    );
}
