//! The table of runs: a projection of their events, for lists and for finding what to go on with.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use baton_core::machine::Parent;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, Row, SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::rows::{RunFilter, RunRow};
use crate::sql;

/// Runs that are moved on in one trip to the thread of SQLite, least first.
const TOGETHER: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Runs that are made in one statement, most first.
const NEW: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

static INSERT: LazyLock<[String; NEW.len()]> = LazyLock::new(|| {
    NEW.map(|runs| {
        let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let more = format!(", {row}").repeat(runs - 1);
        format!(
            "INSERT INTO runs (status, outcome, ended_at, seq, steps_done, steps_total, waiting_for, error, id, \
             workflow, workflow_name, digest, path, work_dir, started_at, started_by, parent_run, parent_step) \
             VALUES {row}{more} ON CONFLICT (id) DO NOTHING RETURNING id, number"
        )
    })
});

/// Parameters of one run in [`ADVANCE`].
const PARAMETERS: usize = 11;

/// Says nothing about a run that is elsewhere than its writer thinks, or that has ended.
static ADVANCE: LazyLock<[String; TOGETHER.len()]> = LazyLock::new(|| {
    TOGETHER.map(|runs| {
        let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let more = format!(", {row}").repeat(runs - 1);
        let stands = if crate::trial::has_bug("no-expected-position") {
            "runs.seq >= v.column11 - 1000000"
        } else {
            "runs.seq = v.column11"
        };
        format!(
            "UPDATE runs SET status = v.column1, outcome = v.column2, ended_at = v.column3, seq = v.column4, \
             steps_done = v.column5, steps_total = v.column6, waiting_for = v.column7, error = v.column8 \
             FROM (VALUES {row}{more}) AS v \
             WHERE runs.number = v.column10 AND runs.id = v.column9 AND {stands} AND runs.ended_at IS NULL"
        )
    })
});

const NUMBER: &str = "SELECT number FROM runs WHERE id = ?1";
const STANDS: &str = "SELECT seq, ended_at IS NOT NULL FROM runs WHERE id = ?1";

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "SELECT number, id, workflow, workflow_name, digest, path, work_dir, status, outcome, started_at, ended_at, \
             started_by, seq, steps_done, steps_total, waiting_for, error, parent_run, parent_step, \
             (SELECT reason FROM quarantine WHERE quarantine.run = runs.id) FROM runs ",
            $rest
        )
    };
}

macro_rules! filter {
    () => {
        "WHERE (?1 IS NULL OR workflow = ?1) AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL \
         OR instr(lower(workflow_name), lower(?3)) OR instr(lower(id), lower(?3)) OR instr(number, ?3) \
         OR instr(lower(outcome), lower(?3)))"
    };
}

const ONE: &str = columns!("WHERE id = ?1");
const OPEN: &str = columns!("WHERE ended_at IS NULL ORDER BY number");
/// They are in the middle of something, or the run that they wait for has ended or never began.
const INTERRUPTED: &str = columns!(
    "WHERE ended_at IS NULL AND (rests_at <> seq OR EXISTS (SELECT 1 FROM waits LEFT JOIN runs AS other \
     ON other.id = waits.child WHERE waits.run = runs.number AND waits.child IS NOT NULL \
     AND (other.id IS NULL OR other.ended_at IS NOT NULL))) ORDER BY number"
);
const CHILDREN: &str = columns!("WHERE parent_run = ?1 ORDER BY number");
const LIST: &str = concat!(
    "SELECT number, id, workflow, workflow_name, digest, path, work_dir, status, outcome, started_at, ended_at, \
     started_by, seq, steps_done, steps_total, waiting_for, error, parent_run, parent_step, \
     (SELECT reason FROM quarantine WHERE quarantine.run = runs.id) FROM runs ",
    filter!(),
    " ORDER BY number DESC LIMIT ?4 OFFSET ?5"
);
const COUNT: &str = concat!("SELECT count(*) FROM runs ", filter!());

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    let mut all = vec![
        NUMBER,
        STANDS,
        ONE,
        OPEN,
        INTERRUPTED,
        CHILDREN,
        LIST,
        COUNT,
    ];
    all.push(&ADVANCE[0]);
    all.extend(INSERT.iter().map(String::as_str));
    all
}

/// Where a run went, or why it did not.
pub(crate) enum Moved {
    /// It is now where its writer wants it; its short number.
    To(u32),
    /// Nothing was changed.
    Refused(StoreError),
}

/// The short numbers of the runs that were written last. They are those of committed runs: after an error all are
/// forgotten, because a run whose making was taken back leaves its number to another.
#[derive(Debug, Default)]
pub(crate) struct Numbers(BTreeMap<String, u32>);

impl Numbers {
    /// How many are kept at most.
    const MOST: usize = 20_000;

