//! Sealing of all rows under the current key, in the background, after the keys have changed.

use std::{
    sync::Weak,
    time::{Duration, SystemTime},
};

use tokio::time::sleep;
use tokio_postgres::{Row, types::Type};

use super::{
    database::{Database, column},
    places::from_legible,
};
use crate::grant::{
    inventory::notes::{age_of_key, forget_previous_key},
    key_ring::{KEY_ID_LEN, KeyAge},
    millis::from_millis,
    rows::{key_of, place, unsigned},
    seal::Sealer,
    store::HolderId,
    store_error::StoreError,
    unseal_error::UnsealError,
};

/// How many rows are sealed at once.
const BATCH: i64 = 500;

/// How many rows one statement looks at: few enough that a slow disk reads them within a statement's
/// time, however large the table is.
const PAGE: i64 = 4000;

/// The wait after a failure.
const RETRY_WAIT: Duration = Duration::from_secs(30);

/// How often a replica asks for its turn.
const TURN_WAIT: Duration = Duration::from_secs(5);

/// How often a replica whose keys may change looks whether they have.
const CHANGE_WAIT: Duration = Duration::from_secs(60);

/// How often rows of replicas that still seal with a previous key are looked for, by one of all.
const STRAGGLERS_WAIT: Duration = Duration::from_secs(600);

/// The turn of the replica that reads and seals. It ends after this time unless it is prolonged,
/// because its replica may have died.
const SEALING: (&str, Duration) = ("sealing", Duration::from_secs(60));

/// The turn of the replica that looks for stragglers.
const LOOKING: (&str, Duration) = ("looking", Duration::from_secs(590));

const DOING: &str = "sealing rows again";

/// Takes or prolongs a turn, which one replica has at a time. It is a lease with an empty owner, which
/// no subject has: their digests have 32 bytes. The clock is the database's.
const TURN: &str = "INSERT INTO toolgate_leases AS held (owner, provider, holder, expires_at) \
    SELECT '', $3, $1, now.ms + $2 \
    FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms) AS now \
    ON CONFLICT (owner, provider) DO UPDATE SET holder = $1, expires_at = excluded.expires_at \
    WHERE held.holder = $1 OR held.expires_at <= excluded.expires_at - $2 \
    OR held.expires_at > excluded.expires_at - $2 + 600000 RETURNING 1";

const END_TURN: &str =
    "DELETE FROM toolgate_leases WHERE owner = '' AND provider = $2 AND holder = $1";

/// A table whose rows are found by two columns: one has bytes, one has text.
struct Table {
    name: &'static str,
    bytes: &'static str,
    text: &'static str,
    /// Both columns in the order of the primary key, and the last row of a page in the same order.
    key: &'static str,
    after: &'static str,
    /// The column with the rest of the place that a value is sealed for.
    place: &'static str,
}

const GRANTS: Table = Table {
    name: "toolgate_grants",
    bytes: "owner",
    text: "provider",
    key: "owner, provider",
    after: "$1, $2",
    place: "subject",
};

const RECORDS: Table = Table {
    name: "toolgate_records",
    bytes: "id",
    text: "namespace",
    key: "namespace, id",
    after: "$2, $1",
    place: "expires_at",
};

impl Table {
    /// The rows of a page that another key has sealed, each after the key of the page's last row.
    fn select(&self) -> String {
        let Self { name, bytes, text, key, after, place } = self;
        let descending = key.replace(", ", " DESC, ");
        format!(
            "WITH page AS MATERIALIZED ( \
                SELECT {key}, substring(sealed FROM 2 FOR 8) <> $3 AS is_old \
                FROM {name} WHERE ({key}) > ({after}) ORDER BY {key} LIMIT $5), \
            ending AS (SELECT {key} FROM page ORDER BY {descending} DESC LIMIT 1) \
            SELECT ending.{bytes}, ending.{text}, found.{bytes}, found.{text}, found.sealed, \
            found.{place} FROM ending LEFT JOIN LATERAL ( \
                SELECT {key}, old.sealed, old.{place} FROM page \
                JOIN {name} AS old USING ({key}) \
                WHERE is_old ORDER BY {key} LIMIT $4) AS found ON true"
        )
    }

