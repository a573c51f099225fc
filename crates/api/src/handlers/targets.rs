//! Targets: kept, changed, looked at, and asked.

use std::path::PathBuf;

use serde_json::Value;

use crate::COMMAND_ROLES;
use crate::app::App;
use crate::caller::admit;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::runs::{AnyValue, RunStart, RunStarted};
use crate::targets::kept::{self, Kept};
use crate::targets::line::{self, Line};
use crate::targets::secrets::{Known, Secrets};
use crate::targets::{
    RunReset, TargetAbilities, TargetAdd, TargetCall, TargetChecked, TargetFinding, TargetId,
    TargetLine, TargetListed, TargetPlace, TargetProblemList, TargetProblems,
};
use crate::{files, trust};

use super::runs::{require_kept, row, work_dir_of};

/// The places where runs go besides this computer.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn target_list(app: &App, _: Nothing) -> Result<TargetListed, ApiError> {
    let secrets = Secrets::open(&app.config().data_dir).unwrap_or_else(|error| {
        tracing::warn!(%error, "the secrets of targets cannot be read");
        Secrets::default()
    });
    let kept = kept::all(app).await?.into_iter();
    Ok(TargetListed {
        targets: kept.map(|target| kept::line(target, &secrets)).collect(),
    })
}

/// Keeps a place where runs go, or changes it.
///
/// # Errors
///
/// [`Code::BadRequest`] if a part cannot be used or a secret is missing; [`Code::Conflict`] if there is a target of
/// this name; [`Code::NotFound`] if there is none to change.
pub async fn target_add(app: &App, request: TargetAdd) -> Result<TargetLine, ApiError> {
    if let Some(reason) = app.read_only() {
        return Err(reason.clone().into());
    }
    let name = kept::checked_name(&request.name)?;
    let place = kept::checked_place(app, request.place)?;
    let _keeping = app.lines().keeping.lock().await;
    let mut all = kept::all(app).await?;
    let is_other = |target: &&Kept| Some(&target.id) != request.id.as_ref();
    if let Some(other) = all
        .iter()
        .filter(is_other)
        .find(|other| other.name.to_lowercase() == name.to_lowercase())
    {
        let message = format!("there is a target `{}` already", other.name);
        return Err(ApiError::new(Code::Conflict, message)
            .hint("take another name, or change the one that is there"));
    }
    let id = match request.id {
        Some(id) if all.iter().any(|target| target.id == id) => id,
        Some(id) => return Err(kept::none(&id)),
        None => {
            kept::require_room(&all)?;
            kept::new_id(&name, &all)
        }
    };
    let target = Kept { id, name, place };
    let folder = &app.config().data_dir;
    let mut secrets = Secrets::open(folder)?;
    secrets.keep_only(|id| all.iter().any(|known| known.id == id));
    let secret = secret_of(&target, request.secret.as_deref(), &secrets)?;
    // What cannot even be opened is not kept.
    let line = Line::open(app, &target, secret.clone())?;
    line.close().await;

    let before = all.iter().position(|known| known.id == target.id);
    secrets.put(&target.id, &kept::host(&target.place), secret);
    // First the secret: a target without the one that was given would be no use.
    secrets.write(folder)?;
    match before {
        Some(place) => all[place] = target.clone(),
        None => all.push(target.clone()),
    }
    kept::put(app, all).await?;
    app.lines().close(&target.id).await;
    app.tell(BackendEvent::TargetsChanged);
    Ok(kept::line(target, &secrets))
}

/// The secret that goes to a target from now on: the one that is given, or else the one that is kept for this host.
fn secret_of(
    target: &Kept,
    given: Option<&str>,
    secrets: &Secrets,
) -> Result<Option<String>, ApiError> {
    if let Some(given) = given {
        return kept::checked_secret(&target.place, given);
    }
    match secrets.of(&target.id, &kept::host(&target.place)) {
        Known::Secret(secret) => kept::checked_secret(&target.place, &secret),
        Known::Elsewhere(host) => {
            let message = format!(
                "the secret of `{}` was given for `{host}`, and goes nowhere else",
                target.name
            );
            Err(ApiError::new(Code::BadRequest, message)
                .hint("give the token or key for the new address as well; an empty one forgets it"))
        }
        Known::None if matches!(target.place, TargetPlace::Server { .. }) => {
            kept::checked_secret(&target.place, "")
        }
        Known::None => Ok(None),
    }
}

/// Forgets a target and its secret. Runs there go on.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none.
pub async fn target_remove(app: &App, request: TargetId) -> Result<Nothing, ApiError> {
    let id = request.target;
    let _keeping = app.lines().keeping.lock().await;
    let mut all = kept::all(app).await?;
    let count = all.len();
    all.retain(|target| target.id != id);
    if all.len() == count {
        return Err(kept::none(&id));
    }
    let is_there = |id: &str| all.iter().any(|target| target.id == id);
    let mut secrets = Secrets::open(&app.config().data_dir)?;
    secrets.keep_only(is_there);
    kept::put(app, all.clone()).await?;
    secrets.write(&app.config().data_dir)?;
    app.lines().close(&id).await;
    app.tell(BackendEvent::TargetsChanged);
    Ok(Nothing {})
}

