//! What open runs wait for: times, events and other runs, so that a run that waits need not be in memory.
//!
//! A projection of the log, written in the transaction of the events that it follows from. Nothing here knows what
//! a timer means.

use baton_core::Millis;
use serde_json::Value;
use sqlx::{Row, SqliteConnection};

use crate::error::StoreError;
use crate::rows::{QuestionRow, RunRow, WaitChanges, WaitFor, WaitRow, Waits};
use crate::store::Store;
use crate::writer::Work;
use crate::{events, questions, runs, sql};

const TIMER_PUT: &str = "INSERT OR REPLACE INTO timers (run, name, at) VALUES (?1, ?2, ?3)";
const TIMER_GONE: &str = "DELETE FROM timers WHERE run = ?1 AND name = ?2";
const WAIT_PUT: &str =
    "INSERT OR REPLACE INTO waits (run, step, event, key, child) VALUES (?1, ?2, ?3, ?4, ?5)";
const WAIT_GONE: &str = "DELETE FROM waits WHERE run = ?1 AND step = ?2";
const REST: &str = "UPDATE runs SET rests_at = ?2 WHERE number = ?1 AND seq = ?2 AND ended_at IS NULL \
     RETURNING number";
const TIMERS: &str = "SELECT runs.id, name, at FROM timers JOIN runs ON runs.number = timers.run \
     WHERE runs.ended_at IS NULL";
const TIMERS_OF: &str = "SELECT name, at FROM timers WHERE run = ?1";
const WAITS_OF: &str = "SELECT step, event, key, child FROM waits WHERE run = ?1";
const DIGESTS: &str = "SELECT DISTINCT digest FROM runs WHERE ended_at IS NULL";
/// Runs that listen with this key.
const LISTENING: &str = "SELECT DISTINCT runs.id FROM waits JOIN runs ON runs.number = waits.run \
     WHERE event = ?1 AND key = ?2 AND runs.ended_at IS NULL";
/// Runs of this definition that do not listen to the event, with whatever key.
const DEAF: &str = "SELECT id FROM runs WHERE ended_at IS NULL AND digest = ?1 \
     AND NOT EXISTS (SELECT 1 FROM waits WHERE waits.run = runs.number AND waits.event = ?2)";
const DEPTH: &str = "WITH RECURSIVE above (id, depth) AS (\
     SELECT parent_run, 1 FROM runs WHERE id = ?1 AND parent_run IS NOT NULL \
     UNION ALL SELECT runs.parent_run, depth + 1 FROM above JOIN runs ON runs.id = above.id \
     WHERE runs.parent_run IS NOT NULL AND depth < 1000) SELECT count(*) FROM above";
const HOST_PUT: &str = "INSERT INTO host_log (at, what, ms) VALUES (?1, ?2, ?3)";
const HOST_LIST: &str = "SELECT at, what, ms FROM host_log ORDER BY number DESC LIMIT ?1";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    TIMER_PUT, TIMER_GONE, WAIT_PUT, WAIT_GONE, REST, TIMERS, TIMERS_OF, WAITS_OF, DIGESTS,
    LISTENING, DEAF, DEPTH, HOST_PUT, HOST_LIST,
];

/// A note about the computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostNote {
    /// When it was noticed.
    pub at: Millis,
    /// `resumed` (it slept, or Baton was stopped) or `clock-set-back`.
    pub what: String,
    /// By how many milliseconds.
    pub ms: i64,
}

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerRow {
    /// Id of the run.
    pub run: String,
    /// Its name in the run.
    pub name: String,
    /// When.
    pub at: Millis,
}

/// The text that keys are compared by: the same for equal values, whatever the order of their fields.
fn key_text(key: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let mut all: Vec<_> = fields.iter().collect();
                all.sort_by_key(|(name, _)| *name);
                Value::Object(
                    all.into_iter()
                        .map(|(name, field)| (name.clone(), sorted(field)))
                        .collect(),
                )
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        }
    }
    sorted(key).to_string()
}