    /// Replaces the values that are still the same. Their revisions stay: nothing else has changed.
    fn replace(&self) -> String {
        let Self { name, bytes, text, .. } = self;
        format!(
            "UPDATE {name} AS found SET sealed = made.sealed \
            FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[]) \
            AS made ({bytes}, {text}, before, sealed) \
            WHERE found.{bytes} = made.{bytes} AND found.{text} = made.{text} \
            AND found.sealed = made.before RETURNING 1"
        )
    }
}

/// What a pass over all tables did.
#[derive(Default)]
struct Pass {
    sealed: usize,
    /// Rows that have changed in the meantime.
    left: usize,
    /// Rows that no key opens.
    unreadable: usize,
}

/// A replica that seals, in its turns.
struct Resealing<'a> {
    database: &'a Database,
    sealer: &'a Sealer,
    holder: HolderId,
}

/// Seals all rows of the database. Replicas that do so at once take turns.
///
/// Afterwards it goes on to look for rows of replicas that still seal with a previous key, until the
/// database gets another key that this process does not follow.
pub(super) async fn run(database: Weak<Database>, sealer: Sealer) {
    let holder = HolderId::random();
    let mut settled = None;
    while let Some(alive) = database.upgrade() {
        let wait = match round(&alive, &sealer, holder, &mut settled).await {
            Ok(Some(wait)) => wait,
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(target: "toolgate::grant", %error, "rows cannot be sealed under the current key; this is tried again");
                RETRY_WAIT
            }
        };
        drop(alive);
        sleep(wait).await;
    }
}

/// One pass over all tables, if it is this replica's turn, and the wait until the next one. `None`:
/// there is nothing more to do. `settled`: the key that the database had when it was last looked at.
async fn round(
    database: &Database,
    sealer: &Sealer,
    holder: HolderId,
    settled: &mut Option<[u8; KEY_ID_LEN]>,
) -> Result<Option<Duration>, StoreError> {
    let is_sourced = sealer.is_sourced();
    let sealer = &sealer.ready().await?;
    let resealing = Resealing { database, sealer, holder };
    let is_settled = *settled == Some(sealer.key_id());
    let age = age_of_key(database, sealer).await?;
    match age {
        Some(KeyAge::Current) if !sealer.has_previous() => return Ok(Some(CHANGE_WAIT)),
        Some(KeyAge::Current) => {
            if !is_settled {
                *settled = Some(sealer.key_id());
                return Ok(Some(STRAGGLERS_WAIT));
            }
            if !resealing.take_turn(LOOKING).await? {
                return Ok(Some(STRAGGLERS_WAIT));
            }
        }
        // An operator has changed to another key.
        Some(KeyAge::Previous) if is_settled => return Ok(None),
        Some(KeyAge::Previous) => {}
        // Other replicas are ahead: this one gets their key later.
        Some(KeyAge::Upcoming) => return Ok(Some(CHANGE_WAIT)),
        None => return Ok(is_sourced.then_some(CHANGE_WAIT)),
    }
    if !resealing.take_turn(SEALING).await? {
        return Ok(Some(TURN_WAIT));
    }
    // The replica that had the turn may have been the last one to seal with a previous key.
    if age_of_key(database, sealer).await? != age {
        resealing.end_turn(SEALING).await?;
        return Ok(Some(Duration::ZERO));
    }
    let done = resealing.pass().await?;
    if done.left > 0 || done.sealed > 0 {
        return Ok(Some(Duration::ZERO));
    }
    if age == Some(KeyAge::Previous) {
        forget_previous_key(database, sealer).await?;
        let unreadable = done.unreadable;
        tracing::info!(target: "toolgate::grant", unreadable, "all rows are sealed under the current key");
    }
    *settled = Some(sealer.key_id());
    resealing.end_turn(SEALING).await?;
    Ok(Some(STRAGGLERS_WAIT))
}

