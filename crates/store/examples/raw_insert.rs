//! What the disk and SQLite can do at best: the same bytes as the log, without the log.
//!
//! ```text
//! raw_insert <rows> <bytes per row>                      all rows in one transaction
//! raw_insert group <rows> <bytes per row> <rows each>    so many rows per transaction, one after the other
//! ```
//!
//! WAL, `synchronous=FULL`, prepared statements of up to 128 rows, in `BATON_BENCH_DIR` or the system's
//! temporary folder. Prints milliseconds, the best of 5.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

const ROWS: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (rows, bytes, each) = match words.as_slice() {
        ["group", rows, bytes, each] => (rows.parse()?, bytes.parse()?, each.parse()?),
        [rows, bytes] => (rows.parse()?, bytes.parse()?, rows.parse()?),
        _ => bail!("expected `<rows> <bytes>` or `group <rows> <bytes> <rows each>`"),
    };
    let folder = std::env::var_os("BATON_BENCH_DIR")
        .map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let dir = tempfile::tempdir_in(&folder)?;
        best = best.min(once(dir.path(), rows, bytes, each).await?);
    }
    println!("{best:.2} ms, {:.0} rows/s", rows as f64 * 1_000.0 / best);
    Ok(())
}

async fn once(dir: &Path, rows: usize, bytes: usize, each: usize) -> Result<f64> {
    let mut conn = SqliteConnectOptions::new()
        .filename(dir.join("raw.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    let table = "CREATE TABLE raw (id INTEGER PRIMARY KEY, payload TEXT NOT NULL) STRICT";
    sqlx::query(table).execute(&mut conn).await?;
    let statements: Vec<&'static str> = ROWS
        .iter()
        .map(|rows| {
            let more = ",(?)".repeat(rows - 1);
            &*format!("INSERT INTO raw (payload) VALUES (?){more}").leak()
        })
        .collect();
    // The statements are prepared once, as they are in a store that is in use.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
    for (size, statement) in ROWS.iter().zip(&statements) {
        insert(&mut conn, statement, &vec![""; *size]).await?;
    }
    sqlx::query("COMMIT").execute(&mut conn).await?;

    let payload = "x".repeat(bytes);
    let payloads = vec![payload.as_str(); rows];
    let start = Instant::now();
    for group in payloads.chunks(each) {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await?;
        let mut rest = group;
        for (size, statement) in ROWS.iter().zip(&statements) {
            while rest.len() >= *size {
                let (chunk, after) = rest.split_at(*size);
                insert(&mut conn, statement, chunk).await?;
                rest = after;
            }
        }
        sqlx::query("COMMIT").execute(&mut conn).await?;
    }
    let elapsed = start.elapsed().as_secs_f64() * 1_000.0;
    let count: i64 = sqlx::query_scalar(AssertSqlSafe("SELECT count(*) FROM raw"))
        .fetch_one(&mut conn)
        .await
        .context("counting")?;
    if count as usize != rows + ROWS.iter().sum::<usize>() {
        bail!("{count} rows are there");
    }
    conn.close().await?;
    Ok(elapsed)
}

async fn insert(conn: &mut SqliteConnection, statement: &'static str, rows: &[&str]) -> Result<()> {
    let mut query = sqlx::query(statement);
    for row in rows {
        query = query.bind(*row);
    }
    query.execute(conn).await?;
    Ok(())
}