/// Carries out changes in what the run `number` waits for; with `rests_at`, it also rests there.
pub(crate) async fn change(
    conn: &mut SqliteConnection,
    number: u32,
    changes: &WaitChanges,
    rests_at: Option<u32>,
) -> Result<bool, sqlx::Error> {
    let run = i64::from(number);
    for name in &changes.timers_gone {
        sqlx::query(TIMER_GONE)
            .bind(run)
            .bind(name)
            .execute(&mut *conn)
            .await?;
    }
    for (name, at) in &changes.timers {
        sqlx::query(TIMER_PUT)
            .bind(run)
            .bind(name)
            .bind(at)
            .execute(&mut *conn)
            .await?;
    }
    for step in &changes.gone {
        sqlx::query(WAIT_GONE)
            .bind(run)
            .bind(step)
            .execute(&mut *conn)
            .await?;
    }
    for wait in &changes.put {
        let (event, key, child) = match &wait.what {
            WaitFor::Event { event, key } => (Some(event), Some(key_text(key)), None),
            WaitFor::Run { run } => (None, None, Some(run)),
        };
        sqlx::query(WAIT_PUT)
            .bind(run)
            .bind(&wait.step)
            .bind(event)
            .bind(key)
            .bind(child)
            .execute(&mut *conn)
            .await?;
    }
    let Some(seq) = rests_at else {
        return Ok(true);
    };
    let moved = sqlx::query(REST)
        .bind(run)
        .bind(i64::from(seq))
        .fetch_optional(conn)
        .await?;
    Ok(moved.is_some())
}

/// Writes a note about the computer.
pub(crate) async fn note(conn: &mut SqliteConnection, note: &HostNote) -> Result<(), sqlx::Error> {
    sqlx::query(HOST_PUT)
        .bind(note.at)
        .bind(&note.what)
        .bind(note.ms)
        .execute(conn)
        .await
        .map(|_| ())
}

impl Store {
    /// Says that the run `number` only waits since its event `seq`, and for what. Nothing happens if it has moved on.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub async fn rest(
        &self,
        number: u32,
        seq: u32,
        changes: WaitChanges,
    ) -> Result<(), StoreError> {
        let work = Work::Rest {
            number,
            seq,
            changes,
        };
        self.write(work).await.map(|_| ())
    }

    /// Open runs that have something to do now: they were interrupted, or what they wait for is there already.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn interrupted_runs(&self) -> Result<Vec<RunRow>, StoreError> {
        runs::interrupted(self.readers()?, self.dir()).await
    }

    /// The timers of all open runs.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn timers(&self) -> Result<Vec<TimerRow>, StoreError> {
        let rows = sqlx::query(TIMERS).fetch_all(self.readers()?).await;
        self.decode(rows, |row| {
            Ok(TimerRow {
                run: row.try_get(0)?,
                name: row.try_get(1)?,
                at: row.try_get(2)?,
            })
        })
    }

    /// What is kept of what the run `number` waits for.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn waits_of(&self, number: u32) -> Result<Waits, StoreError> {
        let pool = self.readers()?;
        let run = i64::from(number);
        let rows = sqlx::query(TIMERS_OF).bind(run).fetch_all(pool).await;
        let timers = self.decode(rows, |row| Ok((row.try_get(0)?, row.try_get(1)?)))?;
        let rows = sqlx::query(WAITS_OF).bind(run).fetch_all(pool).await;
        let waits = self.decode(rows, |row| {
            let event: Option<String> = row.try_get(1)?;
            let what = match event {
                Some(event) => WaitFor::Event {
                    event,
                    key: serde_json::from_str(row.try_get(2)?)
                        .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                },
                None => WaitFor::Run {
                    run: row.try_get(3)?,
                },
            };
            Ok((row.try_get(0)?, what))
        })?;
        Ok(Waits {
            timers: timers.into_iter().collect(),
            waits: waits.into_iter().collect(),
        })
    }

    /// Digests of the definitions of open runs.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn open_digests(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(DIGESTS).fetch_all(self.readers()?).await;
        self.decode(rows, |row| row.try_get(0))
    }

    /// Open runs that listen for the event with this key.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn listening(&self, event: &str, key: &Value) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(LISTENING)
            .bind(event)
            .bind(key_text(key))
            .fetch_all(self.readers()?)
            .await;
        self.decode(rows, |row| row.try_get(0))
    }

    /// Open runs of a definition that do not listen for the event yet.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn not_listening(
        &self,
        digest: &str,
        event: &str,
    ) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(DEAF)
            .bind(digest)
            .bind(event)
            .fetch_all(self.readers()?)
            .await;
        self.decode(rows, |row| row.try_get(0))
    }

    /// How many runs are above this one.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn depth(&self, run: &str) -> Result<u32, StoreError> {
        let row = sqlx::query(DEPTH)
            .bind(run)
            .fetch_one(self.readers()?)
            .await;
        row.and_then(|row| row.try_get(0))
            .map_err(|error| sql::error(&error, self.dir()))
    }

    /// The open questions of one run.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn questions_of(&self, run: &str) -> Result<Vec<QuestionRow>, StoreError> {
        questions::of(self.readers()?, self.dir(), run).await
    }

    /// The hash of one event, in hex: it stands for that event and all before it.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn event_hash(&self, run: &str, seq: u32) -> Result<Option<String>, StoreError> {
        events::hash_at(self.readers()?, self.dir(), run, seq).await
    }

    /// Notes that something happened to the computer.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub async fn host_note(&self, note: HostNote) -> Result<(), StoreError> {
        self.write(Work::Note(note)).await.map(|_| ())
    }

    /// What happened to the computer, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub async fn host_log(&self, limit: u32) -> Result<Vec<HostNote>, StoreError> {
        let rows = sqlx::query(HOST_LIST)
            .bind(i64::from(limit))
            .fetch_all(self.readers()?)
            .await;
        self.decode(rows, |row| {
            Ok(HostNote {
                at: row.try_get(0)?,
                what: row.try_get(1)?,
                ms: row.try_get(2)?,
            })
        })
    }

    fn decode<T>(
        &self,
        rows: Result<Vec<sqlx::sqlite::SqliteRow>, sqlx::Error>,
        one: impl Fn(&sqlx::sqlite::SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        rows.and_then(|rows| rows.iter().map(one).collect())
            .map_err(|error| sql::error(&error, self.dir()))
    }
}

