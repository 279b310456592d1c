//! Processes that end while people call: one of them each second.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use forge::{Config, Counts};
use futures::future::join_all;
use tokio::{sync::Mutex, time};

use super::{Answer, Fleet, Kill, Load, Match, Options, Random, Signal, Tally, losses::find_kills};

/// How long a token of the provider lives.
const TOKEN_TTL: Duration = Duration::from_secs(2);

/// How long the provider takes to answer a refresh.
const TOKEN_LATENCY: Duration = Duration::from_millis(20);

/// How long a spent refresh token still works, at a provider that has a leeway.
const LEEWAY: Duration = Duration::from_secs(30);

/// How many processes may be on their way at a time, so that some always listen.
const MAX_AWAY: usize = 2;

/// How long it may take until everyone is answered again.
const MAX_SETTLE: Duration = Duration::from_secs(120);

/// What is done to a fleet of four processes.
#[derive(Debug)]
pub struct Kills<'a> {
    /// The program of each process.
    pub program: &'a Path,
    /// The database.
    pub store: &'a str,
    /// Further variables of each process.
    pub more: &'a [(&'static str, &'a str)],
    /// What one of them is sent each second.
    pub signal: Signal,
    /// Whether the provider accepts a spent refresh token for a while.
    pub has_leeway: bool,
    /// The calls.
    pub load: Load,
}

/// What it came to.
#[derive(Debug)]
pub struct Outcome {
    /// How many times a process was ended.
    pub kills: usize,
    /// What the calls came to.
    pub tally: Tally,
    /// What the provider has seen.
    pub counts: Counts,
    /// The kill of each grant that was lost.
    pub matches: Vec<Match>,
    /// Grants that were lost without a kill that explains it.
    pub unexplained: Vec<String>,
}

impl Kills<'_> {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// A process does not start, or people are not answered when all is over.
    pub async fn run(&self) -> Outcome {
        let config = Config::default().access_ttl(TOKEN_TTL).token_latency(TOKEN_LATENCY);
        let config = config.crowd(self.load.people).rate_limit(u32::MAX);
        let forge = if self.has_leeway { config.leeway(LEEWAY) } else { config };
        let mut more = self.more.to_vec();
        if self.has_leeway {
            more.push(("LENIENT", "yes"));
        }
        let options = Options {
            program: self.program,
            replicas: 4,
            store: self.store,
            forge,
            more: &more,
            nginx: None,
        };
        let fleet = Fleet::start(options).await;
        let mut users = self.load.sign_in(&fleet).await;
        let kills = Mutex::new(Vec::new());
        let (mut tally, ()) = tokio::join!(
            self.load.run(&fleet, &mut users),
            self.end_one_each_second(&fleet, &kills)
        );
        // A call that waits for the lease of a process that was killed is answered in the end.
        let mcp = fleet.mcp();
        let settled = join_all(users.iter().map(async |user| {
            let begun = Instant::now();
            loop {
                let answer = user.call(&mcp).await;
                if answer == Answer::Served || answer.is_lost() {
                    return answer;
                }
                assert!(begun.elapsed() < MAX_SETTLE, "{answer:?}");
                time::sleep(Duration::from_millis(500)).await;
            }
        }));
        for (user, answer) in users.iter().zip(settled.await) {
            tally.add(&user.name, &answer, Duration::ZERO);
        }
        let ended = kills.into_inner();
        let kills = if self.signal == Signal::Kill { &ended[..] } else { &[] };
        let (matches, unexplained) =
            find_kills(&tally.lost, &fleet.forge.refresh_requests(), kills);
        let counts = fleet.forge.counts();
        Outcome { kills: ended.len(), tally, counts, matches, unexplained }
    }

    async fn end_one_each_second(&self, fleet: &Fleet, kills: &Mutex<Vec<Kill>>) {
        let mut random = Random::new(0);
        let away = Arc::new(AtomicUsize::new(0));
        let turns: Vec<_> = fleet.replicas.iter().map(|_| Arc::new(Mutex::new(()))).collect();
        let mut returning = Vec::new();
        let begun = Instant::now();
        let mut second = time::interval(Duration::from_secs(1));
        second.tick().await;
        while begun.elapsed() < self.load.length {
            second.tick().await;
            let at = random.below(fleet.replicas.len());
            let Ok(turn) = Arc::clone(&turns[at]).try_lock_owned() else { continue };
            if away.load(Ordering::SeqCst) >= MAX_AWAY {
                continue;
            }
            away.fetch_add(1, Ordering::SeqCst);
            let (replica, away, signal) =
                (Arc::clone(&fleet.replicas[at]), Arc::clone(&away), self.signal);
            returning.push(tokio::spawn(async move {
                let process = replica.process_name();
                replica.send(signal).await;
                replica.ended().await;
                let kill = Kill { process, at: Instant::now() };
                replica.start().await;
                away.fetch_sub(1, Ordering::SeqCst);
                drop(turn);
                kill
            }));
        }
        let mut kills = kills.lock().await;
        for replica in returning {
            kills.push(replica.await.expect("it starts again"));
        }
    }
}

impl Outcome {
    /// What is not as it should be.
    pub fn faults(&self, kills: &Kills<'_>) -> Vec<String> {
        let Self { tally, counts, .. } = self;
        let mut faults = Vec::new();
        let mut check = |is_right: bool, fault: String| {
            if !is_right {
                faults.push(fault);
            }
        };
        check(counts.most_at_once <= 1, format!("{} refreshes at once", counts.most_at_once));
        let says_why = |words: &&String| {
            ["call again later", "Call again in", "has to be connected again"]
                .iter()
                .any(|what| words.contains(what))
        };
        for words in tally.refused.keys().filter(|words| !says_why(words)) {
            check(false, format!("refused without a reason and what to do: {words}"));
        }
        let lost = u32::try_from(tally.lost.len()).unwrap_or(u32::MAX);
        check(counts.reuses == lost, format!("{} reuses, and {lost} lost", counts.reuses));
        if kills.signal == Signal::Terminate {
            check(tally.broken.is_empty(), format!("connections broke: {:?}", tally.broken));
        }
        if kills.signal == Signal::Terminate || kills.has_leeway {
            check(lost == 0, format!("{lost} lost: {:?}", tally.lost));
        }
        for fault in &self.unexplained {
            check(false, fault.clone());
        }
        faults
    }

    /// How many of the kills have cost a grant.
    pub fn kills_with_losses(&self) -> usize {
        self.matches.iter().map(|found| found.kill).collect::<BTreeSet<_>>().len()
    }
}