    /// The number of a run, if there is such a run.
    pub(crate) async fn of(
        &mut self,
        conn: &mut SqliteConnection,
        id: &str,
    ) -> Result<Option<u32>, sqlx::Error> {
        if let Some(number) = self.0.get(id) {
            return Ok(Some(*number));
        }
        let row = sqlx::query(NUMBER).bind(id).fetch_optional(conn).await?;
        let Some(row) = row else { return Ok(None) };
        let number = row.try_get(0)?;
        self.note(id, number);
        Ok(Some(number))
    }

    /// A run that goes on.
    pub(crate) fn note(&mut self, id: &str, number: u32) {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(id.to_owned(), number);
    }

    /// A run that ended.
    pub(crate) fn forget(&mut self, id: &str) {
        self.0.remove(id);
    }
}

/// A run that is to be moved on.
pub(crate) struct Move<'a> {
    /// Its last event, as its writer knows it.
    pub(crate) expected: u32,
    pub(crate) number: u32,
    pub(crate) run: &'a RunRow,
}

/// Makes runs.
pub(crate) async fn begin(
    conn: &mut SqliteConnection,
    runs: &[&RunRow],
) -> Result<Vec<Moved>, sqlx::Error> {
    let mut moved = Vec::with_capacity(runs.len());
    for (size, chunk) in sql::chunks(runs, &NEW) {
        let mut arguments = SqliteArguments::default();
        for run in chunk {
            bind_state(&mut arguments, run)?;
            bind_origin(&mut arguments, run).map_err(sqlx::Error::Encode)?;
        }
        let rows = sqlx::query_with(INSERT[size].as_str(), arguments)
            .fetch_all(&mut *conn)
            .await?;
        let mut numbers = BTreeMap::new();
        for row in &rows {
            numbers.insert(row.try_get::<&str, _>(0)?, row.try_get(1)?);
        }
        for run in chunk {
            // Taken out: the same run cannot begin twice.
            moved.push(match numbers.remove(run.id.as_str()) {
                Some(number) => Moved::To(number),
                None => Moved::Refused(refusal(conn, 0, run).await?),
            });
        }
    }
    Ok(moved)
}

fn bind_origin(arguments: &mut SqliteArguments, run: &RunRow) -> Result<(), BoxDynError> {
    arguments.add(&run.workflow)?;
    arguments.add(&run.workflow_name)?;
    arguments.add(&run.digest)?;
    arguments.add(&run.path)?;
    arguments.add(&run.work_dir)?;
    arguments.add(run.started_at)?;
    arguments.add(&run.by)?;
    arguments.add(run.parent.as_ref().map(|parent| &parent.run))?;
    arguments.add(run.parent.as_ref().map(|parent| &parent.step))
}

