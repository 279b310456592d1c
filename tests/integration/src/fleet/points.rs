//! A process that ends at a crash point, is started again, and what must hold then.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use forge::Config;
use tokio::time;

use super::{Answer, Fleet, Options, Random, Replica, Signal, User, losses::INTERRUPTED};

/// How many people there are.
const PEOPLE: usize = 6;

/// How long a call may be refused "for now", and how long the next one waits.
const MAX_SETTLE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// The crash points, by what reaches them.
const REFRESH: [&str; 6] = [
    "refresh.leased",
    "refresh.marked",
    "refresh.sending",
    "refresh.answered",
    "refresh.stored",
    "refresh.releasing",
];
const CONSENT: [&str; 6] = [
    "registration.sealed",
    "consent.taken",
    "consent.exchanged",
    "consent.stored",
    "consent.code",
    "token.issued",
];
const DISCONNECT: [&str; 4] = [
    "disconnect.leased",
    "disconnect.revoked",
    "disconnect.removed",
    "disconnect.client_signed_out",
];
const MIGRATION: [&str; 3] = ["migration.created", "migration.committing", "migration.committed"];

/// Random kills at the crash points of a server with one process.
#[derive(Debug)]
pub struct Points<'a> {
    /// The program.
    pub program: &'a Path,
    /// The database. Empty: SQLite.
    pub store: &'a str,
    /// How long the right to renew a token lasts, in milliseconds. Where a process was killed it is waited
    /// for, and a request may take half of it.
    pub lease_ms: &'a str,
    /// A database that has no tables yet, for each time that a migration is tried.
    pub fresh_store: &'a dyn FreshStore,
}

/// Makes databases without tables.
pub trait FreshStore: std::fmt::Debug {
    /// `TOOLGATE_STORE` and `TOOLGATE_DATA` of a new one.
    fn next(&self) -> (String, String);
}

/// What was tried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tried {
    /// How many times the process was killed.
    pub kills: usize,
    /// How many of them during a refresh, a consent, a disconnection and a migration.
    pub by_kind: [usize; 4],
    /// Grants that were lost, each with its refresh token spent and the answer not stored.
    pub lost: usize,
    /// Calls that were made again because the server said so.
    pub repeated: usize,
}

struct Trial<'a> {
    fleet: &'a Fleet,
    users: Vec<User>,
    tried: Tried,
    random: Random,
}

impl Points<'_> {
    /// Kills the process so many times.
    ///
    /// # Panics
    ///
    /// Something that was acknowledged is lost, or something half-written is believed.
    pub async fn run(&self, kills: usize, seed: u64) -> Tried {
        let more = [("LEASE_MS", self.lease_ms)];
        let fleet = Fleet::prepare(Options {
            program: self.program,
            replicas: 1,
            store: self.store,
            forge: Config::default().crowd(PEOPLE + kills).rate_limit(u32::MAX),
            more: &more,
            nginx: None,
        });
        let fleet = fleet.await;
        let replica = &fleet.replicas[0];
        replica.start().await;
        let mut users = Vec::new();
        for number in 0..PEOPLE {
            users.push(User::sign_in(&fleet, number).await);
        }
        end(replica, Signal::Terminate).await;
        let random = Random::new(seed);
        let mut trial = Trial { fleet: &fleet, users, tried: Tried::default(), random };
        while trial.tried.kills < kills {
            let kind = match trial.random.below(20) {
                0..=8 => 0,
                9..=13 => 1,
                14..=17 => 2,
                _ => 3,
            };
            let seed = trial.random.seed();
            match kind {
                0 => trial.kill_a_refresh(seed).await,
                1 => trial.kill_a_consent(seed).await,
                2 => trial.kill_a_disconnection(seed).await,
                _ => trial.kill_a_migration(seed, self.fresh_store.next()).await,
            }
            trial.tried.kills += 1;
            trial.tried.by_kind[kind] += 1;
        }
        trial.tried
    }
}

async fn end(replica: &Replica, signal: Signal) {
    replica.send(signal).await;
    replica.ended().await;
}

