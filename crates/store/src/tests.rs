//! Tests that need to see inside: statements, migrations, a full disk.

use std::path::Path;
use std::time::Duration;

use baton_core::machine::{Event, Logged};
use sqlx::{ConnectOptions, Connection, Executor, SqliteConnection};
use tempfile::TempDir;

use crate::lock::Lock;
use crate::migrate::{self, FORMAT, MIGRATIONS};
use crate::rows::{QuestionChanges, RunRow, WaitChanges};
use crate::writer::{Batch, Work, Writer};
use crate::{
    StoreError, backup, events, figures, keeps, kept_values, open, questions, restore, revisions,
    runs, salvage, starts, timers, triggers, users, verify,
};

const BUSY: Duration = Duration::from_secs(1);

async fn opened(dir: &Path) -> (Lock, SqliteConnection) {
    let options = open::writer_options(dir, BUSY);
    open::for_writing(dir, &options, BUSY)
        .await
        .expect("the folder can be opened")
}

fn batch(run: &str, expected: u32, bytes: usize) -> Work {
    let event = Event::StepLogged {
        step: "s".to_owned(),
        level: "info".to_owned(),
        message: "x".repeat(bytes),
    };
    let seq = expected + 1;
    let events = events::encode(&[Logged { seq, at: 1, event }]).expect("it is small");
    let run = RunRow {
        id: run.to_owned(),
        seq,
        ..RunRow::default()
    };
    let questions = QuestionChanges::default();
    Work::Append(Box::new(Batch {
        expected,
        events,
        run,
        questions,
        waits: WaitChanges::default(),
    }))
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let dir = TempDir::new().expect("a folder");
    let (_lock, mut conn) = opened(dir.path()).await;
    let mut all = events::statements();
    all.extend(runs::statements());
    all.extend(questions::statements());
    for statements in [
        backup::STATEMENTS,
        figures::STATEMENTS,
        kept_values::STATEMENTS,
        keeps::STATEMENTS,
        open::STATEMENTS,
        restore::STATEMENTS,
        revisions::STATEMENTS,
        salvage::STATEMENTS,
        starts::STATEMENTS,
        timers::STATEMENTS,
        users::STATEMENTS,
        verify::STATEMENTS,
    ] {
        all.extend(statements);
    }
    all.extend(triggers::STATEMENTS.into_iter().flatten());
    for statement in all {
        (&mut conn)
            .prepare(sqlx::SqlSafeStr::into_sql_str(statement))
            .await
            .unwrap_or_else(|error| panic!("{error}: {statement}"));
    }
}

/// A released migration is never edited: databases that it made are out there.
#[test]
fn released_migrations_are_what_they_were() {
    let digests: Vec<String> = MIGRATIONS
        .iter()
        .map(|text| blake3::hash(text.as_bytes()).to_hex()[..16].to_owned())
        .collect();
    assert_eq!(
        digests,
        [
            "5b3850ce2551dfe8",
            "a50dac5b69502204",
            "4f1eecd2be558c20",
            "9dbdfb02d67ddf0a",
            "a907805cf106406f"
        ]
    );
}

#[tokio::test]
async fn a_migration_puts_a_copy_aside_first() {
    let dir = TempDir::new().expect("a folder");
    let (_lock, mut conn) = opened(dir.path()).await;
    let more = [
        MIGRATIONS,
        &["CREATE TABLE further (x INTEGER NOT NULL) STRICT;"],
    ]
    .concat();
    migrate::migrate(&mut conn, dir.path(), FORMAT, &more)
        .await
        .expect("it can be migrated");

    let format: u32 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut conn)
        .await
        .expect("a format");
    assert_eq!(format, FORMAT + 1);
    let copies = backup::list(&dir.path().join("backups")).expect("there are backups");
    let [copy] = copies.as_slice() else {
        panic!("one copy, not {copies:?}")
    };
    assert_eq!(
        copy.manifest.database_format, FORMAT,
        "the copy has the old format"
    );
    assert!(copy.manifest.reason.starts_with("before-format-"));
    backup::check(&copy.path).await.expect("the copy is whole");
}

#[tokio::test]
async fn a_migration_that_fails_changes_nothing() {
    let dir = TempDir::new().expect("a folder");
    let (_lock, mut conn) = opened(dir.path()).await;
    let more = [
        MIGRATIONS,
        &["CREATE TABLE further (x INTEGER NOT NULL) STRICT;\nCREATE TABLE runs (x);"],
    ]
    .concat();
    let error = migrate::migrate(&mut conn, dir.path(), FORMAT, &more)
        .await
        .expect_err("it fails");
    assert_eq!(error.code(), "store-database");

    let format: u32 = sqlx::query_scalar("PRAGMA user_version")
        .fetch_one(&mut conn)
        .await
        .expect("a format");
    assert_eq!(format, FORMAT);
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'further'")
            .fetch_one(&mut conn)
            .await
            .expect("a count");
    assert_eq!(tables, 0, "nothing of it is left");
}