/// Moves runs on, each from the event that its writer takes for the last one: all of them, or `false` if one of them
/// is elsewhere or has ended; then the transaction has to be taken back.
pub(crate) async fn advance(
    conn: &mut SqliteConnection,
    moves: &[Move<'_>],
) -> Result<bool, sqlx::Error> {
    for chunk in moves.chunks(TOGETHER[TOGETHER.len() - 1]) {
        let size = TOGETHER.partition_point(|size| *size < chunk.len());
        let mut arguments = SqliteArguments::default();
        arguments.reserve(TOGETHER[size] * PARAMETERS, 0);
        for one in chunk {
            bind_state(&mut arguments, one.run)?;
            let mut add = |value: u32| arguments.add(i64::from(value));
            add(one.number).map_err(sqlx::Error::Encode)?;
            add(one.expected).map_err(sqlx::Error::Encode)?;
        }
        // The rows that are left over move the run that has no number.
        for _ in 0..(TOGETHER[size] - chunk.len()) * PARAMETERS {
            arguments.add(None::<i64>).map_err(sqlx::Error::Encode)?;
        }
        let moved = sqlx::query_with(ADVANCE[size].as_str(), arguments)
            .execute(&mut *conn)
            .await?;
        if moved.rows_affected() != chunk.len() as u64 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn bind_state(arguments: &mut SqliteArguments, run: &RunRow) -> Result<(), sqlx::Error> {
    let waiting_for = serde_json::to_string(&run.waiting_for).map_err(as_encode)?;
    let error = run
        .error
        .as_ref()
        .map(serde_json::to_string)
        .transpose()
        .map_err(as_encode)?;
    arguments.add(&run.status).map_err(sqlx::Error::Encode)?;
    arguments.add(&run.outcome).map_err(sqlx::Error::Encode)?;
    arguments.add(run.ended_at).map_err(sqlx::Error::Encode)?;
    arguments
        .add(i64::from(run.seq))
        .map_err(sqlx::Error::Encode)?;
    arguments
        .add(i64::from(run.steps_done))
        .map_err(sqlx::Error::Encode)?;
    arguments
        .add(i64::from(run.steps_total))
        .map_err(sqlx::Error::Encode)?;
    arguments.add(waiting_for).map_err(sqlx::Error::Encode)?;
    arguments.add(error).map_err(sqlx::Error::Encode)?;
    arguments.add(&run.id).map_err(sqlx::Error::Encode)
}

/// Why a run was not moved.
pub(crate) async fn refusal(
    conn: &mut SqliteConnection,
    expected: u32,
    run: &RunRow,
) -> Result<StoreError, sqlx::Error> {
    let stands = sqlx::query(STANDS)
        .bind(&run.id)
        .fetch_optional(conn)
        .await?;
    let Some(row) = stands else {
        return Ok(StoreError::NotFound {
            what: "run",
            id: run.id.clone(),
        });
    };
    let has_ended: bool = row.try_get(1)?;
    Ok(if has_ended {
        StoreError::Ended {
            run: run.id.clone(),
        }
    } else {
        StoreError::Conflict {
            run: run.id.clone(),
            expected,
            found: row.try_get(0)?,
        }
    })
}

fn as_encode(error: serde_json::Error) -> sqlx::Error {
    sqlx::Error::Encode(Box::new(error))
}

/// The run with this id.
pub(crate) async fn one(
    pool: &SqlitePool,
    dir: &Path,
    id: &str,
) -> Result<Option<RunRow>, StoreError> {
    let row = sqlx::query(ONE).bind(id).fetch_optional(pool).await;
    row.and_then(|row| row.as_ref().map(decode).transpose())
        .map_err(|error| sql::error(&error, dir))
}

/// Runs that have not ended.
pub(crate) async fn open(pool: &SqlitePool, dir: &Path) -> Result<Vec<RunRow>, StoreError> {
    let rows = sqlx::query(OPEN).fetch_all(pool).await;
    decode_all(rows, dir)
}

/// Runs that have not ended and have something to do now.
pub(crate) async fn interrupted(pool: &SqlitePool, dir: &Path) -> Result<Vec<RunRow>, StoreError> {
    let rows = sqlx::query(INTERRUPTED).fetch_all(pool).await;
    decode_all(rows, dir)
}

/// Runs with this parent.
pub(crate) async fn children(
    pool: &SqlitePool,
    dir: &Path,
    parent: &str,
) -> Result<Vec<RunRow>, StoreError> {
    let rows = sqlx::query(CHILDREN).bind(parent).fetch_all(pool).await;
    decode_all(rows, dir)
}

/// A page of runs, and how many match in all.
pub(crate) async fn list(
    pool: &SqlitePool,
    dir: &Path,
    filter: &RunFilter,
) -> Result<(Vec<RunRow>, u32), StoreError> {
    let search = filter
        .search
        .as_deref()
        .map(str::trim)
        .filter(|search| !search.is_empty());
    let rows = sqlx::query(LIST)
        .bind(&filter.workflow)
        .bind(&filter.status)
        .bind(search)
        .bind(i64::from(filter.limit))
        .bind(i64::from(filter.offset))
        .fetch_all(pool)
        .await;
    let total = sqlx::query(COUNT)
        .bind(&filter.workflow)
        .bind(&filter.status)
        .bind(search)
        .fetch_one(pool)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(|error| sql::error(&error, dir))?;
    Ok((decode_all(rows, dir)?, total))
}

fn decode_all(
    rows: Result<Vec<SqliteRow>, sqlx::Error>,
    dir: &Path,
) -> Result<Vec<RunRow>, StoreError> {
    rows.and_then(|rows| rows.iter().map(decode).collect())
        .map_err(|error| sql::error(&error, dir))
}

fn decode(row: &SqliteRow) -> Result<RunRow, sqlx::Error> {
    let as_decode = |error: serde_json::Error| sqlx::Error::Decode(Box::new(error));
    let waiting_for: &str = row.try_get(15)?;
    let error: Option<&str> = row.try_get(16)?;
    let parent_run: Option<String> = row.try_get(17)?;
    let parent_step: Option<String> = row.try_get(18)?;
    Ok(RunRow {
        number: row.try_get(0)?,
        id: row.try_get(1)?,
        workflow: row.try_get(2)?,
        workflow_name: row.try_get(3)?,
        digest: row.try_get(4)?,
        path: row.try_get(5)?,
        work_dir: row.try_get(6)?,
        status: row.try_get(7)?,
        outcome: row.try_get(8)?,
        started_at: row.try_get(9)?,
        ended_at: row.try_get(10)?,
        by: row.try_get(11)?,
        seq: row.try_get(12)?,
        steps_done: row.try_get(13)?,
        steps_total: row.try_get(14)?,
        waiting_for: serde_json::from_str(waiting_for).map_err(as_decode)?,
        error: error
            .map(serde_json::from_str)
            .transpose()
            .map_err(as_decode)?,
        parent: parent_run
            .zip(parent_step)
            .map(|(run, step)| Parent { run, step }),
        quarantined: row.try_get(19)?,
    })
}
