//! A folder, a store in it, and batches.

use std::path::Path;

use baton_core::machine::{Event, Logged, Outcome};
use baton_store::{Append, OpenOptions, QuestionChanges, RunRow, Store, WaitChanges};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

pub(crate) async fn store() -> (TempDir, Store) {
    let dir = TempDir::new().expect("a folder");
    let store = open(dir.path()).await;
    (dir, store)
}

pub(crate) async fn open(dir: &Path) -> Store {
    Store::open(dir, OpenOptions::default())
        .await
        .expect("the folder can be opened")
}

pub(crate) fn row(run: &str, seq: u32) -> RunRow {
    RunRow {
        id: run.to_owned(),
        workflow: "w".to_owned(),
        workflow_name: "Workflow".to_owned(),
        digest: "d".to_owned(),
        status: "running".to_owned(),
        started_at: 1_000,
        seq,
        ..RunRow::default()
    }
}

pub(crate) fn line(seq: u32, message: &str) -> Logged {
    let event = Event::StepLogged {
        step: "a".to_owned(),
        level: "info".to_owned(),
        message: message.to_owned(),
    };
    Logged {
        seq,
        at: i64::from(seq) * 10,
        event,
    }
}

/// `count` events after event `expected`.
pub(crate) fn batch(run: &str, expected: u32, count: u32) -> Append {
    let events: Vec<Logged> = (expected + 1..=expected + count)
        .map(|seq| line(seq, &format!("{run} {seq}")))
        .collect();
    Append {
        run: run.to_owned(),
        expected_seq: expected,
        summary: row(run, expected + count),
        events,
        questions: QuestionChanges::default(),
        waits: WaitChanges::default(),
    }
}

/// The end of a run.
pub(crate) fn end(run: &str, expected: u32) -> Append {
    let seq = expected + 1;
    let event = Event::RunEnded {
        outcome: Outcome::Succeeded,
        name: None,
        outputs: serde_json::Value::Null,
        error: None,
    };
    Append {
        run: run.to_owned(),
        expected_seq: expected,
        events: vec![Logged { seq, at: 5, event }],
        summary: RunRow {
            status: "succeeded".to_owned(),
            ended_at: Some(5),
            ..row(run, seq)
        },
        questions: QuestionChanges::default(),
        waits: WaitChanges::default(),
    }
}

/// The database without the store, for looking and for tampering.
pub(crate) async fn raw(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(dir.join("baton.db"))
        .connect()
        .await
        .expect("the database can be opened")
}

pub(crate) async fn execute(dir: &Path, statements: &str) -> Result<(), sqlx::Error> {
    use sqlx::Connection;
    let mut conn = raw(dir).await;
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()))
        .execute(&mut conn)
        .await;
    conn.close().await?;
    done.map(|_| ())
}