/// Looks whether runs can go to a target.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none. What is wrong there is a finding.
pub async fn target_check(app: &App, request: TargetId) -> Result<TargetChecked, ApiError> {
    kept::find(app, &request.target).await?;
    Ok(match app.lines().to(app, &request.target).await {
        Ok(line) => line.check(app).await,
        Err(error) => unopened(error),
    })
}

/// Looks whether runs can go there, before it is kept.
///
/// # Errors
///
/// As [`target_add`], for what is wrong with the request.
pub async fn target_try(app: &App, request: TargetAdd) -> Result<TargetChecked, ApiError> {
    let name = kept::checked_name(&request.name)?;
    let place = kept::checked_place(app, request.place)?;
    let id = request.id.unwrap_or_default();
    if !id.is_empty() {
        kept::find(app, &id).await?;
    }
    let target = Kept { id, name, place };
    let secrets = Secrets::open(&app.config().data_dir)?;
    let secret = secret_of(&target, request.secret.as_deref(), &secrets)?;
    Ok(match Line::open(app, &target, secret) {
        Ok(line) => {
            let checked = line.check(app).await;
            line.close().await;
            checked
        }
        Err(error) => unopened(error),
    })
}

/// A connection that cannot even be got ready, as a finding.
fn unopened(error: ApiError) -> TargetChecked {
    TargetChecked {
        ok: false,
        findings: vec![TargetFinding {
            code: "unusable".to_owned(),
            ok: false,
            message: error.message,
            hint: error.hint,
        }],
        can: TargetAbilities::default(),
    }
}

/// Asks a target what this computer would be asked.
///
/// # Errors
///
/// [`Code::Forbidden`] if the roles of whoever asks do not allow the command that is passed on;
/// [`Code::BadRequest`] if it is not passed on; [`Code::TargetUnreachable`], [`Code::TargetRefused`] and
/// [`Code::TargetDiffers`]; and those of the target.
pub async fn target_call(app: &App, request: TargetCall) -> Result<AnyValue, ApiError> {
    let TargetCall {
        target,
        command,
        mut request,
    } = request;
    let row = COMMAND_ROLES.iter().find(|(name, _)| *name == command);
    let Some((name, role)) = row else {
        let message = format!("there is no command `{command}` to pass on");
        return Err(ApiError::new(Code::BadRequest, message)
            .hint("`baton rpc list` shows the commands there are"));
    };
    admit(app, app.caller(), name, *role).await?;
    if *name == "run_start" {
        let path = require_trust(app, &request).await?;
        // Relative to the folder of whoever asks, which a target does not know.
        request["path"] = serde_json::json!(path);
    }
    let line = app.lines().to(app, &target).await?;
    let value = line.call(app, name, request).await?;
    Ok(AnyValue { value })
}

/// What may not be started here without asking is not handed over either. Gives the file that it belongs to.
async fn require_trust(app: &App, request: &Value) -> Result<Option<PathBuf>, ApiError> {
    let start: RunStart = serde_json::from_value(request.clone()).map_err(|error| {
        let message = format!("`run_start` was asked in the wrong form: {error}");
        ApiError::new(Code::BadRequest, message)
    })?;
    let path = start
        .path
        .as_deref()
        .map(|path| files::resolve(app, path))
        .transpose()?;
    require_kept(app, &start.document).await?;
    trust::require(app, &start.document, path.as_deref()).await?;
    Ok(path)
}

/// What a workflow does otherwise on a target.
///
/// # Errors
///
/// [`Code::NotFound`] if there is no such target.
pub async fn target_problems(
    app: &App,
    request: TargetProblems,
) -> Result<TargetProblemList, ApiError> {
    let TargetProblems {
        target,
        document,
        path,
    } = request;
    let target = kept::find(app, &target).await?;
    let path = path
        .as_deref()
        .map(|path| files::resolve(app, path))
        .transpose()?;
    let folder = work_dir_of(app, path.as_ref());
    // Looking for files takes its time.
    files::blocking(move || {
        Ok(TargetProblemList {
            problems: line::problems(&target.place, &document, &folder),
        })
    })
    .await
}

/// Goes back to a step of a run. A run of this computer cannot.
///
/// # Errors
///
/// [`Code::NotFound`] if there is no such run, else [`Code::BadRequest`].
pub async fn run_reset(app: &App, request: RunReset) -> Result<RunStarted, ApiError> {
    let row = row(app, &request.run).await?;
    let message = format!(
        "run {} of this computer cannot go back to a step",
        row.number
    );
    Err(ApiError::new(Code::BadRequest, message).hint(
        "start the workflow again with the input that the history shows; a run on a Temporal cluster can go back",
    ))
}
