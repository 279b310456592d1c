//! Reasons of what becomes of a request and of a call.

use serde::Serialize;

use super::define::reasons;

reasons! {
    /// The transport by which a request came.
    Transport {
        /// Streamable HTTP.
        Http,
        /// Standard input and output.
        Stdio,
    }

    /// The transport of a session.
    SessionTransport {
        /// Streamable HTTP.
        Http,
        /// HTTP with server-sent events, of 2024-11-05.
        Sse,
        /// Standard input and output.
        Stdio,
        /// WebSocket.
        Websocket,
    }

    /// The scheme of the `Authorization` header of a request.
    AuthorizationScheme {
        /// There is no header.
        None,
        /// A bearer token (RFC 6750).
        Bearer,
        /// A token that is bound to a key (RFC 9449).
        Dpop,
        /// Another scheme, which counts as none.
        Other,
    }

    /// Why a request needs no access token.
    AnonymousReason {
        /// The gate allows anonymous callers.
        Allowed,
        /// It reads the page of a widget, which is public.
        PublicPage,
    }

    /// The check that refused a token.
    TokenCheck {
        /// There is a token.
        Presence,
        /// The header and the token are well-formed.
        Form,
        /// `typ` (RFC 9068 §2.1).
        Type,
        /// `iss`.
        Issuer,
        /// `aud` (RFC 8707).
        Audience,
        /// `exp`, `nbf`, `iat`.
        Time,
        /// The signature.
        Signature,
        /// The key of the signature (`kid`).
        Key,
        /// `alg`.
        Algorithm,
        /// Another claim.
        Claim,
        /// The binding of the token to a key (RFC 7800).
        Binding,
        /// The proof of possession (RFC 9449 §4.3).
        Proof,
        /// The nonce of the proof (RFC 9449 §9).
        Nonce,
        /// Introspection (RFC 7662).
        Activity,
        /// The issuer can be asked.
        Availability,
        /// The scopes of the token.
        Scope,
        /// Another check, of a verifier of the application.
        Other,
    }

    /// Why a request is refused, whatever its token.
    RequestRefusal {
        /// Its `Origin` may not call.
        Origin,
        /// Its client address or its caller sends too many.
        RateLimit,
        /// The session does not exist, or is another caller's.
        Session,
        /// There are too many sessions.
        Sessions,
        /// There are too many streams.
        Streams,
        /// The HTTP method.
        Method,
        /// The body is too large.
        BodyTooLarge,
        /// The body did not arrive.
        BodyBroken,
        /// `Accept` names nothing that the server sends.
        NotAcceptable,
        /// The body is no message of the protocol.
        Message,
    }

    /// A document of metadata or keys.
    MetadataDocument {
        /// Protected resource metadata (RFC 9728).
        ProtectedResource,
        /// Authorization server metadata (RFC 8414).
        AuthorizationServer,
        /// The key set of the broker (RFC 7517).
        Jwks,
    }

    /// The result of comparing scopes.
    ScopeOutcome {
        /// The token covers all of them.
        Covered,
        /// It lacks some.
        Missing,
        /// A caller is required, and there is none.
        NoCaller,
    }

    /// The response to a call that lacks scopes.
    StepUpOutcome {
        /// The sign-in has gained the scopes meanwhile.
        Widened,
        /// The person gets a link.
        Link,
        /// The client gets a challenge.
        Challenge,
        /// The call is refused: asking again does not help.
        Refused,
    }

    /// How a call ended.
    CallOutcome {
        /// The tool returned a result.
        Done,
        /// The tool returned an error.
        Failed,
        /// The person is asked to connect an account, or to add scopes.
        ConsentAsked,
        /// The gate refused it.
        Refused,
        /// The request was a protocol error.
        Faulty,
        /// The client disconnected before the end.
        Left,
    }

    /// The kind of a tool's error. See [`ErrorKind`](crate::ErrorKind).
    CallError {
        /// The tool failed with a message of its own.
        Tool,
        /// An argument is not valid.
        InvalidArgument,
        /// An account has to be connected.
        ConsentNeeded,
        /// The provider did not grant scopes.
        ScopeMissing,
        /// The grant ended.
        GrantExpired,
        /// The provider's API responded with an error.
        UpstreamRefused,
        /// The provider's API did not respond.
        UpstreamUnreachable,
        /// The server failed.
        Internal,
    }
}