impl Trial<'_> {
    fn replica(&self) -> &Replica {
        &self.fleet.replicas[0]
    }

    async fn start_with(&self, point: &str) {
        self.replica().start_with(&[("TOOLGATE_CRASH_POINT", point)]).await;
        assert!(self.replica().wait_until_it_listens().await, "{point}: {}", self.replica().log());
    }

    /// Ends the process where it has not ended at its crash point, and starts it again.
    async fn restart(&self) {
        end(self.replica(), Signal::Kill).await;
        self.replica().start().await;
    }

    async fn call(&mut self, at: usize) -> Answer {
        let user = self.users[at].clone();
        self.call_as(&user).await
    }

    /// Makes a call, and makes it again as long as it is refused for a while.
    async fn call_as(&mut self, user: &User) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = user.call(&self.fleet.mcp()).await;
            if !answer.is_for_now() || begun.elapsed() > MAX_SETTLE {
                return answer;
            }
            self.tried.repeated += 1;
            eprintln!("called again: {answer:?}");
            time::sleep(PAUSE).await;
        }
    }

    /// Another person's account works as before.
    async fn others_are_as_before(&mut self, at: usize, seed: u64) {
        let other = (at + 1 + self.random.below(PEOPLE - 1)) % PEOPLE;
        assert_eq!(self.call(other).await, Answer::Served, "seed {seed}: another person");
        end(self.replica(), Signal::Terminate).await;
    }

    async fn kill_a_refresh(&mut self, seed: u64) {
        let (point, at) = (*self.random.of(&REFRESH), self.random.below(PEOPLE));
        self.start_with(point).await;
        self.fleet.forge.expire_access_tokens();
        let cut = self.users[at].call(&self.fleet.mcp()).await;
        assert_ne!(cut, Answer::Served, "seed {seed}: {point} is not reached");
        self.restart().await;
        let answer = self.call(at).await;
        if point == "refresh.answered" {
            let Answer::Refused(words) = &answer else {
                panic!("seed {seed}: {point}: {answer:?}")
            };
            assert!(words.contains(INTERRUPTED), "seed {seed}: {words}");
            self.users[at].sign_in_again().await;
            self.tried.lost += 1;
        } else {
            assert_eq!(answer, Answer::Served, "seed {seed}: {point}");
        }
        assert_eq!(self.call(at).await, Answer::Served, "seed {seed}: {point}");
        self.others_are_as_before(at, seed).await;
    }

    async fn kill_a_consent(&mut self, seed: u64) {
        let (point, at) = (*self.random.of(&CONSENT), self.random.below(PEOPLE));
        self.start_with(point).await;
        let (before, fleet_url) = (self.users[at].clone(), self.fleet.url.clone());
        // What a browser or a host does with an answer that never comes is not tried here.
        let mut user = before.clone();
        let signed_in = tokio::spawn(async move {
            user.register(&fleet_url).await;
            user.sign_in_again().await;
        });
        assert!(signed_in.await.is_err(), "seed {seed}: {point} is not reached");
        self.restart().await;
        // Nothing of the new sign-in was acknowledged, and the one before is as it was.
        assert_eq!(self.call(at).await, Answer::Served, "seed {seed}: {point}");
        let refreshed = before.application.refresh(&before.refresh_token).await;
        assert_eq!(refreshed.status, 200, "seed {seed}: {point}: {}", refreshed.body);
        // The client that was registered before is known, and the browser can begin again.
        self.users[at].sign_in_again().await;
        assert_eq!(self.call(at).await, Answer::Served, "seed {seed}: {point}");
        self.others_are_as_before(at, seed).await;
    }

    async fn kill_a_disconnection(&mut self, seed: u64) {
        let point = *self.random.of(&DISCONNECT);
        self.start_with(point).await;
        let mut user = User::sign_in(self.fleet, PEOPLE + self.tried.kills).await;
        // The last sign-in of a client that ends takes the account with it.
        assert_ne!(user.sign_out().await, 200, "seed {seed}: {point} is not reached");
        self.restart().await;
        let live = self.fleet.forge.live_grants_of(&user.name);
        match self.call_as(&user).await {
            // It was not acknowledged, and can be done again.
            Answer::Served => assert_eq!(point, "disconnect.leased", "seed {seed}"),
            answer => assert_eq!(live, 0, "seed {seed}: {point}: tokens are left: {answer:?}"),
        }
        // When it is asked for again, it is done whole.
        assert_eq!(user.sign_out().await, 200, "seed {seed}: {point}");
        let live = self.fleet.forge.live_grants_of(&user.name);
        assert_eq!(live, 0, "seed {seed}: {point}: a sign-out was acknowledged, and not done");
        user.sign_in_again().await;
        let served = self.call_as(&user).await;
        assert_eq!(served, Answer::Served, "seed {seed}: {point}");
        self.others_are_as_before(0, seed).await;
    }

    async fn kill_a_migration(&mut self, seed: u64, (store, data): (String, String)) {
        let point = *self.random.of(&MIGRATION);
        let mut more = vec![("TOOLGATE_STORE", &*store), ("TOOLGATE_DATA", &*data)];
        more.retain(|(_, value)| !value.is_empty());
        more.push(("TOOLGATE_CRASH_POINT", point));
        self.replica().start_with(&more).await;
        assert!(!self.replica().wait_until_it_listens().await, "seed {seed}: {point}");
        self.replica().ended().await;
        more.pop();
        self.replica().start_with(&more).await;
        let listens = self.replica().wait_until_it_listens().await;
        assert!(listens, "seed {seed}: {point}: {}", self.replica().log());
        let person = self.random.below(PEOPLE);
        let user = User::sign_in(self.fleet, person).await;
        assert_eq!(self.call_as(&user).await, Answer::Served, "seed {seed}: {point}");
        end(self.replica(), Signal::Kill).await;
    }
}
