//! Rules of the way to the server, of its challenge, of its metadata, and of the tokens that it
//! refuses.

use super::rules;
use crate::check::finding::{ALL, BROWSERS, NONE, Rule};

rules! {
    ADDRESS = fault(
        "network.address",
        "the host's name resolves, and the port accepts connections",
        "RFC 9110 §7.2",
        "See whether the name, the port and the firewall are right, and the server runs.",
        (ALL, "cannot connect"),
    );
    TLS = fault(
        "network.tls",
        "a certificate of this name that is valid, with its chain",
        "RFC 9110 §4.3.4",
        "Renew the certificate, and send the certificates between it and the root with it.",
        (ALL, "cannot connect"),
    );
    HTTPS = fault(
        "network.https",
        "https, except on this machine",
        "MCP authorization, Communication Security; RFC 6750 §5.3",
        "Put a proxy with TLS in front of the server.",
        (ALL, "refuse the URL, and the token can be read on the way"),
    );
    CLOCK = warning(
        "network.clock",
        "the server's clock within 30 s of this machine's",
        "RFC 7519 §4.1.4",
        "Set the clock by NTP: tokens are refused as expired, or as not valid yet.",
        (ALL, "are refused for a while after each sign-in, or lose it early"),
    );
    REDIRECT = fault(
        "network.redirect",
        "the endpoint answers POST itself",
        "RFC 9110 §15.4",
        "Give hosts the URL that it redirects to.",
        (ALL, "lose the message or the token on the way"),
    );
    CHALLENGE_STATUS = fault(
        "challenge.status",
        "401 for a request without a token",
        "RFC 6750 §3.1; MCP authorization, Error Handling",
        "Answer 401 with a challenge before anything else of the message is looked at.",
        (ALL, "do not begin to sign in"),
    );
    CHALLENGE_BEARER = fault(
        "challenge.bearer",
        "WWW-Authenticate: Bearer with every 401",
        "RFC 9110 §11.6.1; RFC 6750 §3",
        "Send `WWW-Authenticate: Bearer resource_metadata=\"..\"`, and let proxies pass it on.",
        (ALL, "guess where the metadata is, or report that the server cannot be reached"),
    );
    CHALLENGE_SYNTAX = fault(
        "challenge.syntax",
        "parameters as name=\"value\", separated by commas",
        "RFC 9110 §11.2",
        "Put the values in quotation marks, and commas between the parameters.",
        (ALL, "read none of the challenge"),
    );
    CHALLENGE_METADATA = warning(
        "challenge.resource_metadata",
        "resource_metadata with the URL of the metadata",
        "RFC 9728 §5.1",
        "Name the metadata in the challenge, so that no host has to guess.",
        (ALL, "try the well-known places"),
    );
    CHALLENGE_ERROR = warning(
        "challenge.error",
        "no `error` where the request had no token",
        "RFC 6750 §3.1",
        "Leave `error` out of the first challenge.",
        (ALL, "may report a broken token instead of asking to sign in"),
    );
    CHALLENGE_SCOPE = warning(
        "challenge.scope",
        "scope in the challenge, or scopes_supported in the metadata, where there are scopes",
        "MCP authorization, Scope Selection Strategy; RFC 6750 §3",
        "Name the scopes for a first use in one of the two.",
        (ALL, "ask for no scope, and get a token that opens what the default does"),
    );
    METADATA = fault(
        "metadata.found",
        "the resource's metadata where the challenge says, or at a well-known place",
        "RFC 9728 §3.1",
        "Serve the document at /.well-known/oauth-protected-resource followed by the path.",
        (ALL, "do not find where to sign in"),
    );
    METADATA_TYPE = warning(
        "metadata.content_type",
        "application/json",
        "RFC 9728 §3.2",
        "Send the metadata as application/json.",
        (ALL, "may refuse the document"),
    );
    METADATA_RESOURCE = fault(
        "metadata.resource",
        "`resource` is the URL of the endpoint, or one above it",
        "RFC 9728 §3.3 and §7.3",
        "Set the public URL of the server: scheme, host, port and path as hosts are given them.",
        (ALL, "refuse the metadata as that of another server"),
    );
    METADATA_PLACES = warning(
        "metadata.places",
        "the same document at each place that has one",
        "RFC 9728 §3.1",
        "Serve one document at all of them.",
        (ALL, "go different ways, depending on where they look first"),
    );
    METADATA_ISSUERS = fault(
        "metadata.authorization_servers",
        "at least one URL of an authorization server",
        "MCP authorization, Authorization Server Location; RFC 9728 §2",
        "List the issuer whose tokens the server takes.",
        (ALL, "do not find where to sign in"),
    );
    METADATA_METHODS = warning(
        "metadata.bearer_methods",
        "`bearer_methods_supported` has header, and not query",
        "RFC 9728 §2; MCP authorization, Token Requirements",
        "List \"header\" alone, or leave the member out.",
        (ALL, "send tokens in headers only; those in a query end up in logs"),
    );
    METADATA_OFFLINE = warning(
        "metadata.offline_access",
        "no offline_access among scopes_supported",
        "MCP authorization, Refresh Tokens",
        "Take it out: it belongs to the authorization server, and clients that want it add it.",
        (ALL, "ask for it where it is unknown, and the authorization server may refuse"),
    );
    METADATA_CORS = warning(
        "metadata.cors",
        "Access-Control-Allow-Origin on the metadata, if the endpoint has it",
        "Fetch, CORS protocol; RFC 9728 §3.1",
        "Send `Access-Control-Allow-Origin: *` with it: it is public.",
        (BROWSERS, "cannot read it"),
    );
    TOKEN_ACCEPTED = fault(
        "token.accepted",
        "the token that was given opens the server",
        "RFC 6750 §2.1",
        "See whether the token has expired, and is one for this server.",
        (ALL, "sign in, and are refused"),
    );
    TOKEN_AUDIENCE_BOUND = fault(
        "token.bound",
        "the token that was given names this server in `aud`",
        "RFC 8707 §2; RFC 9068 §2.2",
        "Let the authorization server honour `resource`; each product has a setting for it.",
        (NONE, "a token of another server of the same issuer is good here, and this one there"),
    );
    TOKEN_GARBAGE = fault(
        "token.garbage",
        "a token that means nothing is refused",
        "RFC 6750 §3.1",
        "Verify tokens, and do not only look whether there is one.",
        (NONE, "a stranger calls every tool"),
    );
    TOKEN_UNSIGNED = fault(
        "token.unsigned",
        "a JWT with `alg: none` is refused",
        "RFC 8725 §3.1; RFC 9068 §4",
        "Allow the algorithms of the issuer alone, whatever the token's header says.",
        (NONE, "a stranger is anyone"),
    );
    TOKEN_SIGNATURE = fault(
        "token.signature",
        "a JWT with another signature is refused",
        "RFC 7515 §5.2; RFC 9068 §4",
        "Verify the signature with the issuer's keys: decoding is not verifying.",
        (NONE, "a stranger is anyone"),
    );
    TOKEN_EXPIRED = fault(
        "token.expired",
        "an expired JWT is refused, before and after its signature is looked at",
        "RFC 7519 §4.1.4; RFC 9068 §4",
        "Refuse tokens whose `exp` is past; refresh is for the authorization server.",
        (NONE, "a stolen token is good for ever"),
    );
    TOKEN_ISSUER = fault(
        "token.issuer",
        "a JWT of another issuer is refused",
        "RFC 9068 §4; RFC 8725 §3.8",
        "Compare `iss` with the issuers that the server trusts, and take keys from there alone.",
        (NONE, "the operator of any authorization server can be anyone"),
    );
    TOKEN_AUDIENCE = fault(
        "token.audience",
        "a JWT for another resource is refused",
        "RFC 8707 §2; RFC 9068 §4; MCP authorization, Token Handling",
        "Compare `aud` with the URL of this server.",
        (NONE, "another server that gets a user's token can use it here"),
    );
    TOKEN_QUERY = fault(
        "token.query",
        "a token in the URL is refused",
        "MCP authorization, Token Requirements; RFC 9700 §4.3.2",
        "Read tokens from the header `Authorization` alone.",
        (NONE, "tokens in URLs end up in logs and histories"),
    );
    TOKEN_STATUS = fault(
        "token.status",
        "401 for a token that is refused",
        "RFC 6750 §3.1; MCP authorization, Token Handling",
        "Answer 401 with `error=\"invalid_token\"`: 403 is for scopes, and 500 for nobody.",
        (ALL, "do not sign in again when a token ends"),
    );
    TOKEN_ERROR = warning(
        "token.error",
        "error=\"invalid_token\" in the challenge to a token that is refused",
        "RFC 6750 §3.1",
        "Say `error=\"invalid_token\"`, so that hosts refresh instead of giving up.",
        (ALL, "may not know that the token is the reason"),
    );
}
