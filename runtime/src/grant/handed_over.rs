//! Revisions that the next program knows, of a store in memory that was handed over to it.

use std::collections::HashMap;

use super::model::{GrantKey, Revision};

/// The namespace of pending authorizations. No namespace of records has this name.
pub(super) const PENDING: &str = "";

/// What the next program knows.
pub(super) struct HandedOver {
    /// The revision of the last write.
    pub(super) revision: u64,
    pub(super) grants: HashMap<GrantKey, Revision>,
    /// Those of records, by namespace and key.
    pub(super) records: HashMap<String, HashMap<String, Revision>>,
}