impl Waits {
    /// What has to change so that `self` becomes `wanted`.
    pub fn changes_to(&self, wanted: &Self) -> WaitChanges {
        WaitChanges {
            timers: wanted
                .timers
                .iter()
                .filter(|(name, at)| self.timers.get(*name) != Some(*at))
                .map(|(name, at)| (name.clone(), *at))
                .collect(),
            timers_gone: self
                .timers
                .keys()
                .filter(|name| !wanted.timers.contains_key(*name))
                .cloned()
                .collect(),
            put: wanted
                .waits
                .iter()
                .filter(|(step, what)| self.waits.get(*step) != Some(*what))
                .map(|(step, what)| WaitRow {
                    step: step.clone(),
                    what: what.clone(),
                })
                .collect(),
            gone: self
                .waits
                .keys()
                .filter(|step| !wanted.waits.contains_key(*step))
                .cloned()
                .collect(),
            is_at_rest: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_keys_have_the_same_text() {
        assert_eq!(
            key_text(&json!({ "b": [1, { "y": 1, "x": 2 }], "a": null })),
            key_text(&json!({ "a": null, "b": [1, { "x": 2, "y": 1 }] }))
        );
        assert_ne!(key_text(&json!("1")), key_text(&json!(1)));
    }

    #[test]
    fn only_what_changed_is_written() {
        let event = |key: i64| WaitFor::Event {
            event: "e".to_owned(),
            key: json!(key),
        };
        let before = Waits {
            timers: [("a".to_owned(), 1), ("b".to_owned(), 2)].into(),
            waits: [("s".to_owned(), event(1)), ("t".to_owned(), event(1))].into(),
        };
        let after = Waits {
            timers: [("b".to_owned(), 3), ("c".to_owned(), 4)].into(),
            waits: [("t".to_owned(), event(1))].into(),
        };
        let changes = before.changes_to(&after);
        assert_eq!(changes.timers, [("b".to_owned(), 3), ("c".to_owned(), 4)]);
        assert_eq!(changes.timers_gone, ["a"]);
        assert_eq!(changes.put, []);
        assert_eq!(changes.gone, ["s"]);
        assert_eq!(after.changes_to(&after), WaitChanges::default());
    }
}