#[tokio::test]
async fn a_full_disk_refuses_the_batch_and_nothing_else() {
    let dir = TempDir::new().expect("a folder");
    let options = open::writer_options(dir.path(), BUSY);
    let (lock, conn) = opened(dir.path()).await;
    let mut writer = Writer::new(
        dir.path().to_path_buf(),
        options,
        conn,
        lock,
        std::sync::Arc::default(),
    );
    writer
        .transact(&[&batch("r", 0, 10)])
        .await
        .expect("there is space");

    writer.limit_pages(60).await;
    let error = writer
        .transact(&[&batch("r", 1, 400_000)])
        .await
        .expect_err("there is no space");
    assert_eq!(
        error,
        StoreError::DiskFull {
            path: dir.path().to_path_buf()
        }
    );
    let small = batch("r", 1, 10);
    let large = batch("s", 0, 400_000);
    let answers = writer.write_group(&[&small, &large]).await;
    assert_eq!(
        answers[0],
        Ok(Some(1)),
        "what fits is written, though its group did not fit"
    );
    assert_eq!(
        answers[1].as_ref().expect_err("still no space").code(),
        "store-disk-full"
    );

    writer.limit_pages(1_000_000).await;
    let answers = writer
        .transact(&[&large])
        .await
        .expect("there is space again");
    assert_eq!(answers, [Ok(Some(2))]);
}

/// Tells this test binary to be the process that migrates and is killed.
const MIGRATE: &str = "BATON_STORE_MIGRATE_FOLDER";

/// The process that `a_killed_migration_loses_nothing` kills. By itself it does nothing.
#[tokio::test]
async fn migrating_child() {
    if let Some(folder) = std::env::var_os(MIGRATE) {
        opened(folder.as_ref()).await;
    }
}

/// A folder of the first format, with a run of 200 events.
async fn first_format(dir: &Path) {
    std::fs::create_dir_all(dir.join("artifacts")).expect("a folder");
    let mut conn = open::writer_options(dir, BUSY)
        .connect()
        .await
        .expect("a database");
    migrate::migrate(&mut conn, dir, 0, &MIGRATIONS[..1])
        .await
        .expect("the first format");
    sqlx::raw_sql(
        "PRAGMA journal_mode = WAL; INSERT INTO runs (number, id, workflow, workflow_name, digest, status, started_at, \
         seq, steps_done, steps_total, waiting_for) VALUES (1, 'r', 'w', 'W', 'd', 'running', 1, 200, 0, 1, '[]')",
    )
    .execute(&mut conn)
    .await
    .expect("a run");
    let logged: Vec<Logged> = (1..=200)
        .map(|seq| {
            let event = Event::RunPaused {
                by: format!("p{seq}"),
            };
            Logged { seq, at: 1, event }
        })
        .collect();
    let events = events::encode(&logged).expect("they are small");
    let head = events::Head::read(&mut conn).await.expect("a head");
    let of_run = events::OfRun {
        id: "r",
        number: 1,
        events: &events,
    };
    events::insert(&mut conn, head, &[of_run])
        .await
        .expect("they are written");
    conn.close().await.expect("it can be closed");
}

#[tokio::test]
async fn a_killed_migration_loses_nothing() {
    let first = TempDir::new().expect("a folder");
    first_format(first.path()).await;
    let whole = std::fs::read(first.path().join("baton.db")).expect("a database");
    for round in 0..20_u64 {
        let dir = TempDir::new().expect("a folder");
        std::fs::create_dir(dir.path().join("artifacts")).expect("a folder");
        std::fs::write(dir.path().join("baton.db"), &whole).expect("a copy");
        let mut child = std::process::Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "tests::migrating_child"])
            .env(MIGRATE, dir.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the child starts");
        // From before it begins to after it has ended.
        std::thread::sleep(Duration::from_millis(round * 4));
        child.kill().expect("it can be killed, or has ended");
        child.wait().expect("it is gone");

        let (lock, mut conn) = opened(dir.path()).await;
        let format: u32 = sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut conn)
            .await
            .expect("a format");
        assert_eq!(format, FORMAT);
        let verified = verify::on(&mut conn, dir.path(), &verify::Against::default())
            .await
            .expect("it can be checked");
        assert_eq!(
            (verified.events, verified.damage),
            (200, Vec::new()),
            "round {round}"
        );
        conn.close().await.expect("it can be closed");
        lock.give_back();
        let backups = backup::list(&dir.path().join("backups")).expect("a list");
        assert!(
            !backups.is_empty(),
            "round {round}: a copy was put aside first"
        );
        for copy in backups {
            backup::check(&copy.path)
                .await
                .expect("what is listed is whole");
            assert_eq!(copy.manifest.database_format, 1);
        }
    }
}
