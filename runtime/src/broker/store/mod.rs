//! Typed records: what the broker keeps in the sealed store.

pub(crate) mod keys;
pub(crate) mod person;
pub(crate) mod sign_in;
pub(crate) mod typed_store;
