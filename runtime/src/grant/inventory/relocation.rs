//! Relocation of a database to another one, while servers use it.
//!
//! The rows are copied in passes. Each pass copies the rows that have changed, and removes those that
//! are gone. Then the source refuses leases, so that no renewal begins, and the renewals under way end.
//! Then it refuses writes, and a last pass makes the two databases equal. From then on the target is
//! used. A server that still uses the source goes on with the tokens that it has, and renews none.
//!
//! Revisions are copied as well, so rows with the same revision are equal, and a relocation that was
//! stopped goes on where it stopped.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use super::{Accepted, BATCH, Inventory, Row};
use crate::grant::{store::MAX_LEASE_TTL, store_error::StoreError};
use crate::support::{crash_point::crash_point, crypto};

/// The note of the target: the identifier of the source, while rows are copied.
pub(crate) const UNDER_WAY: &str = "relocation under way";

/// The note of the target: the identifier of the source whose rows it has.
pub(crate) const RELOCATED_FROM: &str = "relocated from";

/// The note of the source: the name of the target that has its rows.
pub(crate) const RELOCATED_TO: &str = "relocated to";

/// The note of the source: its identifier.
const IDENTIFIER: &str = "identifier";

/// How often a pass is repeated while much changes, before the source is closed.
const MAX_PASSES: usize = 10;

/// The source is closed after a pass with at most so many changes.
const FEW: u64 = 100;

const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A source and its target.
pub(crate) struct Relocation {
    pub(crate) from: Arc<dyn Inventory>,
    pub(crate) to: Arc<dyn Inventory>,
}

/// Progress of a relocation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A pass goes on.
    Copying(Pass),
    /// A pass has ended.
    Passed(Pass),
    /// No renewal begins, and these are under way.
    Waiting { leases: u64 },
    /// The source takes no writes.
    Closed,
}

/// What a pass has done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pass {
    pub(crate) rows: u64,
    pub(crate) copied: u64,
    pub(crate) removed: u64,
    /// Rows that cannot be opened, which are left behind.
    pub(crate) unreadable: u64,
}

/// Why a relocation does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RelocationError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "{0} has rows of a server already, and a relocation would mix two: name an empty database"
    )]
    NotEmpty(String),
    #[error("{0} has the rows of another database, or a relocation from another one is under way")]
    OtherSource(String),
    #[error("{0} has all rows already, since an earlier run: let the servers use it")]
    Finished(String),
    #[error(
        "{leases} renewals have not ended in ten minutes; the source is open again, so run this again"
    )]
    LeasesHeld { leases: u64 },
}

/// Fails for a database whose rows are in another one.
#[cfg(feature = "sqlite")]
pub(crate) async fn check_source(source: &dyn Inventory) -> Result<(), StoreError> {
    let Some(target) = source.note(RELOCATED_TO).await? else { return Ok(()) };
    let target = String::from_utf8_lossy(&target);
    let problem = format!("is closed: its rows are in {target}; let TOOLGATE_STORE name that one");
    Err(StoreError::Moved { database: source.name(), problem })
}

/// Fails for a database that has not all rows yet.
#[cfg(feature = "postgres")]
pub(crate) async fn check_target(target: &dyn Inventory) -> Result<(), StoreError> {
    if target.note(UNDER_WAY).await?.is_none() {
        return Ok(());
    }
    let problem =
        "has not all rows of another database yet: run `admin migrate` to its end".to_owned();
    Err(StoreError::Moved { database: target.name(), problem })
}

impl Relocation {
    /// Copies what there is, in one or several passes, while servers go on to write.
    pub(crate) async fn prepare(
        &self,
        mut watch: impl FnMut(Step) + Send,
    ) -> Result<Pass, RelocationError> {
        self.begin().await?;
        let mut pass = Pass::default();
        for _ in 0..MAX_PASSES {
            pass = self.pass(&mut watch).await?;
            if pass.copied + pass.removed <= FEW {
                break;
            }
        }
        Ok(pass)
    }

