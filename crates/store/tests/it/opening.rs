//! Opening a data folder, and being refused.

use baton_store::{OpenOptions, Store, StoreError};
use sqlx::Connection;

use crate::common::{batch, execute, open, raw, store};

fn looking() -> OpenOptions {
    OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    }
}

#[tokio::test]
async fn a_folder_has_one_owner() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1)).await.expect("a run");
    let error = Store::open(dir.path(), OpenOptions::default())
        .await
        .expect_err("it is in use");
    let pid = Some(std::process::id());
    assert_eq!(
        error,
        StoreError::Locked {
            path: dir.path().to_path_buf(),
            pid
        }
    );
    assert!(
        error.to_string().contains(&std::process::id().to_string()),
        "{error}"
    );
    assert!(error.hint().is_some());

    let looking = Store::open(dir.path(), looking())
        .await
        .expect("looking needs no lock");
    assert_eq!(looking.events("r", 0, 9).await.expect("events").len(), 1);
    store.append(batch("r", 1, 1)).await.expect("it goes on");
    assert_eq!(looking.events("r", 0, 9).await.expect("events").len(), 2);
    assert_eq!(
        looking.append(batch("r", 2, 1)).await,
        Err(StoreError::ReadOnly)
    );
    assert_eq!(looking.draft_discard("x").await, Err(StoreError::ReadOnly));
    looking.close().await;

    store.close().await;
    open(dir.path()).await.close().await;
}

#[tokio::test]
async fn a_clean_end_leaves_no_log_behind() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1)).await.expect("a run");
    store.close().await;
    assert!(!dir.path().join("baton.db-wal").exists());
    assert_eq!(
        std::fs::read_to_string(dir.path().join("baton.lock")).expect("a file"),
        ""
    );
    assert!(store.artifacts_dir().is_dir());
}

#[tokio::test]
async fn a_newer_format_is_refused_and_not_touched() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1)).await.expect("a run");
    store.close().await;
    execute(dir.path(), "PRAGMA user_version = 99")
        .await
        .expect("it can be set");
    let database = dir.path().join("baton.db");
    let before = std::fs::read(&database).expect("a database");
    for options in [OpenOptions::default(), looking()] {
        let refused = Store::open(dir.path(), options).await;
        let is_newer = |error: &StoreError| matches!(error, StoreError::Newer { path, found: 99, known } if path == dir.path() && *known < 99);
        assert!(is_newer(&refused.expect_err("it is newer")));
    }
    assert_eq!(std::fs::read(&database).expect("a database"), before);
}

/// A newer build was killed: what it wrote last is still in the log beside the database, and must stay there.
#[tokio::test]
async fn a_newer_format_with_an_open_log_is_not_touched_either() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1)).await.expect("a run");
    store.close().await;
    let mut newer = raw(dir.path()).await;
    for statement in ["PRAGMA user_version = 99", "CREATE TABLE new (x)"] {
        sqlx::raw_sql(statement)
            .execute(&mut newer)
            .await
            .expect("it can be done");
    }
    let killed = tempfile::TempDir::new().expect("a folder");
    std::fs::create_dir(killed.path().join("artifacts")).expect("a folder");
    for file in ["baton.db", "baton.db-wal"] {
        std::fs::copy(dir.path().join(file), killed.path().join(file)).expect("a copy");
    }
    newer.close().await.expect("it can be closed");

    let read = |file: &str| std::fs::read(killed.path().join(file)).expect("it is there");
    let before = (read("baton.db"), read("baton.db-wal"));
    let error = Store::open(killed.path(), OpenOptions::default())
        .await
        .expect_err("it is newer");
    assert_eq!(error.code(), "store-newer", "{error}");
    assert!(
        (read("baton.db"), read("baton.db-wal")) == before,
        "the files were changed"
    );
}

#[tokio::test]
async fn a_database_of_something_else_is_refused() {
    let dir = tempfile::TempDir::new().expect("a folder");
    let mut other = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(dir.path().join("baton.db"))
        .create_if_missing(true);
    other = other.pragma("user_version", "1");
    let mut conn = sqlx::ConnectOptions::connect(&other)
        .await
        .expect("a database");
    sqlx::raw_sql("CREATE TABLE photos (x)")
        .execute(&mut conn)
        .await
        .expect("a table");
    conn.close().await.expect("it can be closed");
    let error = Store::open(dir.path(), OpenOptions::default())
        .await
        .expect_err("not ours");
    assert!(
        error.to_string().contains("not a database of Baton"),
        "{error}"
    );
}

#[tokio::test]
async fn looking_makes_nothing() {
    let dir = tempfile::TempDir::new().expect("a folder");
    let error = Store::open(dir.path(), looking())
        .await
        .expect_err("there is nothing");
    assert_eq!(error.code(), "store-not-found");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_path_that_is_a_file_is_reported() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let error = Store::open(file.path(), OpenOptions::default())
        .await
        .expect_err("a file");
    assert_eq!(error.code(), "store-io", "{error:?}");
}

/// Whoever may do everything is not held up by rights, so this shows nothing when run as root.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_without_write_access_can_be_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, store) = store().await;
    store.append(batch("r", 0, 2)).await.expect("a run");
    store.close().await;
    let rights = |mode| {
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).expect("set");
    };
    for file in ["baton.db", "baton.lock"] {
        let rights = std::fs::Permissions::from_mode(0o444);
        std::fs::set_permissions(dir.path().join(file), rights).expect("set");
    }
    rights(0o555);
    if std::fs::File::create(dir.path().join("probe")).is_err() {
        let error = Store::open(dir.path(), OpenOptions::default())
            .await
            .expect_err("read-only");
        assert_eq!(error.code(), "store-read-only-folder", "{error:?}");
        let looking = Store::open(dir.path(), looking())
            .await
            .expect("one can look");
        assert_eq!(looking.events("r", 0, 9).await.expect("events").len(), 2);
        assert_eq!(
            looking.verify().await.expect("checked").damage,
            Vec::<String>::new()
        );
        looking.close().await;
    }
    rights(0o755);
}
