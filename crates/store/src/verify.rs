//! Checking the log: is it what was written?

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use baton_core::Millis;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row, SqliteConnection, SqlitePool};

use crate::chain::{self, GENESIS, Hash, Link};
use crate::checkpoints::{self, Checkpoint, Lines};
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

/// What the log is compared with besides itself.
#[derive(Debug, Default)]
pub(crate) struct Against {
    /// The checkpoints beside it.
    pub(crate) lines: Lines,
    /// Those that somebody kept elsewhere.
    pub(crate) anchors: Vec<Checkpoint>,
    /// What the clock of this machine says.
    pub(crate) now: Option<Millis>,
}

impl Against {
    /// The checkpoints beside the log of `dir`, and those in `anchors`, the text of a file.
    pub(crate) fn of(dir: &Path, anchors: &str, now: Millis) -> Result<Self, StoreError> {
        let kept = Lines::parse(anchors);
        if let Some(line) = kept.torn.first() {
            return Err(StoreError::Invalid {
                detail: format!("line {line} of the anchor file is no anchor"),
            });
        }
        if let Some(unsigned) = kept.checkpoints.iter().find(|anchor| !anchor.is_signed()) {
            return Err(StoreError::Invalid {
                detail: format!(
                    "the anchor of {} (event {}) was changed: its signature does not fit",
                    said(unsigned.at),
                    unsigned.events
                ),
            });
        }
        Ok(Self {
            lines: checkpoints::read(dir)?,
            anchors: kept.checkpoints,
            now: Some(now),
        })
    }
}

/// Recomputes the whole chain, and compares it.
pub(crate) async fn verify(
    pool: &SqlitePool,
    dir: &Path,
    against: &Against,
) -> Result<Verified, StoreError> {
    match pool.acquire().await {
        Ok(mut conn) => on(&mut conn, dir, against).await,
        Err(error) => match sql::error(&error, dir) {
            StoreError::Damaged { detail, .. } => Ok(Verified {
                damage: vec![format!("the database: {detail}")],
                ..Verified::default()
            }),
            other => Err(other),
        },
    }
}

/// The same over one connection.
pub(crate) async fn on(
    conn: &mut SqliteConnection,
    dir: &Path,
    against: &Against,
) -> Result<Verified, StoreError> {
    let mut check = Check::new(against);
    match read(conn, &mut check).await {
        Ok(()) => {}
        Err(error) => match sql::error(&error, dir) {
            StoreError::Damaged { detail, .. } => check.find(format!("the database: {detail}")),
            other => return Err(other),
        },
    }
    Ok(check.finish(against))
}

