//! The small tables beside the log: definitions, drafts, recent files, settings, trusted digests.

use std::path::Path;

use baton_core::Millis;
use serde_json::Value;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::revisions::RevisionWork;
use crate::rows::{DraftRow, RecentRow};
use crate::triggers::TriggerWork;
use crate::users::UserWork;
use crate::{sql, starts};

pub(crate) const DEFINITION_PUT: &str =
    "INSERT INTO definitions (digest, text) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING";
const DEFINITION: &str = "SELECT text FROM definitions WHERE digest = ?1";
const DRAFT_PUT: &str =
    "INSERT OR REPLACE INTO drafts (key, base, document, at) VALUES (?1, ?2, ?3, ?4)";
const DRAFT_DISCARD: &str = "DELETE FROM drafts WHERE key = ?1";
const DRAFT_LIST: &str = "SELECT key, base, document, at FROM drafts ORDER BY at DESC, key";
const RECENT_PUT: &str = "INSERT OR REPLACE INTO recents (path, name, at) VALUES (?1, ?2, ?3)";
const RECENT_TRIM: &str = "DELETE FROM recents WHERE path NOT IN (SELECT path FROM recents ORDER BY at DESC, path LIMIT 20)";
const RECENT_FORGET: &str = "DELETE FROM recents WHERE path = ?1";
const RECENT_LIST: &str = "SELECT path, name, at FROM recents ORDER BY at DESC, path";
const SETTING_PUT: &str = "INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)";
const SETTING: &str = "SELECT value FROM settings WHERE key = ?1";
const TRUST_PUT: &str =
    "INSERT INTO trusted (digest, at) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING";
const TRUSTED: &str = "SELECT 1 FROM trusted WHERE digest = ?1";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    DEFINITION_PUT,
    DEFINITION,
    DRAFT_PUT,
    DRAFT_DISCARD,
    DRAFT_LIST,
    RECENT_PUT,
    RECENT_TRIM,
    RECENT_FORGET,
    RECENT_LIST,
    SETTING_PUT,
    SETTING,
    TRUST_PUT,
    TRUSTED,
];

/// A change in one of these tables.
#[derive(Debug)]
pub(crate) enum Keep {
    Definition { digest: String, text: String },
    Draft(DraftRow),
    DraftDiscard { key: String },
    Recent(RecentRow),
    RecentForget { path: String },
    Setting { key: String, value: String },
    Trust { digest: String, at: Millis },
    Starts(starts::Change),
    Trigger(Box<TriggerWork>),
    User(Box<UserWork>),
    Revision(Box<RevisionWork>),
}

impl Keep {
    /// Carries the change out.
    pub(crate) async fn write(&self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let query = match self {
            Self::Starts(change) => return change.write(conn).await,
            Self::Definition { digest, text } => {
                sqlx::query(DEFINITION_PUT).bind(digest).bind(text)
            }
            Self::Draft(draft) => sqlx::query(DRAFT_PUT)
                .bind(&draft.key)
                .bind(&draft.base)
                .bind(&draft.document)
                .bind(draft.at),
            Self::DraftDiscard { key } => sqlx::query(DRAFT_DISCARD).bind(key),
            Self::Recent(recent) => sqlx::query(RECENT_PUT)
                .bind(&recent.path)
                .bind(&recent.name)
                .bind(recent.at),
            Self::RecentForget { path } => sqlx::query(RECENT_FORGET).bind(path),
            Self::Setting { key, value } => sqlx::query(SETTING_PUT).bind(key).bind(value),
            Self::Trust { digest, at } => sqlx::query(TRUST_PUT).bind(digest).bind(*at),
            Self::Trigger(work) => return work.write(conn).await,
            Self::User(work) => return work.write(conn).await,
            Self::Revision(work) => return work.write(conn).await,
        };
        query.execute(&mut *conn).await?;
        if matches!(self, Self::Recent(_)) {
            sqlx::query(RECENT_TRIM).execute(conn).await?;
        }
        Ok(())
    }
}

/// The definition with this digest.
pub(crate) async fn definition(
    pool: &SqlitePool,
    dir: &Path,
    digest: &str,
) -> Result<Option<String>, StoreError> {
    text(pool, dir, DEFINITION, digest).await
}

/// All drafts, newest first.
pub(crate) async fn drafts(pool: &SqlitePool, dir: &Path) -> Result<Vec<DraftRow>, StoreError> {
    let rows = sqlx::query(DRAFT_LIST).fetch_all(pool).await;
    rows.and_then(|rows| {
        rows.iter()
            .map(|row| {
                Ok(DraftRow {
                    key: row.try_get(0)?,
                    base: row.try_get(1)?,
                    document: row.try_get(2)?,
                    at: row.try_get(3)?,
                })
            })
            .collect()
    })
    .map_err(|error| sql::error(&error, dir))
}

/// Recent files, newest first.
pub(crate) async fn recents(pool: &SqlitePool, dir: &Path) -> Result<Vec<RecentRow>, StoreError> {
    let rows = sqlx::query(RECENT_LIST).fetch_all(pool).await;
    rows.and_then(|rows| {
        rows.iter()
            .map(|row| {
                Ok(RecentRow {
                    path: row.try_get(0)?,
                    name: row.try_get(1)?,
                    at: row.try_get(2)?,
                })
            })
            .collect()
    })
    .map_err(|error| sql::error(&error, dir))
}

/// The setting with this key.
pub(crate) async fn setting(
    pool: &SqlitePool,
    dir: &Path,
    key: &str,
) -> Result<Option<Value>, StoreError> {
    let Some(json) = text(pool, dir, SETTING, key).await? else {
        return Ok(None);
    };
    serde_json::from_str(&json)
        .map(Some)
        .map_err(|error| StoreError::Database {
            detail: format!("setting `{key}` is not JSON: {error}"),
        })
}

/// Whether the definition with this digest may run without asking.
pub(crate) async fn is_trusted(
    pool: &SqlitePool,
    dir: &Path,
    digest: &str,
) -> Result<bool, StoreError> {
    let row = sqlx::query(TRUSTED).bind(digest).fetch_optional(pool).await;
    row.map(|row| row.is_some())
        .map_err(|error| sql::error(&error, dir))
}

async fn text(
    pool: &SqlitePool,
    dir: &Path,
    statement: &'static str,
    key: &str,
) -> Result<Option<String>, StoreError> {
    let row = sqlx::query(statement).bind(key).fetch_optional(pool).await;
    row.and_then(|row| row.map(|row| row.try_get(0)).transpose())
        .map_err(|error| sql::error(&error, dir))
}