impl Resealing<'_> {
    async fn take_turn(&self, (turn, lasts): (&str, Duration)) -> Result<bool, StoreError> {
        let (holder, ms) = (&self.holder.0[..], lasts.as_millis());
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        let parameters =
            [(&holder as _, Type::BYTEA), (&ms as _, Type::INT8), (&turn as _, Type::TEXT)];
        Ok(!self.database.query(DOING, TURN, &parameters).await?.is_empty())
    }

    async fn end_turn(&self, (turn, _): (&str, Duration)) -> Result<(), StoreError> {
        let holder = &self.holder.0[..];
        let parameters = [(&holder as _, Type::BYTEA), (&turn as _, Type::TEXT)];
        self.database.query(DOING, END_TURN, &parameters).await.map(drop)
    }

    async fn pass(&self) -> Result<Pass, StoreError> {
        let (sealer, mut pass) = (self.sealer, Pass::default());
        self.seal_table(&GRANTS, &mut pass, |row, value| {
            let (provider, subject): (&str, &str) = (column(row, 3)?, column(row, 5)?);
            let key = key_of(&from_legible(subject), &from_legible(provider));
            Ok(key.with_place(|place| sealer.reseal("grant", place, None, value)))
        })
        .await?;
        self.seal_table(&RECORDS, &mut pass, |row, value| {
            let (id, namespace): (&[u8], &str) = (column(row, 2)?, column(row, 3)?);
            let until: SystemTime = from_millis(unsigned(column(row, 5)?));
            Ok(sealer.reseal("record", &[namespace, &place(id)], Some(until), value))
        })
        .await?;
        Ok(pass)
    }

    /// Seals the rows of a table, page by page.
    async fn seal_table(
        &self,
        table: &Table,
        pass: &mut Pass,
        seal: impl Fn(&Row, &[u8]) -> Result<Result<Vec<u8>, UnsealError>, StoreError>,
    ) -> Result<(), StoreError> {
        let (mut after_bytes, mut after_text) = (Vec::<u8>::new(), String::new());
        let key_id = &self.sealer.key_id()[..];
        let (select, replace) = (table.select(), table.replace());
        loop {
            let parameters = [
                (&after_bytes as _, Type::BYTEA),
                (&after_text as _, Type::TEXT),
                (&key_id as _, Type::BYTEA),
                (&BATCH as _, Type::INT8),
                (&PAGE as _, Type::INT8),
            ];
            let rows = self.database.query(DOING, &select, &parameters).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            let is_whole_page = i64::try_from(rows.len()).is_ok_and(|count| count < BATCH);
            let at = if is_whole_page { 0 } else { 2 };
            (after_bytes, after_text) = (column(last, at)?, column(last, at + 1)?);
            let (mut bytes, mut texts, mut before, mut after) = (vec![], vec![], vec![], vec![]);
            for row in &rows {
                let Some(value) = column::<Option<&[u8]>>(row, 4)? else { continue };
                if self.sealer.is_ahead(value) {
                    continue;
                }
                match seal(row, value)? {
                    Ok(made) => {
                        bytes.push(column::<&[u8]>(row, 2)?);
                        texts.push(column::<&str>(row, 3)?);
                        before.push(value);
                        after.push(made);
                    }
                    Err(_) => pass.unreadable += 1,
                }
            }
            if after.is_empty() {
                continue;
            }
            let parameters = [
                (&bytes as _, Type::BYTEA_ARRAY),
                (&texts as _, Type::TEXT_ARRAY),
                (&before as _, Type::BYTEA_ARRAY),
                (&after as _, Type::BYTEA_ARRAY),
            ];
            let replaced = self.database.query(DOING, &replace, &parameters).await?.len();
            pass.sealed += replaced;
            pass.left += after.len() - replaced;
            self.take_turn(SEALING).await?;
        }
    }
}
