//! Reasons of decisions: closed sets, with stable names in `snake_case`.

use serde::Serialize;

/// Defines enumerations that are serialized by the names of their variants.
macro_rules! reasons {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }
    )*};
}

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

    /// What is done about a call that lacks scopes.
    StepUpOutcome {
        /// The sign-in has got them since.
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

    /// Why a person is asked to connect an account.
    ConsentReason {
        /// It was never connected.
        NotConnected,
        /// The provider no longer accepts the grant.
        Revoked,
        /// A refresh was interrupted, and its token is spent.
        Interrupted,
        /// The access expired, and there is no refresh token.
        Expired,
        /// It was connected at another address of the provider.
        OtherAddress,
        /// The grant lacks scopes.
        Scopes,
        /// It was connected through another client.
        OtherClient,
    }

    /// The form in which a person is asked.
    PromptForm {
        /// An `input_required` result (MCP 2026-07-28).
        InputRequired,
        /// The error -32042 (MCP 2025-11-25).
        UrlElicitation,
        /// The text of a result.
        Text,
    }

    /// Who opened a link.
    LinkOpener {
        /// The person who called.
        Owner,
        /// The person at this machine.
        Local,
        /// Another person, who is refused.
        OtherPerson,
        /// A browser in which no one is signed in.
        SignedOut,
    }

    /// What a person says about something that is asked.
    Decision {
        /// The page was shown.
        Asked,
        /// It was allowed before.
        Remembered,
        /// It is allowed.
        Allowed,
        /// It is refused.
        Denied,
    }

    /// What an authorization in a browser is for.
    Flow {
        /// Connecting an account for a tool.
        Consent,
        /// Signing in with an outside authorization server.
        SignIn,
        /// Signing in with the broker.
        Broker,
        /// Adding scopes to a sign-in.
        StepUp,
    }

    /// What came back to a redirect URI.
    CallbackOutcome {
        /// A code.
        Code,
        /// An error.
        Error,
        /// Neither.
        NoCode,
        /// It is malformed.
        Malformed,
        /// It has no `state`.
        NoState,
        /// The browser has no cookie for this `state`.
        NoCookie,
        /// The `state` was given to another browser.
        OtherBrowser,
        /// The `state` was used, has expired, or was never given.
        Expired,
        /// It is from another issuer, or at another redirect URI.
        Mismatch,
        /// The client that could redeem the code is no longer configured.
        NoClient,
        /// The store failed.
        Store,
        /// The server failed.
        Aborted,
    }

    /// What a token endpoint answered.
    TokenOutcome {
        /// Tokens.
        Done,
        /// `invalid_grant`.
        InvalidGrant,
        /// Another error.
        Refused,
        /// Nothing.
        Unreachable,
        /// That it should be asked later.
        Busy,
    }

    /// Why a consent gave no grant.
    ConsentFailure {
        /// The person refused.
        AccessDenied,
        /// The provider answered with another error.
        Error,
        /// The provider answered without a code.
        NoCode,
        /// The response is not an answer to the request.
        Mismatch,
        /// The client at the provider is no longer configured.
        NoClient,
        /// The code was not exchanged.
        Exchange,
        /// The provider refuses this server's client.
        ClientRefused,
        /// The account is another person's.
        OtherAccount,
        /// The provider does not say whose account it is.
        Unidentified,
        /// The person has connected as many accounts as may be.
        TooManyAccounts,
        /// The person did not let the client use the account.
        UseDenied,
        /// The store failed.
        Store,
    }

    /// Why an access token is refreshed.
    RefreshReason {
        /// It expires soon.
        Due,
        /// It has expired.
        Expired,
        /// The API refused it.
        Refused,
    }

    /// What a refresh did.
    RefreshOutcome {
        /// It got a new token.
        Renewed,
        /// Another process or call had renewed the token.
        Fresh,
    }

    /// Why a refresh gave no token.
    RefreshFailure {
        /// There is no grant.
        Missing,
        /// The grant is dead.
        Dead,
        /// It is of another provider with the same ID.
        OtherProvider,
        /// There is no refresh token.
        Expired,
        /// The provider did not answer.
        Unreachable,
        /// The provider refuses this server's client.
        Refused,
        /// The provider asks to wait.
        Busy,
        /// The API refuses one new token after another.
        Rejected,
        /// The store failed.
        Store,
        /// The server is stopping, or failed.
        Aborted,
    }

    /// Why a request to an API got no response.
    UpstreamFailure {
        /// The connection failed.
        Connect,
        /// It took too long.
        Timeout,
        /// The connection broke.
        Broken,
    }

    /// Why a request to an API was sent.
    UpstreamAttempt {
        /// The tool sent it.
        First,
        /// Again with another token, after the first was refused.
        NewToken,
        /// Again, after the connection broke.
        Connection,
        /// To where a redirect leads.
        Redirect,
    }

    /// The method of a request to an API.
    UpstreamMethod {
        /// `GET`
        Get,
        /// `HEAD`
        Head,
        /// `POST`
        Post,
        /// `PUT`
        Put,
        /// `PATCH`
        Patch,
        /// `DELETE`
        Delete,
        /// Another one.
        Other,
    }

    /// Who vouches for a client of the broker.
    ClientTrust {
        /// The operator.
        Known,
        /// Its metadata document.
        Document,
        /// Itself.
        Registered,
    }

    /// How the fetch of a client's metadata document ended.
    DocumentOutcome {
        /// It is good.
        Fetched,
        /// Its site does not answer.
        Unreachable,
        /// It cannot be used.
        Invalid,
        /// Its site does not answer, and the last good one is used.
        Stale,
    }

    /// The grant type of a token request (RFC 6749).
    GrantType {
        /// `authorization_code`
        AuthorizationCode,
        /// `refresh_token`
        RefreshToken,
        /// `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523), with an identity assertion.
        JwtBearer,
        /// Another one.
        Other,
    }

    /// What is done about a refresh token or a code that was used before.
    ReuseOutcome {
        /// It is within the interval in which hosts may repeat a request.
        Tolerated,
        /// The sign-in has ended.
        Ended,
    }
}

impl From<&http::Method> for UpstreamMethod {
    fn from(method: &http::Method) -> Self {
        match *method {
            http::Method::GET => Self::Get,
            http::Method::HEAD => Self::Head,
            http::Method::POST => Self::Post,
            http::Method::PUT => Self::Put,
            http::Method::PATCH => Self::Patch,
            http::Method::DELETE => Self::Delete,
            _ => Self::Other,
        }
    }
}
