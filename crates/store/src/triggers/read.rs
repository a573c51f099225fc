//! Reading the tables of triggers.

use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, SqlitePool};

use super::rows::{
    Activation, ActivationState, EndedRun, Firing, FiringFilter, FiringState, SavedInput,
    WatchedFile,
};
use crate::error::StoreError;
use crate::sql;

macro_rules! activations {
    ($rest:literal) => {
        concat!(
            "SELECT workflow, trigger_id, kind, revision, state, workflow_name, digest, path, work_dir, input, cursor, \
             activated_by, activated_at, changed_by, changed_at, trouble FROM activations ",
            $rest
        )
    };
}

macro_rules! firings {
    ($rest:literal) => {
        concat!(
            "SELECT id, workflow, trigger_id, key, revision, state, reason, run, due, until, count, recorded_at, \
             settled_at, depth, by, input, payload FROM firings ",
            $rest
        )
    };
}

const ALL: &str = activations!("WHERE state <> 'off' ORDER BY workflow, trigger_id");
const ONE: &str = activations!("WHERE workflow = ?1 AND trigger_id = ?2 AND state <> 'off'");
const OPEN: &str = firings!(
    "WHERE workflow = ?1 AND trigger_id = ?2 AND state IN ('pending', 'queued') ORDER BY id LIMIT ?3"
);
const COUNT_OPEN: &str = "SELECT count(*) FROM (SELECT 1 FROM firings WHERE workflow = ?1 AND trigger_id = ?2 \
     AND state IN ('pending', 'queued') LIMIT ?3)";
const WITH_OPEN: &str =
    "SELECT DISTINCT workflow, trigger_id FROM firings WHERE state IN ('pending', 'queued')";
const RUNNING: &str = "SELECT r.id FROM runs r JOIN firings f ON f.run = r.id AND f.state = 'started' \
     WHERE r.ended_at IS NULL AND f.workflow = ?1 AND f.trigger_id = ?2 ORDER BY r.number";
const LAST: &str = firings!("WHERE workflow = ?1 AND trigger_id = ?2 ORDER BY id DESC LIMIT 1");
const OF_KEY: &str = firings!("WHERE workflow = ?1 AND trigger_id = ?2 AND key = ?3");
const OF_RUN: &str = firings!("WHERE run = ?1");
const LIST: &str = firings!(
    "WHERE (?1 IS NULL OR workflow = ?1) AND (?2 IS NULL OR trigger_id = ?2) AND (?3 IS NULL OR state = ?3) \
     ORDER BY id DESC LIMIT ?4 OFFSET ?5"
);
const COUNT: &str = "SELECT count(*) FROM firings \
     WHERE (?1 IS NULL OR workflow = ?1) AND (?2 IS NULL OR trigger_id = ?2) AND (?3 IS NULL OR state = ?3)";
const ENDED: &str = "SELECT e.gseq, r.id, r.number, r.workflow, r.status, r.outcome, r.ended_at, r.parent_run \
     FROM events e JOIN runs r ON r.number = e.run \
     WHERE e.gseq > ?1 AND e.type = 'RunEnded' ORDER BY e.gseq LIMIT ?2";
const POSITION: &str = "SELECT coalesce(max(gseq), 0) FROM events";
const FILES: &str = "SELECT workflow, trigger_id, path, size, modified, file_id, hash, state, seen_at FROM watched_files \
     WHERE workflow = ?1 AND trigger_id = ?2 ORDER BY path";
const INPUTS: &str = "SELECT workflow, name, value, by, at FROM saved_inputs \
     WHERE workflow = ?1 AND (?2 IS NULL OR name = ?2) ORDER BY name";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    ALL, ONE, OPEN, COUNT_OPEN, WITH_OPEN, RUNNING, LAST, OF_KEY, OF_RUN, LIST, COUNT, ENDED,
    POSITION, FILES, INPUTS,
];

/// Where to read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) pool: &'a SqlitePool,
    pub(super) dir: &'a Path,
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments>;

