//! Watching a server: its probes, its metrics, and what is drawn and alerted from them.

mod cardinality;
mod dashboards;
mod metrics;
mod opentelemetry;
mod probes;

use std::collections::BTreeSet;

/// The series of a text of metrics: names with their labels.
fn series(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series).collect()
}

/// The names of the series.
fn names(text: &str) -> BTreeSet<&str> {
    series(text).into_iter().filter_map(|series| series.split('{').next()).collect()
}

/// The sum of all series of this name whose labels have all of these parts.
fn sum(text: &str, name: &str, labels: &[&str]) -> u64 {
    let lines = text.lines().filter_map(|line| line.rsplit_once(' '));
    let fits = |series: &str| {
        series.split('{').next() == Some(name) && labels.iter().all(|part| series.contains(part))
    };
    let values = lines.filter(|(series, _)| fits(series)).map(|(_, value)| value.parse::<u64>());
    values.map(Result::unwrap).sum()
}