    /// Closes the source, and copies the rest. If renewals do not end in time, the source is opened
    /// again.
    pub(crate) async fn finish(
        &self,
        mut watch: impl FnMut(Step) + Send,
    ) -> Result<Pass, RelocationError> {
        self.from.accept(Accepted::NoLeases).await?;
        let mut waited = Duration::ZERO;
        loop {
            let leases = self.from.leases(SystemTime::now()).await?;
            if leases == 0 {
                break;
            }
            watch(Step::Waiting { leases });
            if waited > MAX_LEASE_TTL {
                self.from.accept(Accepted::All).await?;
                return Err(RelocationError::LeasesHeld { leases });
            }
            sleep(POLL_INTERVAL).await;
            waited += POLL_INTERVAL;
        }
        self.from.accept(Accepted::Nothing).await?;
        watch(Step::Closed);
        crash_point("relocation.closed");
        let pass = self.pass(&mut watch).await?;
        // Nothing has changed since, unless someone wrote to the target.
        let again = self.pass(&mut watch).await?;
        if again.copied + again.removed > 0 {
            return Err(RelocationError::OtherSource(self.to.name()));
        }
        let source = self.identifier().await?;
        self.to.set_note(RELOCATED_FROM, Some(&source)).await?;
        crash_point("relocation.complete");
        self.to.set_note(UNDER_WAY, None).await?;
        crash_point("relocation.target_open");
        self.from.set_note(RELOCATED_TO, Some(self.to.name().as_bytes())).await?;
        Ok(pass)
    }

    /// Opens the source again for its servers. The rows of the target are then out of date.
    pub(crate) async fn cancel(&self) -> Result<(), RelocationError> {
        let source = self.identifier().await?;
        self.to.set_note(RELOCATED_FROM, None).await?;
        // No server may use these rows, because they get out of date.
        self.to.set_note(UNDER_WAY, Some(&source)).await?;
        self.from.set_note(RELOCATED_TO, None).await?;
        self.from.accept(Accepted::All).await?;
        Ok(())
    }

    async fn begin(&self) -> Result<(), RelocationError> {
        let source = self.identifier().await?;
        if let Some(before) = self.to.note(RELOCATED_FROM).await? {
            let name = self.to.name();
            if before != source {
                return Err(RelocationError::OtherSource(name));
            }
            // The last steps of an earlier run may be missing.
            self.to.set_note(UNDER_WAY, None).await?;
            self.from.set_note(RELOCATED_TO, Some(name.as_bytes())).await?;
            return Err(RelocationError::Finished(name));
        }
        match self.to.note(UNDER_WAY).await? {
            Some(before) if before == source => Ok(()),
            Some(_) => Err(RelocationError::OtherSource(self.to.name())),
            None if self.to.page(None, false).await?.is_empty() => {
                Ok(self.to.set_note(UNDER_WAY, Some(&source)).await?)
            }
            None => Err(RelocationError::NotEmpty(self.to.name())),
        }
    }

    /// The identifier of the source, which it gets once.
    async fn identifier(&self) -> Result<Vec<u8>, StoreError> {
        if let Some(found) = self.from.note(IDENTIFIER).await? {
            return Ok(found);
        }
        let mut identifier = [0; 16];
        crypto::fill_random(&mut identifier);
        self.from.set_note(IDENTIFIER, Some(&identifier)).await?;
        Ok(identifier.to_vec())
    }

    /// Copies the rows that differ, and removes those that the source does not have.
    async fn pass(&self, watch: &mut (impl FnMut(Step) + Send)) -> Result<Pass, StoreError> {
        let (mut pass, mut after) = (Pass::default(), None);
        loop {
            let page = self.from.page(after.as_ref(), false).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.place.clone());
            let places: Vec<_> = page.iter().map(|row| row.place.clone()).collect();
            let there = self.to.revisions(&places).await?;
            pass.rows += page.len() as u64;
            let differs = page.into_iter().zip(there);
            let differs = differs.filter(|(row, there)| *there != Some(row.revision));
            let mut copies = Vec::with_capacity(BATCH);
            let (opens, seals) = (self.from.sealer().await?, self.to.sealer().await?);
            for (row, _) in differs {
                let Ok(value) = row.open(&opens) else {
                    pass.unreadable += 1;
                    continue;
                };
                let sealed = row.sealed_by(&seals, &value);
                copies.push(Row { sealed, ..row });
            }
            pass.copied += copies.len() as u64;
            if !copies.is_empty() {
                self.to.put(copies).await?;
                crash_point("relocation.copied");
            }
            watch(Step::Copying(pass));
        }
        pass.removed = self.remove_rest().await?;
        watch(Step::Passed(pass));
        Ok(pass)
    }

    async fn remove_rest(&self) -> Result<u64, StoreError> {
        let (mut removed, mut after) = (0, None);
        loop {
            let page = self.to.page(after.as_ref(), false).await?;
            let Some(last) = page.last() else { return Ok(removed) };
            after = Some(last.place.clone());
            let places: Vec<_> = page.into_iter().map(|row| row.place).collect();
            let there = self.from.revisions(&places).await?;
            let gone = places.into_iter().zip(there).filter(|(_, there)| there.is_none());
            let gone: Vec<_> = gone.map(|(place, _)| place).collect();
            removed += gone.len() as u64;
            if !gone.is_empty() {
                self.to.delete(gone).await?;
            }
        }
    }
}
