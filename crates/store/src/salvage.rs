//! What can still be read in a damaged database, as a new one.
//!
//! Of every run the new log has the events up to the first that is missing or not what was written: a run without its
//! beginning, or with a hole, means nothing. The new chain begins anew. The damaged database is put aside, never
//! changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use baton_core::machine::{Event, Logged};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use crate::chain::{self, Link};
use crate::error::StoreError;
use crate::events::{self, Encoded, Head, OfRun, hash_of, kind_of};
use crate::lock::Lock;
use crate::sql::{self, DATABASE};
use crate::{backup, restore};

const LAST: &str = "SELECT max(gseq) FROM events";
const PAGE: &str = "SELECT gseq, run, seq, at, type, v, payload, prev_hash, hash FROM events \
     WHERE gseq > ?1 AND gseq <= ?2 ORDER BY gseq LIMIT ?2 - ?1";
const RUN: &str = "SELECT id, seq FROM runs WHERE number = ?1";
const RUN_PUT: &str = "INSERT INTO runs (number, id, workflow, workflow_name, digest, status, started_at, started_by, seq, \
     steps_done, steps_total, waiting_for, parent_run, parent_step) \
     VALUES (?1, ?2, ?3, ?3, ?4, 'running', ?5, ?6, ?7, ?8, ?8, '[]', ?9, ?10)";
const QUESTION_PUT: &str = "INSERT OR REPLACE INTO questions (run, step, question, asked_at, answers, is_outcome) \
     VALUES (?1, ?2, ?3, ?4, '[]', 0)";
const QUESTIONS_TAKE: &str =
    "INSERT OR IGNORE INTO main.questions SELECT * FROM old.questions WHERE run = ?1";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[LAST, PAGE, RUN, RUN_PUT, QUESTION_PUT];

/// Events that are read at once; fewer where that fails.
const STRIDE: i64 = 256;

/// How far beyond the last event that was found it is looked for more, if the database cannot say how many there are.
const BEYOND: i64 = 20_000;

/// Tables that follow from the log, and are made from what of it is kept.
const FROM_THE_LOG: &[&str] = &["events", "runs", "questions", "timers", "waits"];

/// Findings that are kept.
const FINDINGS: usize = 100;

/// What could be saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// Events of the new log.
    pub events: u64,
    /// The first place in the old log that is missing or not what was written.
    pub first_bad: Option<u64>,
    /// The runs that lost something, by their numbers.
    pub runs: Vec<SalvagedRun>,
    /// Runs of which all is there.
    pub whole_runs: u64,
    /// What else could not be read; at most 100 findings.
    pub lost: Vec<String>,
    /// Where the damaged database is.
    pub aside: Option<PathBuf>,
}

/// A run that lost something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SalvagedRun {
    /// Its number.
    pub number: u32,
    /// Its id, if that is known.
    pub id: Option<String>,
    /// How many of its events are there, from the first one on. Without any, the run is gone.
    pub kept: u32,
    /// How many it had, if that is known.
    pub had: Option<u32>,
}

/// Makes a new database of what still reads, and puts it in the place of the damaged one.
pub(crate) async fn salvage(dir: &Path) -> Result<Salvaged, StoreError> {
    if !dir.join(DATABASE).exists() {
        return Err(StoreError::NotFound {
            what: "database",
            id: dir.join(DATABASE).display().to_string(),
        });
    }
    let (lock, _) = Lock::take(dir)?;
    let saved = save(dir).await;
    lock.give_back();
    saved
}

