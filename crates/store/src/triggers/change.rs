//! Changes in the tables of triggers, each carried out by the one task that writes.

use std::sync::{Arc, Mutex, PoisonError};

use baton_core::Millis;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use crate::trial;

use super::rows::{
    ActivationState, FiringState, HookRequest, NewActivation, NewFiring, Recorded, SavedInput,
    WatchedFile,
};

const REVISION: &str = "SELECT coalesce(max(revision), 0) + 1 FROM activations WHERE workflow = ?1";
const REVOKE: &str = "UPDATE activations SET state = 'off', changed_by = ?2, changed_at = ?3 \
     WHERE workflow = ?1 AND state <> 'off' AND revision < ?4";
const ACTIVATE: &str = "INSERT INTO activations (workflow, trigger_id, kind, revision, state, workflow_name, digest, path, \
     work_dir, input, cursor, activated_by, activated_at, changed_by, changed_at, trouble) \
     VALUES (?1, ?2, ?3, ?4, 'active', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?11, ?12, NULL) \
     ON CONFLICT (workflow, trigger_id) DO UPDATE SET \
     cursor = CASE WHEN state <> 'off' AND kind = excluded.kind AND kind <> 'schedule' THEN cursor ELSE excluded.cursor END, \
     kind = excluded.kind, revision = excluded.revision, state = 'active', workflow_name = excluded.workflow_name, \
     digest = excluded.digest, path = excluded.path, work_dir = excluded.work_dir, input = excluded.input, \
     activated_by = excluded.activated_by, activated_at = excluded.activated_at, \
     changed_by = excluded.changed_by, changed_at = excluded.changed_at, trouble = NULL";
const STATE: &str = "UPDATE activations SET state = ?3, changed_by = ?4, changed_at = ?5, \
     cursor = coalesce(?6, cursor), trouble = CASE WHEN ?3 = 'active' THEN NULL ELSE trouble END \
     WHERE workflow = ?1 AND (?2 IS NULL OR trigger_id = ?2) AND state <> 'off' AND state <> ?3";
const STANDS: &str =
    "SELECT state, revision FROM activations WHERE workflow = ?1 AND trigger_id = ?2";
const MOVE: &str =
    "UPDATE activations SET cursor = ?4 WHERE workflow = ?1 AND trigger_id = ?2 AND revision = ?3";
const TROUBLE: &str = "UPDATE activations SET trouble = ?4 WHERE workflow = ?1 AND trigger_id = ?2 AND revision = ?3 \
     AND trouble IS NOT ?4";
const IS_RECORDED: &str =
    "SELECT 1 FROM firings WHERE workflow = ?1 AND trigger_id = ?2 AND key = ?3";
const FIRE: &str = "INSERT INTO firings (workflow, trigger_id, key, revision, state, reason, run, due, until, count, \
     recorded_at, settled_at, depth, by, input, payload) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
const SETTLE: &str = "UPDATE firings SET state = ?2, reason = ?3, settled_at = ?4 \
     WHERE id = ?1 AND state IN ('pending', 'queued')";
const FILE_PUT: &str = "INSERT OR REPLACE INTO watched_files (workflow, trigger_id, path, size, modified, file_id, hash, \
     state, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const FILE_FORGET: &str =
    "DELETE FROM watched_files WHERE workflow = ?1 AND trigger_id = ?2 AND path = ?3";
const REQUEST: &str =
    "INSERT INTO webhook_requests (hook, nonce, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
const REQUESTS_FORGET: &str = "DELETE FROM webhook_requests WHERE at < ?1";
const INPUT_PUT: &str = "INSERT OR REPLACE INTO saved_inputs (workflow, name, value, by, at) VALUES (?1, ?2, ?3, ?4, ?5)";
const INPUT_DELETE: &str = "DELETE FROM saved_inputs WHERE workflow = ?1 AND name = ?2";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[
    REVISION,
    REVOKE,
    ACTIVATE,
    STATE,
    STANDS,
    MOVE,
    TROUBLE,
    IS_RECORDED,
    FIRE,
    SETTLE,
    FILE_PUT,
    FILE_FORGET,
    REQUEST,
    REQUESTS_FORGET,
    INPUT_PUT,
    INPUT_DELETE,
];

