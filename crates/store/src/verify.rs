//! Checking the log: is it what was written?

use std::collections::HashMap;
use std::path::Path;

use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};

use crate::chain::{self, GENESIS, Hash, Link};
use crate::error::StoreError;
use crate::events::{hash_of, kind_of};
use crate::rows::Verified;
use crate::sql;

/// A read that lasts keeps the write-ahead log from starting over, so the log is read in pages.
const PAGE: usize = 2_000;

const EVENTS: &str = "SELECT gseq, coalesce(runs.id, ''), events.seq, at, type, v, payload, prev_hash, hash FROM events \
     LEFT JOIN runs ON runs.number = events.run WHERE gseq > ?1 ORDER BY gseq LIMIT ?2";
const RUNS: &str = "SELECT id, seq FROM runs ORDER BY number";
/// Unlike the quick check at the start, this also compares indexes with their tables.
const INTEGRITY: &str = "PRAGMA integrity_check(100)";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[EVENTS, RUNS, INTEGRITY];

/// Findings that are kept: whoever sees a hundred needs no more.
const FINDINGS: usize = 100;

/// Recomputes the whole chain.
pub(crate) async fn verify(pool: &SqlitePool, dir: &Path) -> Result<Verified, StoreError> {
    let mut check = Check::default();
    match read(pool, &mut check).await {
        Ok(()) => {}
        Err(error) => match sql::error(&error, dir) {
            StoreError::Damaged { detail, .. } => check.find(format!("the database: {detail}")),
            other => return Err(other),
        },
    }
    Ok(Verified {
        events: check.events,
        head: (check.damage.is_empty() && check.events > 0).then(|| chain::hex(&check.before)),
        damage: check.damage,
    })
}

async fn read(pool: &SqlitePool, check: &mut Check) -> Result<(), sqlx::Error> {
    let mut conn = pool.acquire().await?;
    let said: Vec<String> = sqlx::query_scalar(INTEGRITY).fetch_all(&mut *conn).await?;
    for detail in said.iter().filter(|said| *said != "ok") {
        check.find(format!("the database: {detail}"));
    }
    while page(&mut conn, check).await? == PAGE {}
    // The last events and the list of runs must be of one moment.
    let mut moment = conn.begin().await?;
    while page(&mut moment, check).await? > 0 {}
    let rows = sqlx::query(RUNS).fetch_all(&mut *moment).await?;
    moment.rollback().await?;
    for row in &rows {
        let run: &str = row.try_get(0)?;
        let seq: u32 = row.try_get(1)?;
        let last = check.runs.remove(run).unwrap_or(0);
        if last != seq {
            check.find(format!(
                "run `{run}` should have {seq} events, but its last one is {last}"
            ));
        }
    }
    let mut strays: Vec<String> = std::mem::take(&mut check.runs).into_keys().collect();
    strays.sort_unstable();
    for run in strays {
        check.find(format!(
            "events of run `{run}` are there, but the run is not"
        ));
    }
    Ok(())
}

async fn page(conn: &mut SqliteConnection, check: &mut Check) -> Result<usize, sqlx::Error> {
    let rows = sqlx::query(EVENTS)
        .bind(check.gseq)
        .bind(PAGE as i64)
        .fetch_all(&mut *conn)
        .await?;
    let before = check.gseq;
    for row in &rows {
        check.event(row)?;
    }
    if !rows.is_empty() && check.gseq <= before {
        // A page that stands in the wrong place leads back to where the reading came from, for ever.
        check.find(format!("the log goes in a circle after place {before}"));
        return Ok(0);
    }
    Ok(rows.len())
}

#[derive(Default)]
struct Check {
    events: u64,
    gseq: i64,
    before: Hash,
    runs: HashMap<String, u32>,
    damage: Vec<String>,
}

impl Check {
    fn event(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        let gseq: i64 = row.try_get(0)?;
        let run: &str = row.try_get(1)?;
        let seq: u32 = row.try_get(2)?;
        let kind: &str = row.try_get(4)?;
        let payload: &str = row.try_get(6)?;
        if self.events == 0 {
            self.before = GENESIS;
        }
        let place = format!("event {seq} of run `{run}` (place {gseq} in the log)");
        if gseq <= self.gseq {
            self.find(format!("{place} stands after place {}", self.gseq));
        } else if gseq != self.gseq + 1 {
            self.find(format!(
                "{} events are missing before {place}",
                gseq - self.gseq - 1
            ));
        }
        let expected = self.runs.get(run).copied().unwrap_or(0) + 1;
        if seq != expected {
            self.find(format!(
                "{place} stands where event {expected} of the run should"
            ));
        }
        if hash_of(row, 7)? != self.before {
            self.find(format!("{place} does not follow the event before it"));
        }
        let link = Link {
            run,
            seq,
            at: row.try_get(3)?,
            kind,
            version: row.try_get(5)?,
            payload,
        };
        let hash = hash_of(row, 8)?;
        // The stored hashes are taken as they are, so that one changed event gives one finding.
        if chain::hash(&hash_of(row, 7)?, link) != hash || kind_of(payload) != kind {
            self.find(format!("{place} is not what was written"));
        }
        self.events += 1;
        self.gseq = gseq.max(self.gseq);
        self.before = hash;
        self.runs.insert(run.to_owned(), seq);
        Ok(())
    }

    fn find(&mut self, what: String) {
        if self.damage.len() < FINDINGS {
            self.damage.push(what);
        }
    }
}