async fn save(dir: &Path) -> Result<Salvaged, StoreError> {
    let part = restore::begin(dir)?;
    let mut new = restore::new_database(&part).await?;
    let saved = match connect(dir).await {
        Ok(mut old) => {
            let saved = take_over(&mut old, &mut new, dir, &part).await;
            // It is damaged: that it cannot be closed properly changes nothing.
            drop(old.close().await);
            saved
        }
        // Not even its first page reads: nothing is left, and the new one is empty.
        Err(StoreError::Damaged { detail, .. }) => Ok(Salvaged {
            lost: vec![format!("the database: {detail}")],
            ..Salvaged::default()
        }),
        Err(error) => Err(error),
    };
    let paused = match &saved {
        Ok(_) => restore::pause(&mut new, &part, "salvage").await.map(|_| ()),
        Err(error) => Err(error.clone()),
    };
    new.close()
        .await
        .map_err(|error| sql::error(&error, &part))?;
    paused?;
    let mut saved = saved?;
    restore::decide(dir, &part, "damaged")?;
    saved.aside = restore::finish(dir)?;
    if let Some(aside) = &saved.aside {
        let report = report(&saved);
        backup::write(&aside.join("salvaged.txt"), report.as_bytes())
            .map_err(|error| StoreError::from_io(&error, aside))?;
    }
    Ok(saved)
}