/// A change in one of these tables.
#[derive(Debug)]
pub(crate) enum Change {
    Activate(NewActivation),
    State {
        workflow: String,
        trigger: Option<String>,
        state: ActivationState,
        by: String,
        at: Millis,
        cursor: Option<i64>,
    },
    Record {
        firings: Vec<NewFiring>,
        /// Workflow, trigger, revision, and how far its source has looked by now.
        cursor: Option<(String, String, u32, i64)>,
    },
    Settle {
        firing: i64,
        state: FiringState,
        reason: Option<String>,
        at: Millis,
    },
    Trouble {
        workflow: String,
        trigger: String,
        revision: u32,
        trouble: Option<String>,
    },
    Files(Vec<WatchedFile>),
    FilesForget {
        workflow: String,
        trigger: String,
        paths: Vec<String>,
    },
    Request(HookRequest),
    RequestsForget {
        before: Millis,
    },
    InputPut(SavedInput),
    InputDelete {
        workflow: String,
        name: String,
    },
}

/// What the change came to: said by whoever writes it, read once it is durable.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Rows that were changed, or the new revision.
    pub(crate) number: u64,
    pub(crate) recorded: Vec<Recorded>,
}

/// A change and the place for its answer. A group of writes may be tried again; the last try counts.
#[derive(Debug)]
pub(crate) struct TriggerWork {
    pub(crate) change: Change,
    pub(crate) said: Arc<Mutex<Said>>,
}

impl TriggerWork {
    /// Carries the change out.
    pub(crate) async fn write(&self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let said = self.change.write(conn).await?;
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
        Ok(())
    }
}

fn json(value: Option<&Value>) -> Option<String> {
    value.map(Value::to_string)
}

fn number(said: u64) -> Said {
    Said {
        number: said,
        recorded: Vec::new(),
    }
}

impl Change {
    async fn write(&self, conn: &mut SqliteConnection) -> Result<Said, sqlx::Error> {
        match self {
            Self::Activate(new) => activate(conn, new).await,
            Self::State {
                workflow,
                trigger,
                state,
                by,
                at,
                cursor,
            } => {
                let query = sqlx::query(STATE)
                    .bind(workflow)
                    .bind(trigger)
                    .bind(state.word())
                    .bind(by)
                    .bind(*at)
                    .bind(*cursor);
                query
                    .execute(conn)
                    .await
                    .map(|done| number(done.rows_affected()))
            }
            Self::Record { firings, cursor } => {
                let mut recorded = Vec::with_capacity(firings.len());
                for firing in firings {
                    recorded.push(record(conn, firing).await?);
                }
                if let Some((workflow, trigger, revision, cursor)) = cursor {
                    sqlx::query(MOVE)
                        .bind(workflow)
                        .bind(trigger)
                        .bind(*revision)
                        .bind(*cursor)
                        .execute(conn)
                        .await?;
                }
                Ok(Said {
                    number: recorded.len() as u64,
                    recorded,
                })
            }
            Self::Settle {
                firing,
                state,
                reason,
                at,
            } => {
                let settled_at = (*state != FiringState::Queued).then_some(*at);
                let query = sqlx::query(SETTLE)
                    .bind(*firing)
                    .bind(state.word())
                    .bind(reason)
                    .bind(settled_at);
                query
                    .execute(conn)
                    .await
                    .map(|done| number(done.rows_affected()))
            }
            Self::Trouble {
                workflow,
                trigger,
                revision,
                trouble,
            } => {
                let query = sqlx::query(TROUBLE)
                    .bind(workflow)
                    .bind(trigger)
                    .bind(*revision)
                    .bind(trouble);
                query
                    .execute(conn)
                    .await
                    .map(|done| number(done.rows_affected()))
            }
            Self::Files(files) => {
                for file in files {
                    put_file(conn, file).await?;
                }
                Ok(number(files.len() as u64))
            }
            Self::FilesForget {
                workflow,
                trigger,
                paths,
            } => {
                let mut forgotten = 0;
                for path in paths {
                    let query = sqlx::query(FILE_FORGET)
                        .bind(workflow)
                        .bind(trigger)
                        .bind(path);
                    forgotten += query.execute(&mut *conn).await?.rows_affected();
                }
                Ok(number(forgotten))
            }
            Self::Request(request) => take_request(conn, request)
                .await
                .map(|is_new| number(is_new.into())),
            Self::RequestsForget { before } => {
                let query = sqlx::query(REQUESTS_FORGET).bind(*before);
                query
                    .execute(conn)
                    .await
                    .map(|done| number(done.rows_affected()))
            }
            Self::InputPut(input) => {
                let query = sqlx::query(INPUT_PUT)
                    .bind(&input.workflow)
                    .bind(&input.name)
                    .bind(input.value.to_string())
                    .bind(&input.by)
                    .bind(input.at);
                query
                    .execute(conn)
                    .await
                    .map(|done| number(done.rows_affected()))
            }
            Self::InputDelete { workflow, name } => {
                let query = sqlx::query(INPUT_DELETE).bind(workflow).bind(name);
                query
                    .execute(conn)
                    .await
                    .map(|done| number(done.rows_affected()))
            }
        }
    }
}

