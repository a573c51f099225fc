//! The table of events: writing many at once, and reading them back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use baton_core::machine::Logged;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Row, SqliteConnection, SqlitePool};

use crate::chain::{self, GENESIS, Hash, Link};
use crate::error::StoreError;
use crate::sql;

/// Version of the events that this build writes.
const VERSION: u32 = 1;

/// An event larger than this belongs into an artifact.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Parameters of a row that is written.
const COLUMNS: usize = 8;

/// Rows of one statement, most first. Every trip to the thread of SQLite costs more than a row, so the events of a usual
/// group take one.
const ROWS: [usize; 66] = {
    let mut sizes = [256; 66];
    sizes[1] = 128;
    let mut index = 2;
    while index < sizes.len() {
        sizes[index] = sizes.len() - index;
        index += 1;
    }
    sizes
};

static INSERT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let row = format!("(?,?,?,?,?,{VERSION},?,?,?)");
    let statement = |rows: &usize| {
        let more = format!(",{row}").repeat(rows - 1);
        format!(
            "INSERT INTO events (gseq, run, seq, at, type, v, payload, prev_hash, hash) VALUES {row}{more}"
        )
    };
    ROWS.iter().map(statement).collect()
});

const HEAD: &str = "SELECT gseq, hash FROM events ORDER BY gseq DESC LIMIT 1";

const PAGE: &str = "SELECT seq, at, payload, v, prev_hash, hash FROM events WHERE run = (SELECT number FROM runs WHERE id = ?1) AND seq > ?2 \
     ORDER BY seq LIMIT ?3";

const HASH: &str =
    "SELECT hash FROM events WHERE run = (SELECT number FROM runs WHERE id = ?1) AND seq = ?2";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    let mut all: Vec<&'static str> = INSERT.iter().map(String::as_str).collect();
    all.extend([HEAD, PAGE, HASH]);
    all
}

/// An event as it is written.
#[derive(Debug)]
pub(crate) struct Encoded {
    seq: u32,
    at: i64,
    payload: Arc<str>,
}

/// Encodes events; done by the caller, so that the writer only has to hash and bind.
pub(crate) fn encode(events: &[Logged]) -> Result<Vec<Encoded>, StoreError> {
    let mut buffer = Vec::with_capacity(512);
    events
        .iter()
        .map(|logged| {
            let invalid = |detail: String| StoreError::Invalid { detail };
            let as_text = |error: String| {
                invalid(format!("event {} cannot be written as JSON: {error}", logged.seq))
            };
            buffer.clear();
            serde_json::to_writer(&mut buffer, &logged.event)
                .map_err(|error| as_text(error.to_string()))?;
            if buffer.len() > MAX_BYTES {
                return Err(invalid(format!(
                    "event {} has {} bytes, more than the {MAX_BYTES} that the log takes; keep large values as artifacts",
                    logged.seq,
                    buffer.len()
                )));
            }
            let payload = str::from_utf8(&buffer).map_err(|error| as_text(error.to_string()))?;
            Ok(Encoded {
                seq: logged.seq,
                at: logged.at,
                payload: payload.into(),
            })
        })
        .collect()
}

impl Encoded {
    /// An event that was encoded before.
    pub(crate) fn kept(seq: u32, at: i64, payload: &str) -> Self {
        Self {
            seq,
            at,
            payload: payload.into(),
        }
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &str {
        kind_of(&self.payload)
    }
}

/// The tag of an event, which serde writes first.
pub(crate) fn kind_of(payload: &str) -> &str {
    payload
        .strip_prefix("{\"type\":\"")
        .and_then(|rest| rest.split_once('"'))
        .map_or("", |(kind, _)| kind)
}

/// The last event of the whole log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    gseq: i64,
    hash: Hash,
}

impl Head {
    /// Reads it.
    pub(crate) async fn read(conn: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let Some(row) = sqlx::query(HEAD).fetch_optional(conn).await? else {
            return Ok(Self {
                gseq: 0,
                hash: GENESIS,
            });
        };
        Ok(Self {
            gseq: row.try_get(0)?,
            hash: hash_of(&row, 1)?,
        })
    }

    /// How many events there are.
    pub(crate) fn events(&self) -> i64 {
        self.gseq
    }

    /// Hash of the last one, in hex.
    pub(crate) fn hex(&self) -> String {
        chain::hex(&self.hash)
    }
}

/// A hash column.
pub(crate) fn hash_of(row: &SqliteRow, column: usize) -> Result<Hash, sqlx::Error> {
    row.try_get::<&[u8], _>(column)?
        .try_into()
        .map_err(|_| sqlx::Error::ColumnDecode {
            index: column.to_string(),
            source: "a hash must have 32 bytes".into(),
        })
}

/// Events of one run, to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfRun<'a> {
    pub(crate) id: &'a str,
    pub(crate) number: u32,
    pub(crate) events: &'a [Encoded],
}

/// Writes the events of several runs, in this order.
pub(crate) struct Inserting<'a> {
    head: Head,
    rows: Vec<(OfRun<'a>, &'a Encoded)>,
    /// How many of them are bound.
    at: usize,
    bound: Option<Bound>,
}

/// Rows that are ready for a statement, and the head behind them.
struct Bound {
    size: usize,
    arguments: SqliteArguments,
    head: Head,
}

