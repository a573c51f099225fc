//! The workflows that a server keeps by name, each with its revisions. A revision is never changed.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use baton_core::Millis;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::keeps::{self, Keep};
use crate::sql;
use crate::store::Store;

const LAST: &str = "SELECT coalesce(max(revision), 0) FROM revisions WHERE workflow = ?1";
const PUT: &str = "INSERT INTO revisions (workflow, revision, name, digest, layout, pushed_by, pushed_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const LIST: &str = "SELECT workflow, revision, name, digest, layout, pushed_by, pushed_at FROM revisions AS one \
     WHERE revision = (SELECT max(revision) FROM revisions WHERE workflow = one.workflow) ORDER BY name, workflow";
const OF: &str = "SELECT workflow, revision, name, digest, layout, pushed_by, pushed_at FROM revisions \
     WHERE workflow = ?1 ORDER BY revision DESC LIMIT 500";
const ONE: &str = "SELECT workflow, revision, name, digest, layout, pushed_by, pushed_at FROM revisions \
     WHERE workflow = ?1 AND (?2 IS NULL OR revision = ?2) ORDER BY revision DESC LIMIT 1";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[LAST, PUT, LIST, OF, ONE];

/// A revision of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionRow {
    /// Id of the workflow.
    pub workflow: String,
    /// Rises by one with every revision of the workflow.
    pub revision: u32,
    /// Name of the workflow.
    pub name: String,
    /// Digest of the definition.
    pub digest: String,
    /// Where its steps stand, and what else a digest leaves out: JSON.
    pub layout: String,
    /// Who pushed it.
    pub pushed_by: String,
    /// When.
    pub pushed_at: Millis,
}

/// A revision to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRevision {
    /// The revision that it follows; 0 for the first.
    pub base: u32,
    /// What is kept. Its number is `base` + 1.
    pub row: RevisionRow,
    /// Text of the definition.
    pub text: String,
}

/// A revision, and whether it was kept.
#[derive(Debug)]
pub(crate) struct RevisionWork {
    new: NewRevision,
    /// The revision that is the last one then.
    said: Arc<Mutex<u32>>,
}

impl RevisionWork {
    /// Keeps the revision, unless another one came first.
    pub(crate) async fn write(&self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let NewRevision { base, row, text } = &self.new;
        let last = sqlx::query(LAST).bind(&row.workflow);
        let mut last: u32 = last.fetch_one(&mut *conn).await?.try_get(0)?;
        let is_next = last == *base;
        if is_next {
            sqlx::query(keeps::DEFINITION_PUT)
                .bind(&row.digest)
                .bind(text)
                .execute(&mut *conn)
                .await?;
            last += 1;
            sqlx::query(PUT)
                .bind(&row.workflow)
                .bind(last)
                .bind(&row.name)
                .bind(&row.digest)
                .bind(&row.layout)
                .bind(&row.pushed_by)
                .bind(row.pushed_at)
                .execute(conn)
                .await?;
        }
        let said = if is_next { last } else { 0 };
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
        Ok(())
    }
}

impl Store {
    /// Keeps a revision with its definition. `None`: another one came first, and nothing was kept.
    pub async fn revision_put(&self, new: NewRevision) -> Result<Option<u32>, StoreError> {
        let said = Arc::new(Mutex::new(0));
        let work = RevisionWork {
            new,
            said: said.clone(),
        };
        self.keep(Keep::Revision(Box::new(work))).await?;
        let said = *said.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((said > 0).then_some(said))
    }

    /// The last revision of every workflow, by name.
    pub async fn revisions(&self) -> Result<Vec<RevisionRow>, StoreError> {
        read(self.readers()?, self.dir(), sqlx::query(LIST)).await
    }

    /// The revisions of a workflow, newest first (at most 500).
    pub async fn revisions_of(&self, workflow: &str) -> Result<Vec<RevisionRow>, StoreError> {
        read(
            self.readers()?,
            self.dir(),
            sqlx::query(OF).bind(workflow.to_owned()),
        )
        .await
    }

    /// A revision of a workflow, or its last one.
    pub async fn revision(
        &self,
        workflow: &str,
        revision: Option<u32>,
    ) -> Result<Option<RevisionRow>, StoreError> {
        let query = sqlx::query(ONE).bind(workflow.to_owned()).bind(revision);
        let rows = read(self.readers()?, self.dir(), query).await?;
        Ok(rows.into_iter().next())
    }
}

async fn read(
    pool: &SqlitePool,
    dir: &Path,
    query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
) -> Result<Vec<RevisionRow>, StoreError> {
    let one = |row: &SqliteRow| {
        Ok(RevisionRow {
            workflow: row.try_get(0)?,
            revision: row.try_get(1)?,
            name: row.try_get(2)?,
            digest: row.try_get(3)?,
            layout: row.try_get(4)?,
            pushed_by: row.try_get(5)?,
            pushed_at: row.try_get(6)?,
        })
    };
    let rows = query.fetch_all(pool).await;
    rows.and_then(|rows| rows.iter().map(one).collect())
        .map_err(|error| sql::error(&error, dir))
}
