//! People who call a fleet, and what they are answered.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time;

use super::{Fleet, front::SERVED_BY, losses::Loss};
use crate::broker::{Application, Browser};

/// How long a call may take.
const MAX_CALL: Duration = Duration::from_secs(110);

/// How often a sign-in may be cut off.
const MAX_CUT_OFF: usize = 10;

/// Calls of many people over a time.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many calls in all.
    pub calls: usize,
    /// How many people.
    pub people: usize,
    /// How long.
    pub length: Duration,
}

/// A person with a token.
#[derive(Clone, Debug)]
pub struct User {
    pub(super) name: String,
    pub(super) application: Application,
    pub(super) browser: Browser,
    token: String,
    pub(super) refresh_token: String,
    http: reqwest::Client,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The tool has answered.
    Served,
    /// The call was refused in these words.
    Refused(String),
    /// The connection broke: the process that had the call was killed.
    Broken(String),
}

/// What all calls came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Calls that were answered by their tool.
    pub served: usize,
    /// Calls whose process was killed, by what the proxy says.
    pub broken: BTreeMap<String, usize>,
    /// Refused calls, by their words.
    pub refused: BTreeMap<String, usize>,
    /// Grants that were lost.
    pub lost: Vec<Loss>,
    /// The longest call.
    pub longest: Duration,
    /// Sign-ins that were cut off by a kill, and begun again.
    pub begun_again: usize,
}

impl User {
    /// Signs a person in, and connects the account.
    pub async fn sign_in(fleet: &Fleet, number: usize) -> Self {
        let address = format!("10.1.{}.{}", number / 250, number % 250 + 1);
        let (name, browser) = (format!("person-{number}"), Browser::at_address(&address));
        let application = Application::register_at(&fleet.url).await;
        let http = reqwest::Client::builder().no_proxy().timeout(MAX_CALL);
        let http = http.build().expect("a client can be made");
        let mut user = Self {
            name,
            application,
            browser,
            token: String::new(),
            refresh_token: String::new(),
            http,
        };
        user.sign_in_again().await;
        user
    }

    /// The name at the provider.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client revokes its refresh token, which is the person's last. Returns the status.
    pub async fn sign_out(&self) -> u16 {
        self.application.revoke(&self.refresh_token).await.status.as_u16()
    }

    /// Registers another client of the person's.
    pub async fn register(&mut self, url: &str) {
        self.application = Application::register_at(url).await;
    }

    /// Connects the account again.
    pub async fn sign_in_again(&mut self) {
        let tokens = self.application.sign_in(&self.browser, "repo:read", &self.name).await;
        self.token = tokens.text("access_token");
        self.refresh_token = tokens.text("refresh_token");
    }

    /// As [`sign_in_again`](Self::sign_in_again) while processes are killed: a sign-in that is cut off is
    /// begun again. Returns how often it was.
    ///
    /// # Panics
    ///
    /// It is cut off each time.
    pub async fn sign_in_at_last(&mut self) -> usize {
        for cut_off in 0..MAX_CUT_OFF {
            let mut user = self.clone();
            // The headless browser panics at a page that does not load.
            let signed_in = tokio::spawn(async move {
                user.sign_in_again().await;
                user
            });
            if let Ok(user) = signed_in.await {
                *self = user;
                return cut_off;
            }
        }
        panic!("{} cannot sign in", self.name);
    }

    /// Calls a tool that uses the account.
    pub async fn call(&self, mcp: &str) -> Answer {
        let body = crate::client::call_message(
            "list_issues",
            json!({ "owner": "alice", "repo": "compass", "limit": 1 }),
        );
        let request = self.http.post(mcp).bearer_auth(&self.token).json(&body);
        let request = request
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", "list_issues")
            .header("accept", "application/json, text/event-stream");
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Answer::Refused(format!("no answer: {error}")),
        };
        let status = answer.status();
        let has_process = answer.headers().get(SERVED_BY).is_some_and(|name| !name.is_empty());
        let Ok(text) = answer.text().await else {
            return Answer::Refused("the answer broke off at the proxy".to_owned());
        };
        if status == 502 && has_process {
            return Answer::Broken(text);
        }
        let message = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
        let message: Value = serde_json::from_str(message.unwrap_or(&text)).unwrap_or_default();
        if message["result"]["isError"] == false {
            return Answer::Served;
        }
        let said = crate::client::text_of(&message);
        Answer::Refused(if said.is_empty() { format!("{status}: {text}") } else { said })
    }
}

impl Answer {
    /// Whether the account has to be connected again.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Refused(words) if words.contains("has to be connected again"))
    }

    /// Whether the call was refused for a while: the same call is answered later.
    pub fn is_for_now(&self) -> bool {
        let says = ["try again later", "call again later", "Call again in"];
        matches!(self, Self::Refused(words) if says.iter().any(|what| words.contains(what)))
    }
}

/// The words without what differs from person to person: the link.
fn kind(words: &str) -> String {
    let line = words
        .split_whitespace()
        .map(|word| if word.starts_with("http://") { "LINK" } else { word });
    line.collect::<Vec<_>>().join(" ")
}

impl Tally {
    pub(super) fn add(&mut self, person: &str, answer: &Answer, took: Duration) {
        self.longest = self.longest.max(took);
        match answer {
            Answer::Served => self.served += 1,
            Answer::Broken(words) => *self.broken.entry(kind(words)).or_default() += 1,
            Answer::Refused(words) => {
                *self.refused.entry(kind(words)).or_default() += 1;
                if answer.is_lost() {
                    let (person, words) = (person.to_owned(), kind(words));
                    self.lost.push(Loss { person, said_at: Instant::now(), words });
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.served += other.served;
        self.longest = self.longest.max(other.longest);
        self.lost.extend(other.lost);
        self.begun_again += other.begun_again;
        for (into, from) in [(&mut self.broken, other.broken), (&mut self.refused, other.refused)] {
            for (words, times) in from {
                *into.entry(words).or_default() += times;
            }
        }
    }
}

impl Load {
    /// Lets everyone sign in, one after the other.
    pub async fn sign_in(&self, fleet: &Fleet) -> Vec<User> {
        let mut users = Vec::new();
        for number in 0..self.people {
            users.push(User::sign_in(fleet, number).await);
        }
        users
    }

    /// Makes all calls. A person whose account is lost connects it again and goes on.
    pub async fn run(&self, fleet: &Fleet, users: &mut [User]) -> Tally {
        let begun = Instant::now();
        let each = self.calls / self.people;
        let pace = self.length / u32::try_from(each).unwrap_or(1);
        let mcp = fleet.mcp();
        let calling = users.iter_mut().enumerate().map(async |(number, user)| {
            let mut tally = Tally::default();
            let offset =
                pace * u32::try_from(number).unwrap_or(0) / u32::try_from(self.people).unwrap_or(1);
            for call in 0..each {
                let due = begun + offset + pace * u32::try_from(call).unwrap_or(0);
                time::sleep(due.saturating_duration_since(Instant::now())).await;
                let started = Instant::now();
                let answer = user.call(&mcp).await;
                tally.add(&user.name, &answer, started.elapsed());
                if answer.is_lost() {
                    tally.begun_again += user.sign_in_at_last().await;
                }
            }
            tally
        });
        let mut all = Tally::default();
        for tally in join_all(calling).await {
            all.merge(tally);
        }
        all
    }
}
