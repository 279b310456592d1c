//! Notes of a database: values that belong to the whole of it, among them the one by which it
//! recognises its key.

use async_trait::async_trait;

use crate::grant::{key_ring::KeyAge, seal::Sealer, store_error::StoreError};

/// The name of the note by which a database recognises its key.
pub(crate) const KEY_CHECK_VALUE: &str = "key check value";

/// The notes of a database, by their names.
#[async_trait]
pub(crate) trait Notes: Send + Sync {
    async fn note(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError>;

    async fn set_note(&self, name: &'static str, value: Option<&[u8]>) -> Result<(), StoreError>;
}

/// Which of the sealer's keys the database has. `None`: it has another one, or none yet.
pub(crate) async fn age_of_key(
    notes: &dyn Notes,
    sealer: &Sealer,
) -> Result<Option<KeyAge>, StoreError> {
    let value = notes.note(KEY_CHECK_VALUE).await?;
    Ok(value.and_then(|value| sealer.recognise(&value)))
}

/// Lets the database be opened by the current key alone, once no row needs a previous one.
pub(crate) async fn forget_previous_key(
    notes: &dyn Notes,
    sealer: &Sealer,
) -> Result<(), StoreError> {
    if age_of_key(notes, sealer).await? == Some(KeyAge::Previous) {
        notes.set_note(KEY_CHECK_VALUE, Some(&sealer.check_value()[..])).await?;
    }
    Ok(())
}
