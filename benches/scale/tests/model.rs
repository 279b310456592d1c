//! What the model predicts.

use scale::{Random, Second, Settings, Summary, run};

const OUTAGE: (u32, u32) = (5400, 7200);

fn settings() -> Settings {
    let (grants, replicas, provider_limit) =
        if crate::is_full() { (10_000_000, 1000, 10_000) } else { (100_000, 10, 100) };
    Settings {
        grants,
        replicas,
        calls_per_hour: 3.0,
        token_life: 3600,
        provider_limit,
        outage: OUTAGE,
        seconds: 12_600,
        same_age: false,
        jitter: true,
    }
}

fn row(name: &str, seconds: &[Second]) -> Summary {
    let sum = Summary::of(seconds);
    println!(
        "| {name} | {:.0} | {:.0} | {} | {:.0} | {:.0} | {:.2} % |",
        sum.rate(sum.calls),
        sum.rate(sum.requests),
        sum.peak,
        sum.rate(sum.reads),
        sum.rate(sum.writes),
        sum.failed as f64 * 100.0 / sum.calls.max(1) as f64,
    );
    sum
}

#[test]
fn a_provider_gets_no_burst_of_requests_after_an_outage() {
    let settings = settings();
    println!(
        "model: {} grants, {} replicas, {} calls an hour each, tokens of {} s, a provider that \
         answers {} refreshes a second and is away for {} s",
        settings.grants,
        settings.replicas,
        settings.calls_per_hour,
        settings.token_life,
        settings.provider_limit,
        OUTAGE.1 - OUTAGE.0,
    );
    println!(
        "| | calls/s | refresh requests/s | most in a second | reads/s | writes/s | calls without a token |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let seconds = run(&settings, &mut Random::new(1));
    let [before, away] = [3600..OUTAGE.0, OUTAGE.0..OUTAGE.1].map(|part| {
        let name = if part.start == 3600 { "before the outage" } else { "while it is away" };
        row(name, &seconds[part.start as usize..part.end as usize])
    });
    let after = &seconds[OUTAGE.1 as usize..];
    let first = row("the first minute after", &after[..60]);
    row("the first ten minutes after", &after[..600]);
    let later = row("an hour after", &after[3600..]);
    let calm = after.windows(60).position(|minute| {
        let sum = Summary::of(minute);
        sum.failed * 1000 <= sum.calls
    });
    let calm = calm.expect("the outage is over some time");
    println!(
        "model: 99.9 % of the calls of a minute have a token {calm} s after the provider is back"
    );
    // Each call causes at most one request, so there is no common queue.
    let calls = before.rate(before.calls);
    assert!(f64::from(first.peak) < calls * 1.25, "{} of {calls}", first.peak);
    assert!(away.rate(away.requests) <= away.rate(away.calls));
    assert!(later.rate(later.requests) < before.rate(before.requests) * 1.5);
}

#[test]
fn tokens_of_one_age_are_not_renewed_in_one_moment() {
    let mut settings = settings();
    (settings.same_age, settings.outage, settings.seconds) = (true, (0, 0), 7200);
    settings.provider_limit = u32::MAX;
    settings.calls_per_hour = 60.0;
    settings.grants /= 10;
    let peak = |settings: &Settings| Summary::of(&run(settings, &mut Random::new(1))).peak;
    let spread = peak(&settings);
    settings.jitter = false;
    let at_once = peak(&settings);
    println!(
        "model: {} tokens of one age, a call a minute each: at most {spread} refreshes in a second; \
         without jitter {at_once}",
        settings.grants
    );
    assert!(spread * 2 < at_once * 3, "{spread} {at_once}");
    assert!(spread < settings.grants / 50, "{spread}");
}
