//! Model of a server of many replicas: people who call, tokens that expire, and a provider with a rate
//! limit and an outage. It predicts how often tokens are renewed, how many statements the store runs,
//! and how many requests the provider gets after the outage.
//!
//! A call finds its token fresh, due or expired, as in `toolgate::grant::Grants`; the unit of time is a
//! second. The tests compare the model with `Grants` at a small size.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and seconds are far below the limits of their types"
)]

mod random;

pub use random::Random;

/// What is modelled.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many grants there are, one for each person.
    pub grants: u32,
    /// How many replicas serve calls, in turn.
    pub replicas: u16,
    /// The calls of a person in an hour, on average.
    pub calls_per_hour: f64,
    /// The life of an access token, in seconds.
    pub token_life: u32,
    /// The refresh requests that the provider answers in a second; it refuses more with 429.
    pub provider_limit: u32,
    /// The beginning and the end of the outage, in seconds.
    pub outage: (u32, u32),
    /// How many seconds are modelled.
    pub seconds: u32,
    /// Whether all tokens were obtained in the same second, as after a campaign.
    pub same_age: bool,
    /// Whether renewals are spread, as the runtime does it.
    pub jitter: bool,
}

/// The lead, the cooldown and the wait after a 429, in seconds: the defaults of the runtime's policy.
const LEAD: f64 = 300.0;
const COOLDOWN: f64 = 30.0;
const RETRY_AFTER: u32 = 30;

/// What happened in one second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Second {
    /// Calls of tools.
    pub calls: u32,
    /// Calls that got no token.
    pub failed: u32,
    /// Refresh requests, whether or not they reached the provider.
    pub requests: u32,
    /// Those that were answered with a token.
    pub renewed: u32,
    /// Statements that read from the store, and that write to it.
    pub reads: u32,
    /// See `reads`.
    pub writes: u32,
}

/// The token of a grant.
#[derive(Clone, Copy)]
struct Token {
    expires_at: u32,
    /// What the replica that failed last remembers.
    replica: u16,
    failures: u8,
    rests_until: u32,
    busy_until: u32,
}

/// Runs the model and returns what happened in each second.
pub fn run(settings: &Settings, random: &mut Random) -> Vec<Second> {
    let life = settings.token_life;
    let lead = LEAD.min(f64::from(life) / 5.0);
    let mut tokens: Vec<Token> = (0..settings.grants)
        .map(|_| {
            let age = if settings.same_age { 0 } else { random.below(life) };
            Token { expires_at: life - age, replica: 0, failures: 0, rests_until: 0, busy_until: 0 }
        })
        .collect();
    let gap = 3600.0 / settings.calls_per_hour;
    let mut calls: Vec<Vec<u32>> = vec![Vec::new(); settings.seconds as usize];
    let schedule = |calls: &mut Vec<Vec<u32>>, now: u32, grant: u32, random: &mut Random| {
        let next = now + random.exponential(gap).max(1.0) as u32;
        if let Some(second) = calls.get_mut(next as usize) {
            second.push(grant);
        }
    };
    for grant in 0..settings.grants {
        schedule(&mut calls, 0, grant, random);
    }
    let mut seconds = Vec::with_capacity(calls.len());
    for now in 0..settings.seconds {
        let mut second = Second::default();
        let mut left = settings.provider_limit;
        let is_away = (settings.outage.0..settings.outage.1).contains(&now);
        for grant in std::mem::take(&mut calls[now as usize]) {
            let replica = random.below(u32::from(settings.replicas)) as u16;
            let spread = if settings.jitter { 0.5 + random.unit() / 2.0 } else { 1.0 };
            let token = &mut tokens[grant as usize];
            call(token, now, replica, spread, lead, life, is_away, &mut left, &mut second);
            schedule(&mut calls, now, grant, random);
        }
        seconds.push(second);
    }
    seconds
}

#[allow(clippy::too_many_arguments, reason = "a step of the model has all of it")]
fn call(
    token: &mut Token,
    now: u32,
    replica: u16,
    spread: f64,
    lead: f64,
    life: u32,
    is_away: bool,
    left: &mut u32,
    second: &mut Second,
) {
    second.calls += 1;
    second.reads += 1;
    let is_expired = now >= token.expires_at;
    let remembers = token.replica == replica;
    let is_busy = remembers && now < token.busy_until;
    if !is_expired {
        let is_due = f64::from(token.expires_at - now) <= lead * spread;
        if !is_due || is_busy || remembers && now < token.rests_until {
            return;
        }
    }
    // The grant is read once more before its lease is taken, and once with it.
    second.reads += 1;
    if is_busy {
        second.failed += 1;
        return;
    }
    second.reads += 1;
    second.requests += 1;
    // The lease, the record of the renewal, the grant or its record's removal, the lease's end.
    second.writes += 4;
    if !is_away && *left > 0 {
        *left -= 1;
        second.renewed += 1;
        token.expires_at = now + life;
        token.failures = 0;
        return;
    }
    second.failed += u32::from(is_expired);
    token.failures = if remembers { token.failures.saturating_add(1) } else { 1 };
    token.replica = replica;
    let rest = COOLDOWN * f64::from(1_u32 << (token.failures - 1).min(8));
    token.rests_until = now + (rest.min(LEAD) * spread) as u32;
    if !is_away {
        token.busy_until = now + RETRY_AFTER;
    }
}

/// What seconds sum up to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// The seconds.
    pub seconds: u32,
    /// Calls.
    pub calls: u64,
    /// Calls that got no token.
    pub failed: u64,
    /// Refresh requests, and the most of them in one second.
    pub requests: u64,
    /// See `requests`.
    pub peak: u32,
    /// Tokens that were renewed.
    pub renewed: u64,
    /// Statements that read, and that write.
    pub reads: u64,
    /// See `reads`.
    pub writes: u64,
}

impl Summary {
    /// The sum of these seconds.
    pub fn of(seconds: &[Second]) -> Self {
        seconds.iter().fold(Self::default(), |sum, second| Self {
            seconds: sum.seconds + 1,
            calls: sum.calls + u64::from(second.calls),
            failed: sum.failed + u64::from(second.failed),
            requests: sum.requests + u64::from(second.requests),
            peak: sum.peak.max(second.requests),
            renewed: sum.renewed + u64::from(second.renewed),
            reads: sum.reads + u64::from(second.reads),
            writes: sum.writes + u64::from(second.writes),
        })
    }

    /// The rate in a second, on average.
    pub fn rate(&self, count: u64) -> f64 {
        count as f64 / f64::from(self.seconds.max(1))
    }
}
