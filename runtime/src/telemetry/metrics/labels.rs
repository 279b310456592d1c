//! Labels: names that the program declares, and variants of closed sets.

use std::fmt::{self, Write as _};

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use serde::Serialize;

pub(super) use crate::telemetry::names::Label;
use crate::trace::{
    CallError, CallOutcome, CallbackOutcome, ConsentFailure, ConsentReason, Decision,
    DocumentOutcome, Flow, GrantType, RequestRefusal, ReuseOutcome, SessionTransport,
    StepUpOutcome, StoreOperation, StoreOutcome, TokenCheck, TokenOutcome, UpstreamAttempt,
};

impl<T: Serialize> EncodeLabelValue for Label<T> {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        write!(encoder, "{self}")
    }
}

/// Defines sets of labels.
macro_rules! label_sets {
    ($($(#[$meta:meta])* $name:ident { $($field:ident $(as $label:literal)?: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(super) struct $name { $(pub(super) $field: $type,)* }

        impl EncodeLabelSet for $name {
            fn encode(
                &self,
                encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
            ) -> fmt::Result {
                $(encode_label(encoder, label_sets!(@name $field $($label)?), &self.$field)?;)*
                Ok(())
            }
        }
    )*};
    (@name $field:ident $label:literal) => { $label };
    (@name $field:ident) => { stringify!($field) };
}

fn encode_label(
    encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>,
    name: &str,
    value: &impl EncodeLabelValue,
) -> fmt::Result {
    let mut label = encoder.encode_label();
    let mut key = label.encode_label_key()?;
    key.write_str(name)?;
    let mut encoder = key.encode_label_value()?;
    value.encode(&mut encoder)?;
    encoder.finish()
}

label_sets! {
    /// As the conventions of OpenTelemetry for MCP have them, with `_` for `.`.
    OperationLabels {
        method as "mcp_method_name": &'static str,
        tool as "gen_ai_tool_name": &'static str,
        operation as "gen_ai_operation_name": &'static str,
        error_type: &'static str,
    }
    CallLabels {
        tool as "gen_ai_tool_name": &'static str,
        outcome: Label<CallOutcome>,
        error: Option<Label<CallError>>,
    }
    CheckLabels { check: Label<TokenCheck>, }
    RefusalLabels { reason: Label<RequestRefusal>, }
    StepUpLabels { outcome: Label<StepUpOutcome>, }
    ProviderLabels { provider: &'static str, }
    ConsentAskedLabels { provider: &'static str, reason: Label<ConsentReason>, }
    ConsentEndedLabels { provider: &'static str, failure: Option<Label<ConsentFailure>>, }
    CallbackLabels { flow: Label<Flow>, outcome: Label<CallbackOutcome>, }
    CodeExchangeLabels { flow: Label<Flow>, outcome: Label<TokenOutcome>, }
    RefreshLabels { provider: &'static str, outcome: RefreshEnd, }
    UpstreamLabels { provider: &'static str, outcome: &'static str, }
    UpstreamRetryLabels { provider: &'static str, cause: Label<UpstreamAttempt>, }
    StoreLabels { operation: Label<StoreOperation>, outcome: Label<StoreOutcome>, }
    SessionLabels { transport: Label<SessionTransport>, }
    GrantTypeLabels { grant_type: Label<GrantType>, }
    BrokerRefusalLabels { endpoint: &'static str, code: &'static str, }
    DecisionLabels { decision: Label<Decision>, }
    ReuseLabels { outcome: Label<ReuseOutcome>, }
    DocumentLabels { outcome: Label<DocumentOutcome>, }
    ReadyLabels { check: &'static str, }
    VersionLabels { version: &'static str, }
}

/// How a refresh ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RefreshEnd {
    Done(Label<crate::trace::RefreshOutcome>),
    Failed(Label<crate::trace::RefreshFailure>),
}

impl EncodeLabelValue for RefreshEnd {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Done(outcome) => outcome.encode(encoder),
            Self::Failed(failure) => failure.encode(encoder),
        }
    }
}