async fn connect(dir: &Path) -> Result<SqliteConnection, StoreError> {
    let mut conn = SqliteConnectOptions::new()
        .filename(dir.join(DATABASE))
        .read_only(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("trusted_schema", "OFF")
        .connect()
        .await
        .map_err(|error| sql::error(&error, dir))?;
    // The first page holds the schema: without it there are no tables.
    sqlx::query("SELECT count(*) FROM sqlite_schema")
        .execute(&mut conn)
        .await
        .map_err(|error| sql::error(&error, dir))?;
    Ok(conn)
}

/// A run while its events come in.
#[derive(Debug, Default)]
struct OfRunKept {
    id: Option<String>,
    /// How many events its row says that it has.
    had: Option<u32>,
    kept: u32,
    is_broken: bool,
    /// Steps of the top level that ended.
    done: u32,
    /// The first event, in case the row is lost.
    first: Option<Logged>,
    /// Questions without an answer so far.
    asked: BTreeMap<String, Logged>,
}

/// An event as it stands in the damaged database.
struct Found {
    gseq: i64,
    run: u32,
    logged: Logged,
    kind: String,
    version: u32,
    payload: String,
    before: chain::Hash,
    hash: chain::Hash,
}

async fn take_over(
    old: &mut SqliteConnection,
    new: &mut SqliteConnection,
    dir: &Path,
    part: &Path,
) -> Result<Salvaged, StoreError> {
    let as_new = |error: sqlx::Error| sql::error(&error, part);
    let mut saved = Salvaged::default();
    let mut runs: BTreeMap<u32, OfRunKept> = BTreeMap::new();
    sqlx::query(sql::begin())
        .execute(&mut *new)
        .await
        .map_err(as_new)?;
    let mut head = Head::read(new).await.map_err(as_new)?;
    let last: Option<i64> = sqlx::query_scalar(LAST)
        .fetch_one(&mut *old)
        .await
        .unwrap_or_default();
    let (mut from, mut expected) = (0, 1);
    while from < last.unwrap_or(expected + BEYOND) {
        for found in read(old, from, from + STRIDE).await {
            let found = match found {
                Ok(found) => found,
                Err(gseq) => {
                    saved.bad(gseq);
                    continue;
                }
            };
            if found.gseq > expected {
                saved.bad(expected);
            }
            expected = found.gseq + 1;
            if let std::collections::btree_map::Entry::Vacant(place) = runs.entry(found.run) {
                place.insert(row_of(old, found.run).await);
            }
            let run = runs.entry(found.run).or_default();
            let number = found.run;
            let Some(encoded) = run.accept(&found) else {
                saved.bad(found.gseq);
                continue;
            };
            let of_run = OfRun {
                id: run.id.as_deref().unwrap_or_default(),
                number,
                events: &[encoded],
            };
            head = events::insert(new, head, &[of_run]).await.map_err(as_new)?;
            saved.events += 1;
        }
        from += STRIDE;
    }
    sqlx::query(sql::COMMIT)
        .execute(&mut *new)
        .await
        .map_err(as_new)?;
    let attach = format!(
        "ATTACH '{}' AS old",
        dir.join(DATABASE).display().to_string().replace('\'', "''")
    );
    let preparing = format!("PRAGMA foreign_keys = OFF; {attach}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(preparing))
        .execute(&mut *new)
        .await
        .map_err(as_new)?;
    beside(new, &mut saved).await.map_err(as_new)?;
    rows(new, &runs, &mut saved).await.map_err(as_new)?;
    sqlx::raw_sql("DETACH old")
        .execute(&mut *new)
        .await
        .map_err(as_new)?;
    Ok(saved)
}

/// Events in `from+1..=to`, and the places that do not read. Where a page is damaged, each place is tried by itself.
async fn read(old: &mut SqliteConnection, from: i64, to: i64) -> Vec<Result<Found, i64>> {
    let mut open = vec![(from, to)];
    let mut all = Vec::new();
    while let Some((from, to)) = open.pop() {
        let rows = sqlx::query(PAGE)
            .bind(from)
            .bind(to)
            .fetch_all(&mut *old)
            .await
            .and_then(|rows| rows.iter().map(decode).collect::<Result<Vec<_>, _>>());
        match rows {
            Ok(rows) => all.extend(rows.into_iter().map(Ok)),
            Err(_) if to - from == 1 => all.push(Err(to)),
            Err(_) => {
                let middle = from + (to - from) / 2;
                open.push((middle, to));
                open.push((from, middle));
            }
        }
    }
    all
}

fn decode(row: &SqliteRow) -> Result<Found, sqlx::Error> {
    let payload: String = row.try_get(6)?;
    let event =
        serde_json::from_str(&payload).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Found {
        gseq: row.try_get(0)?,
        run: row.try_get(1)?,
        logged: Logged {
            seq: row.try_get(2)?,
            at: row.try_get(3)?,
            event,
        },
        kind: row.try_get(4)?,
        version: row.try_get(5)?,
        payload,
        before: hash_of(row, 7)?,
        hash: hash_of(row, 8)?,
    })
}

async fn row_of(old: &mut SqliteConnection, number: u32) -> OfRunKept {
    let row = sqlx::query(RUN)
        .bind(i64::from(number))
        .fetch_optional(old)
        .await;
    let mut run = OfRunKept::default();
    if let Ok(Some(row)) = row {
        run.id = row.try_get(0).ok();
        run.had = row.try_get(1).ok();
    }
    run
}

impl OfRunKept {
    /// The event for the new log, if it is what was written and follows the one before.
    fn accept(&mut self, found: &Found) -> Option<Encoded> {
        let Logged { seq, at, event } = &found.logged;
        if let Event::RunStarted { run, .. } = event {
            self.id.get_or_insert_with(|| run.clone());
            self.first = Some(found.logged.clone());
        }
        let link = Link {
            run: self.id.as_deref().unwrap_or_default(),
            seq: *seq,
            at: *at,
            kind: &found.kind,
            version: found.version,
            payload: &found.payload,
        };
        let is_as_written =
            chain::hash(&found.before, link) == found.hash && kind_of(&found.payload) == found.kind;
        self.is_broken |= !is_as_written || *seq != self.kept + 1;
        if self.is_broken {
            return None;
        }
        self.kept = *seq;
        self.note(&found.logged);
        Some(Encoded::kept(*seq, *at, &found.payload))
    }

    fn note(&mut self, logged: &Logged) {
        match &logged.event {
            Event::StepSkipped { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepCancelled { step, .. } => {
                self.done += u32::from(!step.contains('/'));
                self.asked.remove(step);
            }
            Event::ApprovalRequested { step, .. } => {
                self.asked.insert(step.clone(), logged.clone());
            }
            _ => {}
        }
    }
}

/// Takes over the tables that hold what the log does not.
async fn beside(new: &mut SqliteConnection, saved: &mut Salvaged) -> Result<(), sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .fetch_all(&mut *new)
    .await?;
    for table in tables
        .iter()
        .filter(|table| !FROM_THE_LOG.contains(&table.as_str()))
    {
        if let Err(error) = take_table(new, table).await {
            saved.lose(format!("a part of `{table}`: {error}"));
        }
    }
    Ok(())
}

async fn take_table(new: &mut SqliteConnection, table: &str) -> Result<(), sqlx::Error> {
    let columns = common_columns(new, table).await?.join(", ");
    let take = format!(
        "INSERT OR IGNORE INTO main.\"{table}\" ({columns}) SELECT {columns} FROM old.\"{table}\""
    );
    let whole = sqlx::raw_sql(sqlx::AssertSqlSafe(take.clone()))
        .execute(&mut *new)
        .await;
    let Err(error) = whole else { return Ok(()) };
    // Row by row, up to the first one that does not read.
    for row in 0.. {
        let one = format!("{take} LIMIT 1 OFFSET {row}");
        let taken = sqlx::raw_sql(sqlx::AssertSqlSafe(one))
            .execute(&mut *new)
            .await;
        if taken.is_ok_and(|taken| taken.rows_affected() > 0) {
            continue;
        }
        break;
    }
    Err(error)
}

/// The columns that both databases have: the damaged one may be of an older format.
async fn common_columns(
    new: &mut SqliteConnection,
    table: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT '\"' || name || '\"' FROM pragma_table_info(?1, 'main') \
         WHERE name IN (SELECT name FROM pragma_table_info(?1, 'old'))",
    )
    .bind(table)
    .fetch_all(new)
    .await
}

