//! Reasons of refreshes, and of requests to the APIs of providers.

use serde::Serialize;

use super::define::reasons;

reasons! {
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
