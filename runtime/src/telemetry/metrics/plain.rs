//! The text format of Prometheus before `OpenMetrics`, for clients that ask for it.

use std::fmt::Write as _;

/// The text in the older format: there the family of a counter is called as its samples are, and other
/// comments than help and type have no meaning.
pub(super) fn of(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(comment) = line.strip_prefix("# ") else {
            text.push_str(line);
            text.push('\n');
            continue;
        };
        let (keyword, rest) = comment.split_once(' ').unwrap_or((comment, ""));
        let (family, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let of_counter = |line: &str| line.starts_with("# TYPE ") && line.ends_with(" counter");
        let is_counter = of_counter(line) || lines.peek().is_some_and(|next| of_counter(next));
        if matches!(keyword, "HELP" | "TYPE") {
            let end = if is_counter { "_total" } else { "" };
            let _ = writeln!(text, "# {keyword} {family}{end} {rest}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_family_of_a_counter_has_the_name_of_its_samples() {
        let open = "# HELP a Calls.\n# TYPE a counter\na_total{b=\"# x\"} 1\n# HELP c_seconds Time.\n\
                    # TYPE c_seconds histogram\n# UNIT c_seconds seconds\nc_seconds_sum 0.5\n# EOF\n";
        let plain = "# HELP a_total Calls.\n# TYPE a_total counter\na_total{b=\"# x\"} 1\n\
                     # HELP c_seconds Time.\n# TYPE c_seconds histogram\nc_seconds_sum 0.5\n";
        assert_eq!(super::of(open), plain);
    }
}