impl Reader<'_> {
    async fn all<T>(
        self,
        query: Query,
        decode: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = query.fetch_all(self.pool).await;
        rows.and_then(|rows| rows.iter().map(decode).collect())
            .map_err(|error| sql::error(&error, self.dir))
    }

    async fn one<T>(
        self,
        query: Query,
        decode: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, StoreError> {
        let row = query.fetch_optional(self.pool).await;
        row.and_then(|row| row.as_ref().map(decode).transpose())
            .map_err(|error| sql::error(&error, self.dir))
    }

    async fn number<T>(self, query: Query) -> Result<T, StoreError>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + Default,
    {
        let read = self.one(query, |row| row.try_get::<T, _>(0)).await?;
        Ok(read.unwrap_or_default())
    }

    pub(super) async fn activations(self) -> Result<Vec<Activation>, StoreError> {
        self.all(sqlx::query(ALL), activation).await
    }

    pub(super) async fn activation(
        self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Option<Activation>, StoreError> {
        self.one(of(ONE, workflow, trigger), activation).await
    }

    pub(super) async fn open(
        self,
        workflow: &str,
        trigger: &str,
        limit: u32,
    ) -> Result<Vec<Firing>, StoreError> {
        self.all(of(OPEN, workflow, trigger).bind(limit), firing)
            .await
    }

    pub(super) async fn count_open(
        self,
        workflow: &str,
        trigger: &str,
        most: u32,
    ) -> Result<u32, StoreError> {
        self.number(of(COUNT_OPEN, workflow, trigger).bind(most))
            .await
    }

    pub(super) async fn with_open(self) -> Result<Vec<(String, String)>, StoreError> {
        self.all(sqlx::query(WITH_OPEN), |row| {
            Ok((row.try_get(0)?, row.try_get(1)?))
        })
        .await
    }

    pub(super) async fn running(
        self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Vec<String>, StoreError> {
        self.all(of(RUNNING, workflow, trigger), |row| row.try_get(0))
            .await
    }

    pub(super) async fn last(
        self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Option<Firing>, StoreError> {
        self.one(of(LAST, workflow, trigger), firing).await
    }

    pub(super) async fn of_key(
        self,
        workflow: &str,
        trigger: &str,
        key: &str,
    ) -> Result<Option<Firing>, StoreError> {
        self.one(of(OF_KEY, workflow, trigger).bind(key.to_owned()), firing)
            .await
    }

    pub(super) async fn of_run(self, run: &str) -> Result<Option<Firing>, StoreError> {
        self.one(sqlx::query(OF_RUN).bind(run.to_owned()), firing)
            .await
    }

    pub(super) async fn list(
        self,
        filter: &FiringFilter,
    ) -> Result<(Vec<Firing>, u32), StoreError> {
        let filtered = |statement: &'static str| {
            sqlx::query(statement)
                .bind(filter.workflow.clone())
                .bind(filter.trigger.clone())
                .bind(filter.state.map(FiringState::word))
        };
        let page = filtered(LIST).bind(filter.limit).bind(filter.offset);
        Ok((
            self.all(page, firing).await?,
            self.number(filtered(COUNT)).await?,
        ))
    }

    pub(super) async fn ended(self, after: i64, limit: u32) -> Result<Vec<EndedRun>, StoreError> {
        self.all(sqlx::query(ENDED).bind(after).bind(limit), |row| {
            Ok(EndedRun {
                position: row.try_get(0)?,
                run: row.try_get(1)?,
                number: row.try_get(2)?,
                workflow: row.try_get(3)?,
                status: row.try_get(4)?,
                outcome: row.try_get(5)?,
                ended_at: row.try_get::<Option<i64>, _>(6)?.unwrap_or_default(),
                parent: row.try_get(7)?,
            })
        })
        .await
    }

    pub(super) async fn position(self) -> Result<i64, StoreError> {
        self.number(sqlx::query(POSITION)).await
    }

    pub(super) async fn files(
        self,
        workflow: &str,
        trigger: &str,
    ) -> Result<Vec<WatchedFile>, StoreError> {
        self.all(of(FILES, workflow, trigger), |row| {
            Ok(WatchedFile {
                workflow: row.try_get(0)?,
                trigger: row.try_get(1)?,
                path: row.try_get(2)?,
                size: row.try_get::<i64, _>(3)?.unsigned_abs(),
                modified: row.try_get(4)?,
                file_id: row.try_get(5)?,
                hash: row.try_get(6)?,
                state: row.try_get(7)?,
                seen_at: row.try_get(8)?,
            })
        })
        .await
    }

    pub(super) async fn inputs(
        self,
        workflow: &str,
        name: Option<&str>,
    ) -> Result<Vec<SavedInput>, StoreError> {
        let query = sqlx::query(INPUTS)
            .bind(workflow.to_owned())
            .bind(name.map(str::to_owned));
        self.all(query, |row| {
            Ok(SavedInput {
                workflow: row.try_get(0)?,
                name: row.try_get(1)?,
                value: value(row.try_get(2)?)?,
                by: row.try_get(3)?,
                at: row.try_get(4)?,
            })
        })
        .await
    }
}

fn of(statement: &'static str, workflow: &str, trigger: &str) -> Query {
    sqlx::query(statement)
        .bind(workflow.to_owned())
        .bind(trigger.to_owned())
}

fn value(text: &str) -> Result<Value, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn word<T>(
    row: &SqliteRow,
    column: usize,
    of: impl Fn(&str) -> Option<T>,
) -> Result<T, sqlx::Error> {
    let word: &str = row.try_get(column)?;
    of(word).ok_or_else(|| sqlx::Error::Decode(format!("`{word}` is no state").into()))
}

fn activation(row: &SqliteRow) -> Result<Activation, sqlx::Error> {
    let input: Option<&str> = row.try_get(9)?;
    Ok(Activation {
        workflow: row.try_get(0)?,
        trigger: row.try_get(1)?,
        kind: row.try_get(2)?,
        revision: row.try_get(3)?,
        state: word(row, 4, ActivationState::of)?,
        workflow_name: row.try_get(5)?,
        digest: row.try_get(6)?,
        path: row.try_get(7)?,
        work_dir: row.try_get(8)?,
        input: input.map(value).transpose()?,
        cursor: row.try_get(10)?,
        activated_by: row.try_get(11)?,
        activated_at: row.try_get(12)?,
        changed_by: row.try_get(13)?,
        changed_at: row.try_get(14)?,
        trouble: row.try_get(15)?,
    })
}

fn firing(row: &SqliteRow) -> Result<Firing, sqlx::Error> {
    let input: Option<&str> = row.try_get(15)?;
    Ok(Firing {
        id: row.try_get(0)?,
        workflow: row.try_get(1)?,
        trigger: row.try_get(2)?,
        key: row.try_get(3)?,
        revision: row.try_get(4)?,
        state: word(row, 5, FiringState::of)?,
        reason: row.try_get(6)?,
        run: row.try_get(7)?,
        due: row.try_get(8)?,
        until: row.try_get(9)?,
        count: row.try_get::<i64, _>(10)?.unsigned_abs(),
        recorded_at: row.try_get(11)?,
        settled_at: row.try_get(12)?,
        depth: row.try_get(13)?,
        by: row.try_get(14)?,
        input: input.map(value).transpose()?,
        payload: value(row.try_get(16)?)?,
    })
}