async fn read(conn: &mut SqliteConnection, check: &mut Check) -> Result<(), sqlx::Error> {
    let said: Vec<String> = sqlx::query_scalar(INTEGRITY).fetch_all(&mut *conn).await?;
    for detail in said.iter().filter(|said| *said != "ok") {
        check.find(format!("the database: {detail}"));
    }
    while page(&mut *conn, check).await? == PAGE {}
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

/// Clocks of machines are set a little all the time; more than this is worth a word.
const TOLERANCE_MS: Millis = 60_000;

#[derive(Default)]
struct Check {
    events: u64,
    gseq: i64,
    before: Hash,
    runs: HashMap<String, u32>,
    damage: Vec<String>,
    /// Positions whose hash is wanted, and the hash once it is known.
    wanted: BTreeMap<u64, Option<String>>,
    /// The latest instant so far, and findings about time.
    latest: Option<Millis>,
    clock: Vec<String>,
    /// The latest instant up to each wanted position.
    latest_at: BTreeMap<u64, Millis>,
}

impl Check {
    fn new(against: &Against) -> Self {
        let all = against.lines.checkpoints.iter().chain(&against.anchors);
        Self {
            wanted: all.map(|checkpoint| (checkpoint.events, None)).collect(),
            ..Self::default()
        }
    }

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
        let at = link.at;
        let hash = hash_of(row, 8)?;
        // The stored hashes are taken as they are, so that one changed event gives one finding.
        if chain::hash(&hash_of(row, 7)?, link) != hash || kind_of(payload) != kind {
            self.find(format!("{place} is not what was written"));
        }
        self.time(at, &place);
        self.events += 1;
        if let Some(wanted) = self.wanted.get_mut(&self.events) {
            *wanted = Some(chain::hex(&hash));
            self.latest_at
                .insert(self.events, self.latest.unwrap_or(at));
        }
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

    /// Notes an event that happened before the one before it.
    fn time(&mut self, at: Millis, place: &str) {
        if let Some(latest) = self.latest.filter(|latest| at + TOLERANCE_MS < *latest) {
            let ago = (latest - at) / 1_000;
            self.doubt(format!(
                "{place} says that it happened {ago} s before an earlier one"
            ));
        }
        self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
    }

    fn doubt(&mut self, what: String) {
        if self.clock.len() < FINDINGS {
            self.clock.push(what);
        }
    }

    fn finish(mut self, against: &Against) -> Verified {
        let mut verified = Verified {
            events: self.events,
            ..Verified::default()
        };
        for anchor in &against.anchors {
            let name = format!(
                "the anchor of {} (event {})",
                said(anchor.at),
                anchor.events
            );
            if self.holds(anchor, &name) {
                let is_later = verified
                    .anchor
                    .as_ref()
                    .is_none_or(|last| last.events <= anchor.events);
                if is_later {
                    verified.anchor = Some(anchor.clone());
                }
            }
        }
        let mut before: Option<&Checkpoint> = None;
        for checkpoint in &against.lines.checkpoints {
            let name = format!(
                "the checkpoint of {} (event {})",
                said(checkpoint.at),
                checkpoint.events
            );
            if !checkpoint.is_signed() {
                self.find(format!("{name} was changed: its signature does not fit"));
                continue;
            }
            if self.holds(checkpoint, &name) {
                verified.checkpoint = Some(checkpoint.clone());
            }
            if before.is_some_and(|before| checkpoint.at + TOLERANCE_MS < before.at) {
                self.doubt(format!("{name} was signed later than the next one says"));
            }
            if !verified.keys.contains(&checkpoint.key) {
                verified.keys.push(checkpoint.key.clone());
            }
            before = Some(checkpoint);
        }
        verified.checkpoints = against.lines.checkpoints.len() as u64;
        let last = [&verified.checkpoint, &verified.anchor]
            .into_iter()
            .flatten()
            .map(|checkpoint| checkpoint.at)
            .chain(self.latest)
            .max();
        if let (Some(last), Some(now)) = (last, against.now)
            && now + TOLERANCE_MS < last
        {
            self.doubt(format!(
                "this machine says that it is {}, but the log goes up to {}",
                said(now),
                said(last)
            ));
        }
        verified.head =
            (self.damage.is_empty() && self.events > 0).then(|| chain::hex(&self.before));
        verified.clock = self.clock;
        verified.damage = self.damage;
        verified
    }

    /// Whether the log still is what was signed. That the log is longer by now is as it should be.
    fn holds(&mut self, checkpoint: &Checkpoint, name: &str) -> bool {
        let Checkpoint {
            events, head, at, ..
        } = checkpoint;
        match self.wanted.get(events) {
            Some(Some(found)) if found == head => {
                let latest = self.latest_at.get(events).copied();
                if let Some(latest) = latest.filter(|latest| at + TOLERANCE_MS < *latest) {
                    self.doubt(format!("{name} covers an event of {}", said(latest)));
                }
                true
            }
            Some(Some(_)) => {
                self.find(format!(
                    "the log up to event {events} is not what {name} says"
                ));
                false
            }
            _ if *events == 0 => true,
            _ => {
                let found = self.events;
                self.find(format!(
                    "the log ends with event {found}, but {name} covers more: its end was cut off, or an older copy stands in its place"
                ));
                false
            }
        }
    }
}

/// An instant in words.
pub(crate) fn said(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(
        |_| format!("{at} ms"),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}
