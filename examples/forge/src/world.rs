//! Everything that there is: people, repositories, sessions, codes and tokens.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant, SystemTime},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

/// What was asked of a forge so far.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Refresh requests that were answered with tokens.
    pub refreshes: u32,
    /// Refresh requests that were refused.
    pub refreshes_refused: u32,
    /// Codes that were redeemed.
    pub codes: u32,
    /// Revocation requests that named a token of this forge.
    pub revocations: u32,
    /// Refresh tokens that were used again, later than the leeway allows. Each ended a grant.
    pub reuses: u32,
    /// Refresh tokens that were used again within the leeway.
    pub repeated: u32,
    /// Refresh requests whose client was gone before the answer.
    pub unanswered: u32,
    /// The most refresh requests of one grant that were under way at once.
    pub most_at_once: u32,
    /// API requests by their path.
    pub api: BTreeMap<String, u32>,
    /// The scopes that the last authorization request asked for.
    pub last_asked: String,
}

/// A refresh request that named a token of this forge.
#[derive(Clone, Debug)]
pub struct RefreshRequest {
    /// When it arrived.
    pub at: Instant,
    /// Whose grant it is.
    pub user: String,
    /// The grant: its place among all that were given, in order.
    pub grant: usize,
    /// The query of the request's URL, by which a client can say which of its processes asks.
    pub query: String,
    /// What became of it.
    pub outcome: RefreshOutcome,
}

/// What became of a refresh request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// New tokens. With rotation, its refresh token is spent.
    Renewed,
    /// New tokens for a spent refresh token, within the leeway.
    Repeated,
    /// The refresh token was spent before, which ended the grant.
    Reused,
    /// Refused for another reason.
    Refused,
}

/// How many refresh requests are remembered.
const MAX_REFRESH_LOG_LEN: usize = 16_384;

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) offset: Duration,
    pub(crate) counts: Counts,
    /// The newest refresh requests, in order.
    pub(crate) refresh_log: VecDeque<RefreshRequest>,
    pub(crate) repos: Vec<Repo>,
    /// Cookie to user.
    pub(crate) sessions: HashMap<String, String>,
    pub(crate) requests: HashMap<String, AuthorizationRequest>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) access: HashMap<String, Access>,
    pub(crate) refresh: HashMap<String, Refresh>,
    pub(crate) families: Vec<Family>,
    /// How many refresh requests of a family are under way.
    pub(crate) refreshing: HashMap<usize, u32>,
    /// What a user approved before, for the page.
    pub(crate) approved: HashMap<String, BTreeSet<String>>,
}

pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
}

pub(crate) const USERS: [User; 2] = [
    User { name: "alice", email: "alice@forge.example" },
    User { name: "bob", email: "bob@forge.example" },
];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repo {
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) private: bool,
    pub(crate) issues: Vec<Issue>,
    pub(crate) files: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Issue {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) state: String,
    pub(crate) user: Login,
    pub(crate) comments: u64,
    #[serde(skip)]
    pub(crate) discussion: Vec<Comment>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) body: String,
    pub(crate) user: Login,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) login: String,
}

/// What a person is asked to approve.
#[derive(Clone, Debug)]
pub(crate) struct AuthorizationRequest {
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) challenge: String,
    pub(crate) prompt: Option<String>,
    pub(crate) session: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) user: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: String,
    pub(crate) prompt: Option<String>,
    pub(crate) expires_at: SystemTime,
    /// The family that it was redeemed for: whoever comes again ends it.
    pub(crate) redeemed: Option<usize>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Access {
    pub(crate) family: usize,
    pub(crate) expires_at: SystemTime,
    pub(crate) used: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refresh {
    pub(crate) family: usize,
    #[serde(default)]
    pub(crate) spent_at: Option<SystemTime>,
}

/// All tokens that go back to one approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) user: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) revoked: bool,
}

impl World {
    pub(crate) fn log_refresh(&mut self, grant: usize, query: &str, outcome: RefreshOutcome) {
        if self.refresh_log.len() == MAX_REFRESH_LOG_LEN {
            self.refresh_log.pop_front();
        }
        let (user, query) = (self.families[grant].user.clone(), query.to_owned());
        self.refresh_log.push_back(RefreshRequest {
            at: Instant::now(),
            user,
            grant,
            query,
            outcome,
        });
    }

    pub(crate) fn seeded() -> Self {
        let repo = |owner: &str, name: &str, description: &str, private, issues: u64| Repo {
            owner: owner.to_owned(),
            name: name.to_owned(),
            description: description.to_owned(),
            private,
            issues: (1..=issues)
                .map(|number| Issue {
                    number,
                    title: format!("{name} drifts {number} degrees"),
                    body: "Seen on a calm day.".to_owned(),
                    state: if number % 5 == 0 { "closed" } else { "open" }.to_owned(),
                    user: Login { login: if number % 2 == 0 { "bob" } else { "alice" }.to_owned() },
                    comments: 0,
                    discussion: Vec::new(),
                })
                .collect(),
            files: BTreeMap::from([(
                "README.md".to_owned(),
                format!("# {name}\n\n{description}\n"),
            )]),
        };
        Self {
            repos: vec![
                repo("alice", "compass", "Points north.", false, 35),
                repo("alice", "journal", "Nobody reads this.", true, 2),
                repo("bob", "lantern", "Lights the way.", false, 3),
                repo("bob", "vault", "Keeps things.", true, 1),
            ],
            ..Self::default()
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        SystemTime::now() + self.offset
    }

    pub(crate) fn revoke_user(&mut self, user: &str) {
        for family in self.families.iter_mut().filter(|family| family.user == user) {
            family.revoked = true;
        }
        self.approved.remove(user);
    }

    pub(crate) fn expire_access_tokens(&mut self) {
        for access in self.access.values_mut() {
            access.expires_at = SystemTime::UNIX_EPOCH;
        }
    }
}

/// 256 random bits, for a URL.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