/// What the columns of a run hold that is cut back to the events that are there.
fn cut_back(column: &str, run: &OfRunKept) -> String {
    match column.trim_matches('"') {
        "status" => "'running'".to_owned(),
        "rests_at" => "0".to_owned(),
        "outcome" | "ended_at" | "error" => "NULL".to_owned(),
        "waiting_for" => "'[]'".to_owned(),
        "seq" => run.kept.to_string(),
        "steps_done" => run.done.to_string(),
        _ => column.to_owned(),
    }
}

/// Makes the rows of the runs: as they were, or cut back to what is there.
async fn rows(
    new: &mut SqliteConnection,
    runs: &BTreeMap<u32, OfRunKept>,
    saved: &mut Salvaged,
) -> Result<(), sqlx::Error> {
    let columns = common_columns(new, "runs").await.unwrap_or_default();
    for (number, run) in runs {
        let is_whole = run.kept > 0 && !run.is_broken && run.had == Some(run.kept);
        if is_whole {
            saved.whole_runs += 1;
        } else {
            saved.runs.push(SalvagedRun {
                number: *number,
                id: run.id.clone(),
                kept: run.kept,
                had: run.had,
            });
        }
        let Some(id) = run.id.as_deref().filter(|_| run.kept > 0) else {
            continue;
        };
        let values: Vec<String> = columns
            .iter()
            .map(|column| {
                if is_whole {
                    column.clone()
                } else {
                    cut_back(column, run)
                }
            })
            .collect();
        let take = format!(
            "INSERT INTO main.runs ({}) SELECT {} FROM old.runs WHERE number = {number}",
            columns.join(", "),
            values.join(", ")
        );
        let taken = sqlx::raw_sql(sqlx::AssertSqlSafe(take))
            .execute(&mut *new)
            .await;
        let is_taken = taken.is_ok_and(|taken| taken.rows_affected() == 1);
        if is_taken && is_whole {
            for table in ["timers", "waits"] {
                let columns = common_columns(new, table).await?.join(", ");
                let take = format!(
                    "INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM old.{table} WHERE run = {number}"
                );
                // An older database has no such table, and a run that is taken up sets its timers anew.
                if let Err(error) = sqlx::raw_sql(sqlx::AssertSqlSafe(take))
                    .execute(&mut *new)
                    .await
                {
                    tracing::debug!(%error, table, number, "made anew when the run is taken up");
                }
            }
            if let Err(error) = sqlx::query(QUESTIONS_TAKE)
                .bind(id)
                .execute(&mut *new)
                .await
            {
                saved.lose(format!("the questions of run {number}: {error}"));
                ask_again(new, id, run).await?;
            }
            continue;
        }
        if !is_taken && !anew(new, *number, id, run).await? {
            saved.lose(format!(
                "run {number}: neither its row nor its first event says what it is"
            ));
            continue;
        }
        ask_again(new, id, run).await?;
    }
    // Runs of which there is a row and not one event.
    let gone: Vec<(i64, String, i64)> = sqlx::query_as(
        "SELECT number, id, seq FROM old.runs WHERE number NOT IN (SELECT number FROM main.runs) ORDER BY number",
    )
    .fetch_all(&mut *new)
    .await
    .unwrap_or_default();
    for (number, id, had) in gone {
        let number = u32::try_from(number).unwrap_or_default();
        if !runs.contains_key(&number) {
            saved.runs.push(SalvagedRun {
                number,
                id: Some(id),
                kept: 0,
                had: u32::try_from(had).ok(),
            });
        }
    }
    Ok(())
}

