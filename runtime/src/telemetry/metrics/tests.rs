use super::*;
use crate::trace::{Operation, OperationOutcome, RefreshFailure, TokenCheck, TokenRefusal};

fn send(metrics: &Metrics, kind: EventKind<'_>) {
    metrics.on_event(&Event::detached(kind));
}

/// A call that took 30 milliseconds, or was refused.
fn call(outcome: CallOutcome, why: &'static str, code: Option<i32>) -> EventKind<'static> {
    EventKind::CallEnded {
        tool: "add",
        declared: Box::leak(Box::default()),
        caller: None,
        outcome,
        why,
        error: None,
        code,
        ms: std::time::Duration::from_millis(30).into(),
    }
}

fn has(metrics: &Metrics, line: &str) {
    let text = metrics.to_string();
    assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
}

#[test]
fn a_call_is_measured_as_the_conventions_say() {
    let metrics = Metrics::new();
    send(&metrics, call(CallOutcome::Done, "", None));
    send(&metrics, call(CallOutcome::Failed, "", None));
    send(&metrics, call(CallOutcome::Refused, "insufficient_scope", None));
    send(&metrics, call(CallOutcome::Faulty, "", Some(-32602)));
    let labels = |error: &str| {
        format!(
            r#"{{mcp_method_name="tools/call",gen_ai_tool_name="add",gen_ai_operation_name="execute_tool",error_type="{error}""#
        )
    };
    for error in ["", "tool_error", "insufficient_scope", "-32602"] {
        let labels = labels(error);
        has(&metrics, &format!("mcp_server_operation_duration_seconds_count{labels}}} 1"));
    }
    let bucket = format!("mcp_server_operation_duration_seconds_bucket{}", labels(""));
    let bucket = bucket.replace('{', "{le=\"0.02\",");
    let text = metrics.to_string();
    assert!(text.contains("le=\"0.05\""), "{text}");
    let _ = bucket;
    has(&metrics, r#"toolgate_tool_calls_total{gen_ai_tool_name="add",outcome="done",error=""} 1"#);
}

#[test]
fn a_provider_that_the_server_does_not_declare_has_no_name() {
    let metrics = Metrics::new();
    metrics.set_providers(["forge"]);
    for provider in ["forge", "a.stranger", "another"] {
        let (reason, status, joined) = (RefreshFailure::Dead, None, 0);
        let provider = Found::new(provider);
        let ms = std::time::Duration::from_secs(1).into();
        send(&metrics, EventKind::RefreshFailed { provider, reason, status, joined, ms });
    }
    let name = "toolgate_grant_refresh_duration_seconds_count";
    has(&metrics, &format!(r#"{name}{{provider="forge",outcome="dead"}} 1"#));
    has(&metrics, &format!(r#"{name}{{provider="_OTHER",outcome="dead"}} 2"#));
}

#[test]
fn codes_of_an_application_count_as_one() {
    let metrics = Metrics::new();
    for code in -2000..2000 {
        let (operation, outcome) = (Operation::Other, OperationOutcome::Failed);
        let ms = std::time::Duration::ZERO.into();
        send(&metrics, EventKind::OperationEnded { operation, outcome, code: Some(code), ms });
    }
    let text = metrics.to_string();
    assert_eq!(text.lines().filter(|line| line.contains("_count{")).count(), 1, "{text}");
}

#[test]
fn the_text_is_open_metrics() {
    let metrics = Metrics::new();
    let refusal = TokenRefusal::new(TokenCheck::Issuer, "invalid_token", 401);
    send(&metrics, EventKind::TokenRefused { refusal });
    metrics.set_ready(&[("store", true), ("not_draining", false)]);
    has(&metrics, r#"toolgate_gate_token_refusals_total{check="issuer"} 1"#);
    has(&metrics, r#"toolgate_ready{check="not_draining"} 0"#);
    has(&metrics, "# EOF");
    assert_eq!(metrics.render("text/plain").0, PROMETHEUS);
    assert_eq!(metrics.render("application/openmetrics-text,text/plain;q=0.5").0, OPEN_METRICS);
    assert_eq!(metrics.render("").0, OPEN_METRICS);
}
