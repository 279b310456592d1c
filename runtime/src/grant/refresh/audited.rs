//! What the audit keeps of renewals.

use super::{
    access::{Access, AccessError},
    traced::{RenewalTrace, failure},
};
use crate::grant::{
    audit::{
        AuditTrail,
        buffer::Stream,
        entry::{AuditEvent, Facts, end_of},
    },
    model::GrantKey,
};

/// Keeps how a renewal ended, where the provider was asked.
pub(super) fn renewal(
    audit: &AuditTrail,
    key: &GrantKey,
    trace: &RenewalTrace,
    result: &Result<Access, AccessError>,
) {
    let of = |event| Facts::of_grant(event, key);
    match result {
        Ok(access) if trace.was_renewed() => audit.record(Stream::Refreshes, || {
            of(AuditEvent::TokenRefreshed).scopes(access.scopes.iter())
        }),
        Ok(_) | Err(AccessError::Missing | AccessError::OtherProvider | AccessError::Expired) => {}
        Err(AccessError::Dead { reason }) => {
            audit.decision(|| of(AuditEvent::GrantEnded).reason(&end_of(reason)));
        }
        Err(error) => audit
            .record(Stream::Refreshes, || of(AuditEvent::RefreshFailed).reason(&failure(error))),
    }
}