async fn activate(conn: &mut SqliteConnection, new: &NewActivation) -> Result<Said, sqlx::Error> {
    let row = sqlx::query(REVISION)
        .bind(&new.workflow)
        .fetch_one(&mut *conn)
        .await?;
    let revision: i64 = row.try_get(0)?;
    let input = json(new.input.as_ref());
    for (trigger, kind, cursor) in &new.triggers {
        sqlx::query(ACTIVATE)
            .bind(&new.workflow)
            .bind(trigger)
            .bind(kind)
            .bind(revision)
            .bind(&new.workflow_name)
            .bind(&new.digest)
            .bind(&new.path)
            .bind(&new.work_dir)
            .bind(&input)
            .bind(*cursor)
            .bind(&new.by)
            .bind(new.at)
            .execute(&mut *conn)
            .await?;
    }
    // What the workflow had before and has no more.
    sqlx::query(REVOKE)
        .bind(&new.workflow)
        .bind(&new.by)
        .bind(new.at)
        .bind(revision)
        .execute(conn)
        .await?;
    Ok(number(revision.unsigned_abs()))
}

async fn record(conn: &mut SqliteConnection, firing: &NewFiring) -> Result<Recorded, sqlx::Error> {
    let (workflow, trigger) = (&firing.workflow, &firing.trigger);
    let stands = sqlx::query(STANDS)
        .bind(workflow)
        .bind(trigger)
        .fetch_optional(&mut *conn)
        .await?;
    let known = sqlx::query(IS_RECORDED)
        .bind(workflow)
        .bind(trigger)
        .bind(&firing.key)
        .fetch_optional(&mut *conn)
        .await?;
    let mut key = firing.key.clone();
    if known.is_some() {
        if !trial::has_bug("no-unique-firing") {
            return Ok(Recorded::Duplicate);
        }
        key.push_str(&format!(" again {}", firing.at));
    }
    let read = |row: &SqliteRow| {
        Ok::<_, sqlx::Error>((row.try_get::<String, _>(0)?, row.try_get::<u32, _>(1)?))
    };
    let stands = stands.as_ref().map(read).transpose()?;
    let is_pending = firing.state == FiringState::Pending;
    match stands {
        Some((state, revision)) if state != "off" && revision == firing.revision => {
            if state == "paused" && is_pending && firing.by.is_none() {
                return Ok(Recorded::Paused);
            }
        }
        _ => return Ok(Recorded::Revoked),
    }
    if let Some(request) = &firing.request
        && !take_request(conn, request).await?
    {
        return Ok(Recorded::Duplicate);
    }
    sqlx::query(FIRE)
        .bind(workflow)
        .bind(trigger)
        .bind(key)
        .bind(firing.revision)
        .bind(firing.state.word())
        .bind(&firing.reason)
        .bind(&firing.run)
        .bind(firing.due)
        .bind(firing.until)
        .bind(i64::try_from(firing.count).unwrap_or(i64::MAX))
        .bind(firing.at)
        .bind((!is_pending).then_some(firing.at))
        .bind(firing.depth)
        .bind(&firing.by)
        .bind(json(firing.input.as_ref()))
        .bind(firing.payload.to_string())
        .execute(&mut *conn)
        .await?;
    if let Some(file) = &firing.file {
        put_file(conn, file).await?;
    }
    Ok(Recorded::Accepted)
}

async fn take_request(
    conn: &mut SqliteConnection,
    request: &HookRequest,
) -> Result<bool, sqlx::Error> {
    let HookRequest { hook, nonce, at } = request;
    let query = sqlx::query(REQUEST).bind(hook).bind(nonce).bind(*at);
    Ok(query.execute(conn).await?.rows_affected() > 0)
}

async fn put_file(conn: &mut SqliteConnection, file: &WatchedFile) -> Result<(), sqlx::Error> {
    sqlx::query(FILE_PUT)
        .bind(&file.workflow)
        .bind(&file.trigger)
        .bind(&file.path)
        .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
        .bind(file.modified)
        .bind(&file.file_id)
        .bind(&file.hash)
        .bind(&file.state)
        .bind(file.seen_at)
        .execute(conn)
        .await?;
    Ok(())
}