impl<'a> Inserting<'a> {
    /// Nothing is written before [`Self::finish`].
    pub(crate) fn new(head: Head, runs: &[OfRun<'a>]) -> Self {
        let rows = runs
            .iter()
            .flat_map(|run| run.events.iter().map(|event| (*run, event)))
            .collect();
        Self {
            head,
            rows,
            at: 0,
            bound: None,
        }
    }

    /// Hashes and binds the rows of the next statement, if they are not yet.
    pub(crate) fn prepare(&mut self) -> Result<(), sqlx::Error> {
        if self.bound.is_some() {
            return Ok(());
        }
        let Some((size, chunk)) = sql::chunks(&self.rows[self.at..], &ROWS).next() else {
            return Ok(());
        };
        self.at += chunk.len();
        let bound = bind(self.head, size, chunk)?;
        self.head = bound.head;
        self.bound = Some(bound);
        Ok(())
    }

    /// Writes all of them, and gives the new head.
    pub(crate) async fn finish(mut self, conn: &mut SqliteConnection) -> Result<Head, sqlx::Error> {
        loop {
            self.prepare()?;
            let Some(Bound {
                size, arguments, ..
            }) = self.bound.take()
            else {
                return Ok(self.head);
            };
            let insert = sqlx::query_with(INSERT[size].as_str(), arguments).execute(&mut *conn);
            // While SQLite works on these rows in its own thread, the next ones are hashed and bound here.
            let (inserted, next) = tokio::join!(insert, async { self.prepare() });
            inserted?;
            next?;
        }
    }
}

/// Writes the events of several runs, in this order, and gives the new head.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    head: Head,
    runs: &[OfRun<'_>],
) -> Result<Head, sqlx::Error> {
    Inserting::new(head, runs).finish(conn).await
}

fn bind(mut head: Head, size: usize, rows: &[(OfRun<'_>, &Encoded)]) -> Result<Bound, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(rows.len() * COLUMNS, 0);
    let mut bytes = Vec::with_capacity(1024);
    // There are few types, and most events of a group have one of two.
    let mut kinds: BTreeMap<&str, Arc<str>> = BTreeMap::new();
    for (run, event) in rows {
        let kind = kind_of(&event.payload);
        let shared_kind = kinds.entry(kind).or_insert_with(|| kind.into());
        let link = Link {
            run: run.id,
            seq: event.seq,
            at: event.at,
            kind,
            version: VERSION,
            payload: &event.payload,
        };
        head.gseq += 1;
        let before = head.hash;
        head.hash = chain::hash_with(&mut bytes, &before, link);
        let mut add = || {
            arguments.add(head.gseq)?;
            arguments.add(i64::from(run.number))?;
            arguments.add(i64::from(event.seq))?;
            arguments.add(event.at)?;
            arguments.add(Arc::clone(shared_kind))?;
            arguments.add(Arc::clone(&event.payload))?;
            arguments.add(before.as_slice())?;
            arguments.add(head.hash.as_slice())
        };
        add().map_err(sqlx::Error::Encode)?;
    }
    Ok(Bound {
        size,
        arguments,
        head,
    })
}

/// The hash of an event, in hex.
pub(crate) async fn hash_at(
    pool: &SqlitePool,
    dir: &Path,
    run: &str,
    seq: u32,
) -> Result<Option<String>, StoreError> {
    let row = sqlx::query(HASH)
        .bind(run)
        .bind(i64::from(seq))
        .fetch_optional(pool)
        .await;
    row.and_then(|row| {
        row.map(|row| Ok(chain::hex(&hash_of(&row, 0)?)))
            .transpose()
    })
    .map_err(|error| sql::error(&error, dir))
}

/// At most `limit` events of a run after position `after`.
pub(crate) async fn page(
    pool: &SqlitePool,
    dir: &Path,
    run: &str,
    after: u32,
    limit: u32,
) -> Result<Vec<Logged>, StoreError> {
    let rows = sqlx::query(PAGE)
        .bind(run)
        .bind(i64::from(after))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(|error| sql::error(&error, dir))?;
    let mut last = after;
    rows.iter()
        .map(|row| {
            let logged = read(row, run, last, dir)?;
            last = logged.seq;
            Ok(logged)
        })
        .collect()
}

/// One event, if it is what was written and follows the event `last` of its run.
fn read(row: &SqliteRow, run: &str, last: u32, dir: &Path) -> Result<Logged, StoreError> {
    let as_store = |error: sqlx::Error| sql::error(&error, dir);
    let seq: u32 = row.try_get(0).map_err(as_store)?;
    let unreadable = |detail: String| StoreError::Unreadable {
        run: run.to_owned(),
        seq,
        detail,
    };
    let at = row.try_get(1).map_err(as_store)?;
    let payload: &str = row.try_get(2).map_err(as_store)?;
    let link = Link {
        run,
        seq,
        at,
        kind: kind_of(payload),
        version: row.try_get(3).map_err(as_store)?,
        payload,
    };
    let before = hash_of(row, 4).map_err(as_store)?;
    if chain::hash(&before, link) != hash_of(row, 5).map_err(as_store)? {
        return Err(unreadable("it is not what was written".to_owned()));
    }
    if seq != last + 1 {
        return Err(unreadable(format!("event {} is missing", last + 1)));
    }
    let event = serde_json::from_str(payload).map_err(|error| unreadable(error.to_string()))?;
    Ok(Logged { seq, at, event })
}
