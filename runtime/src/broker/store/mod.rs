//! The broker's records in the sealed store: sign-ins, people, keys, assertions that were used.

pub(crate) mod people;
pub(crate) mod refresh_tokens;
pub(crate) mod sign_ins;
pub(crate) mod signing_keys;
pub(crate) mod step_up_record;
pub(crate) mod step_ups;
pub(crate) mod typed_store;
pub(crate) mod used_assertions;
