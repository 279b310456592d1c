//! Providers for the cases in `ui/`.

/// What every case needs.
pub mod prelude {
    pub use toolgate::prelude::*;

    pub use crate::{GitHub, Mail, Slack};
}

/// A code host.
#[toolgate::provider(
    api = "https://api.github.example",
    authorize = "https://github.example/authorize",
    token = "https://github.example/token"
)]
pub enum GitHub {
    /// Reads repositories.
    #[scope("repo:read", access = read)]
    RepoRead,
    /// Changes repositories.
    #[scope("repo", access = write, implies(RepoRead))]
    Repo,
    /// Deletes repositories.
    #[scope("repo:delete", access = destructive)]
    RepoDelete,
    /// Sees the e-mail address.
    #[scope("user:email", access = read)]
    UserEmail,
}

/// A chat.
#[toolgate::provider(
    api = "https://slack.example/api",
    authorize = "https://slack.example/authorize",
    token = "https://slack.example/token"
)]
pub enum Slack {
    /// Posts.
    #[scope("chat:write")]
    ChatWrite,
}

/// Mail, of which a person may have several accounts.
#[toolgate::provider(
    api = "https://mail.example/api",
    authorize = "https://mail.example/authorize",
    token = "https://mail.example/token",
    account(path = "/me", id = "/id", label = "/address")
)]
pub enum Mail {
    /// Reads mail.
    #[scope("mail:read", access = read)]
    Read,
}