/// Makes the row of a run from its first event.
async fn anew(
    new: &mut SqliteConnection,
    number: u32,
    id: &str,
    run: &OfRunKept,
) -> Result<bool, sqlx::Error> {
    let Some(Logged {
        at,
        event:
            Event::RunStarted {
                workflow,
                digest,
                by,
                parent,
                ..
            },
        ..
    }) = &run.first
    else {
        return Ok(false);
    };
    sqlx::query(RUN_PUT)
        .bind(i64::from(number))
        .bind(id)
        .bind(workflow)
        .bind(digest)
        .bind(*at)
        .bind(by)
        .bind(i64::from(run.kept))
        .bind(i64::from(run.done))
        .bind(parent.as_ref().map(|parent| &parent.run))
        .bind(parent.as_ref().map(|parent| &parent.step))
        .execute(new)
        .await?;
    Ok(true)
}

/// Puts the open questions of a run into the inbox.
async fn ask_again(
    new: &mut SqliteConnection,
    id: &str,
    run: &OfRunKept,
) -> Result<(), sqlx::Error> {
    for (step, logged) in &run.asked {
        let Event::ApprovalRequested { question, .. } = &logged.event else {
            continue;
        };
        let question = serde_json::to_string(question)
            .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        sqlx::query(QUESTION_PUT)
            .bind(id)
            .bind(step)
            .bind(question)
            .bind(logged.at)
            .execute(&mut *new)
            .await?;
    }
    Ok(())
}

impl Salvaged {
    fn bad(&mut self, gseq: i64) {
        let gseq = gseq.unsigned_abs();
        self.first_bad = Some(self.first_bad.map_or(gseq, |first| first.min(gseq)));
    }

    fn lose(&mut self, what: String) {
        if self.lost.len() < FINDINGS {
            self.lost.push(what);
        }
    }
}

/// What is written beside the damaged database, for whoever finds it.
fn report(saved: &Salvaged) -> String {
    let mut text = format!(
        "{} events were taken over from this database; {} runs are whole.\n",
        saved.events, saved.whole_runs
    );
    if let Some(first) = saved.first_bad {
        text.push_str(&format!(
            "The first place that is missing or damaged is {first}.\n"
        ));
    }
    for run in &saved.runs {
        let had = run
            .had
            .map_or_else(|| "an unknown number".to_owned(), |had| had.to_string());
        let id = run.id.as_deref().unwrap_or("unknown id");
        text.push_str(&format!(
            "Run {} ({id}): {} of {had} events.\n",
            run.number, run.kept
        ));
    }
    for lost in &saved.lost {
        text.push_str(&format!("Lost: {lost}\n"));
    }
    text
}
