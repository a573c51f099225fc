//! The table of open questions: a projection of the events, for the inbox.

use std::path::Path;
use std::sync::LazyLock;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::rows::{QuestionChanges, QuestionRow};
use crate::sql;

const PUT: &str = "INSERT OR REPLACE INTO questions (run, step, question, asked_at, answers, is_outcome) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const CLOSE: &str = "DELETE FROM questions WHERE run = ?1 AND step = ?2";

/// Runs whose questions are closed in one statement.
const TOGETHER: usize = 64;

static CLOSE_ALL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "DELETE FROM questions WHERE run IN (?{})",
        ", ?".repeat(TOGETHER - 1)
    )
});

const LIST: &str = "SELECT run, step, question, asked_at, answers, is_outcome FROM questions ORDER BY asked_at, run, step";

const OF: &str =
    "SELECT run, step, question, asked_at, answers, is_outcome FROM questions WHERE run = ?1";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    vec![PUT, CLOSE, &CLOSE_ALL, LIST, OF]
}

/// Closes all questions of runs that have ended.
pub(crate) async fn close_all(
    conn: &mut SqliteConnection,
    runs: &[&str],
) -> Result<(), sqlx::Error> {
    for chunk in runs.chunks(TOGETHER) {
        // A place without a run closes nothing.
        let ids = chunk.iter().copied().map(Some);
        let mut query = sqlx::query(CLOSE_ALL.as_str());
        for id in ids.chain(std::iter::repeat(None)).take(TOGETHER) {
            query = query.bind(id);
        }
        query.execute(&mut *conn).await?;
    }
    Ok(())
}

/// Carries out changes in the questions of a run that goes on.
pub(crate) async fn change(
    conn: &mut SqliteConnection,
    run: &str,
    changes: &QuestionChanges,
) -> Result<(), sqlx::Error> {
    for step in &changes.closed {
        sqlx::query(CLOSE)
            .bind(run)
            .bind(step)
            .execute(&mut *conn)
            .await?;
    }
    for row in &changes.put {
        sqlx::query(PUT)
            .bind(run)
            .bind(&row.step)
            .bind(row.question.to_string())
            .bind(row.asked_at)
            .bind(row.answers.to_string())
            .bind(row.is_outcome)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// All open questions, oldest first.
pub(crate) async fn list(pool: &SqlitePool, dir: &Path) -> Result<Vec<QuestionRow>, StoreError> {
    let rows = sqlx::query(LIST).fetch_all(pool).await;
    decode(rows, dir)
}

/// The open questions of a run.
pub(crate) async fn of(
    pool: &SqlitePool,
    dir: &Path,
    run: &str,
) -> Result<Vec<QuestionRow>, StoreError> {
    let rows = sqlx::query(OF).bind(run).fetch_all(pool).await;
    decode(rows, dir)
}

fn decode(
    rows: Result<Vec<SqliteRow>, sqlx::Error>,
    dir: &Path,
) -> Result<Vec<QuestionRow>, StoreError> {
    let as_decode = |error: serde_json::Error| sqlx::Error::Decode(Box::new(error));
    rows.and_then(|rows| {
        rows.iter()
            .map(|row| {
                Ok(QuestionRow {
                    run: row.try_get(0)?,
                    step: row.try_get(1)?,
                    question: serde_json::from_str(row.try_get(2)?).map_err(as_decode)?,
                    asked_at: row.try_get(3)?,
                    answers: serde_json::from_str(row.try_get(4)?).map_err(as_decode)?,
                    is_outcome: row.try_get(5)?,
                })
            })
            .collect()
    })
    .map_err(|error| sql::error(&error, dir))
}
