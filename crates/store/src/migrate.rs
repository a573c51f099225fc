//! The format of the database, and how an older one becomes the current one.
//!
//! The format is SQLite's `user_version`, not a table: reading it is part of the one query that every start makes
//! anyway, and a new database is made in one transaction. A migration only adds; a released file is never
//! edited, and a test holds their digests.

use std::path::Path;

use sqlx::SqliteConnection;

use crate::error::StoreError;
use crate::{backup, sql};

/// All migrations, oldest first. The format of a database is the number of those that were applied.
pub(crate) const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_the_log.sql"),
    include_str!("../migrations/0002_triggers.sql"),
    include_str!("../migrations/0003_starts.sql"),
    include_str!("../migrations/0004_timers.sql"),
    include_str!("../migrations/0005_users.sql"),
];

/// `BATN`: tells a database of ours from any other.
pub(crate) const APPLICATION_ID: i64 = 0x4241_544E;

/// The newest format that this build knows.
pub(crate) const FORMAT: u32 = MIGRATIONS.len() as u32;

/// Brings a database from format `from` to [`FORMAT`]; a copy is put aside first, unless there is nothing yet.
pub(crate) async fn migrate(
    conn: &mut SqliteConnection,
    dir: &Path,
    from: u32,
    migrations: &[&str],
) -> Result<(), StoreError> {
    if from > 0 {
        let into = dir.join(backup::FOLDER);
        let copy = backup::make(dir, &into, &format!("before-format-{}", migrations.len())).await?;
        tracing::info!(copy = %copy.path.display(), from, to = migrations.len(), "migrating the data folder");
    }
    let mut script = String::from("BEGIN IMMEDIATE;\n");
    for migration in migrations.iter().skip(from as usize) {
        script.push_str(migration);
    }
    script.push_str(&format!(
        "\nPRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {};\nCOMMIT;",
        migrations.len()
    ));
    let applied = sqlx::raw_sql(sqlx::AssertSqlSafe(script))
        .execute(&mut *conn)
        .await;
    if let Err(error) = applied {
        sql::rollback(conn).await;
        return Err(sql::error(&error, dir));
    }
    Ok(())
}
