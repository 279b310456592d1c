//! Reasons of what the broker decides about its clients.

use serde::Serialize;

use super::define::reasons;

reasons! {
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
