//! Starts of the program on this folder, and the runs that were set aside because taking them up ended it.

use std::path::Path;

use baton_core::Millis;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::sql;
use crate::store::Store;

const PUT: &str = "INSERT INTO starts (id, at, version, ended_at, taking_up, is_safe, forgiven) VALUES (?1, ?2, ?3, NULL, ?4, ?5, 0)";
const TRIM: &str =
    "DELETE FROM starts WHERE id NOT IN (SELECT id FROM starts ORDER BY id DESC LIMIT 50)";
const TAKING_UP: &str = "UPDATE starts SET taking_up = ?2 WHERE id = ?1";
const ENDED: &str = "UPDATE starts SET ended_at = ?2, taking_up = NULL WHERE id = ?1";
const FORGIVE: &str = "UPDATE starts SET forgiven = 1, is_safe = 0";
const LIST: &str =
    "SELECT id, at, version, ended_at, taking_up, is_safe, forgiven FROM starts ORDER BY id DESC";
const SET_ASIDE: &str = "INSERT OR REPLACE INTO quarantine (run, at, reason) VALUES (?1, ?2, ?3)";
const RELEASE: &str = "DELETE FROM quarantine WHERE run = ?1";
const QUARANTINE: &str = "SELECT run, at, reason FROM quarantine ORDER BY at, run";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    PUT, TRIM, TAKING_UP, ENDED, FORGIVE, LIST, SET_ASIDE, RELEASE, QUARANTINE,
];

/// A start of the program on this folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRow {
    /// Rises with every start.
    pub id: i64,
    /// When.
    pub at: Millis,
    /// Version of the program.
    pub version: String,
    /// When it gave the folder back. `None`: it lives, or it died.
    pub ended_at: Option<Millis>,
    /// Which runs were being taken up last.
    pub taking_up: Option<TakingUp>,
    /// It began in safe mode, and nobody has left that yet.
    pub is_safe: bool,
    /// A person left safe mode since: it is no reason for safe mode any more.
    pub forgiven: bool,
}

/// Which runs a start was taking up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakingUp {
    /// All that were open.
    All,
    /// The one with this id.
    One(String),
}

impl TakingUp {
    fn as_text(&self) -> &str {
        match self {
            Self::All => "*",
            Self::One(run) => run,
        }
    }

    fn of_text(text: String) -> Self {
        if text == "*" {
            Self::All
        } else {
            Self::One(text)
        }
    }
}

/// A run that is not taken up again until a person says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Its id.
    pub run: String,
    /// Since when.
    pub at: Millis,
    /// Why, in plain words.
    pub reason: String,
}

/// A change in these tables.
#[derive(Debug)]
pub(crate) enum Change {
    Began(StartRow),
    TakesUp { id: i64, what: Option<TakingUp> },
    Ended { id: i64, at: Millis },
    Forgive,
    SetAside(QuarantineRow),
    Release { run: String },
}

impl Change {
    /// Carries the change out.
    pub(crate) async fn write(&self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let query = match self {
            Self::Began(start) => sqlx::query(PUT)
                .bind(start.id)
                .bind(start.at)
                .bind(&start.version)
                .bind(start.taking_up.as_ref().map(TakingUp::as_text))
                .bind(start.is_safe),
            Self::TakesUp { id, what } => sqlx::query(TAKING_UP)
                .bind(*id)
                .bind(what.as_ref().map(TakingUp::as_text)),
            Self::Ended { id, at } => sqlx::query(ENDED).bind(*id).bind(*at),
            Self::Forgive => sqlx::query(FORGIVE),
            Self::SetAside(row) => sqlx::query(SET_ASIDE)
                .bind(&row.run)
                .bind(row.at)
                .bind(&row.reason),
            Self::Release { run } => sqlx::query(RELEASE).bind(run),
        };
        query.execute(&mut *conn).await?;
        if matches!(self, Self::Began(_)) {
            sqlx::query(TRIM).execute(conn).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The last starts, newest first.
    pub async fn starts(&self) -> Result<Vec<StartRow>, StoreError> {
        list(self.readers()?, self.dir()).await
    }

    /// Notes a start.
    pub async fn start_began(&self, start: &StartRow) -> Result<(), StoreError> {
        self.change(Change::Began(start.clone())).await
    }

    /// Notes which runs a start takes up now; `None` when that is over.
    pub async fn start_takes_up(&self, id: i64, what: Option<TakingUp>) -> Result<(), StoreError> {
        self.change(Change::TakesUp { id, what }).await
    }

    /// Notes that a start ended properly.
    pub async fn start_ended(&self, id: i64, at: Millis) -> Result<(), StoreError> {
        self.change(Change::Ended { id, at }).await
    }

    /// A person looked at what happened: earlier starts are no reason for safe mode any more.
    pub async fn starts_forgive(&self) -> Result<(), StoreError> {
        self.change(Change::Forgive).await
    }

    /// Sets a run aside: it is not taken up again until it is released.
    pub async fn quarantine_put(&self, row: &QuarantineRow) -> Result<(), StoreError> {
        self.change(Change::SetAside(row.clone())).await
    }

    /// Lets a run that was set aside be taken up again. One that was not is left alone.
    pub async fn quarantine_release(&self, run: &str) -> Result<(), StoreError> {
        let run = run.to_owned();
        self.change(Change::Release { run }).await
    }

    /// The runs that are set aside, oldest first.
    pub async fn quarantine(&self) -> Result<Vec<QuarantineRow>, StoreError> {
        quarantine(self.readers()?, self.dir()).await
    }
}

async fn list(pool: &SqlitePool, dir: &Path) -> Result<Vec<StartRow>, StoreError> {
    let rows = sqlx::query(LIST).fetch_all(pool).await;
    rows.and_then(|rows| {
        rows.iter()
            .map(|row| {
                Ok(StartRow {
                    id: row.try_get(0)?,
                    at: row.try_get(1)?,
                    version: row.try_get(2)?,
                    ended_at: row.try_get(3)?,
                    taking_up: row.try_get::<Option<String>, _>(4)?.map(TakingUp::of_text),
                    is_safe: row.try_get(5)?,
                    forgiven: row.try_get(6)?,
                })
            })
            .collect()
    })
    .map_err(|error| sql::error(&error, dir))
}

async fn quarantine(pool: &SqlitePool, dir: &Path) -> Result<Vec<QuarantineRow>, StoreError> {
    let rows = sqlx::query(QUARANTINE).fetch_all(pool).await;
    rows.and_then(|rows| {
        rows.iter()
            .map(|row| {
                Ok(QuarantineRow {
                    run: row.try_get(0)?,
                    at: row.try_get(1)?,
                    reason: row.try_get(2)?,
                })
            })
            .collect()
    })
    .map_err(|error| sql::error(&error, dir))
}
