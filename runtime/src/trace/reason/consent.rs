//! Reasons of consents: why a person is asked, how, and with what result.

use serde::Serialize;

use super::define::reasons;

reasons! {
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

    /// The decision of a person about a question.
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
        /// The person has connected the maximum number of accounts.
        TooManyAccounts,
        /// The person did not let the client use the account.
        UseDenied,
        /// The store failed.
        Store,
    }
}
