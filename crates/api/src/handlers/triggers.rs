//! Triggers: activating them, looking at them, firing them by hand, and the inputs that people keep for that.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use baton_core::document::{self, Workflow};
use baton_core::problem::Severity;
use baton_core::schedule::{Due, Schedule};
use baton_engine::EngineError;
use baton_engine::triggers::{Activate, TriggerState, Triggers};
use baton_store::{ActivationState, Firing, FiringFilter, FiringState, SavedInput};

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::triggers::{
    DueInstant, FiringLine, FiringStatus, FiringsListed, InputKept, InputList, InputListed,
    InputName, InputSave, SchedulePreview, ScheduleProblem, ScheduleShown, TriggerActivate,
    TriggerActivated, TriggerFire, TriggerFirings, TriggerLine, TriggerListed, TriggerName,
    TriggerStatus,
};
use crate::{files, trust};

/// The longest name of a saved input.
const MOST_NAME: usize = 100;

/// How long whoever fires by hand waits for what the firing comes to.
const PATIENCE: Duration = Duration::from_secs(5);

fn triggers(app: &App) -> Result<Triggers, ApiError> {
    Ok(app.engine()?.triggers())
}

/// What the engine refuses, by what a caller can do about it.
fn refusal(error: EngineError) -> ApiError {
    let EngineError::Refused { code, message } = error else {
        return error.into();
    };
    match code.as_str() {
        "not-active" => ApiError::new(Code::NotFound, message)
            .hint("`baton triggers list` and the list of triggers show what is active"),
        "no-trigger" => ApiError::new(Code::Invalid, message)
            .hint("add a trigger in the inspector of the workflow"),
        "other-file" => ApiError::new(Code::Conflict, message)
            .hint("deactivate them first, or give this workflow an id of its own"),
        "trigger-circle" => {
            ApiError::new(Code::Invalid, message).hint("let one of them wait for something else")
        }
        _ => ApiError::new(Code::Invalid, message)
            .hint("repair what the Problems panel lists, then activate it again"),
    }
}

/// Every trigger that is active or paused.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn trigger_list(app: &App, _: Nothing) -> Result<TriggerListed, ApiError> {
    let (states, is_acting) = match app.running_engine() {
        Some(engine) => {
            let triggers = engine.triggers();
            (triggers.list().await, triggers.is_acting())
        }
        None => (Triggers::look(app.store(), app.now()).await, false),
    };
    Ok(TriggerListed {
        triggers: lines(states.map_err(refusal)?).await,
        is_acting,
    })
}

async fn lines(states: Vec<TriggerState>) -> Vec<TriggerLine> {
    let mut lines = Vec::with_capacity(states.len());
    for state in states {
        lines.push(line(state).await);
    }
    lines
}

async fn line(state: TriggerState) -> TriggerLine {
    let TriggerState {
        activation,
        registered,
        next,
        last,
        waiting,
        trouble,
    } = state;
    let is_outdated = match &activation.path {
        Some(path) => is_outdated(PathBuf::from(path), activation.digest.clone()).await,
        None => false,
    };
    let overlap = registered
        .as_ref()
        .map(|registered| registered.spec.overlap.word());
    TriggerLine {
        summary: registered
            .map(|registered| registered.summary.clone())
            .unwrap_or_default(),
        status: match activation.state {
            ActivationState::Paused => TriggerStatus::Paused,
            ActivationState::Active | ActivationState::Off => TriggerStatus::Active,
        },
        overlap: overlap.unwrap_or_default().to_owned(),
        workflow: activation.workflow,
        workflow_name: activation.workflow_name,
        trigger: activation.trigger,
        kind: activation.kind,
        revision: activation.revision,
        digest: activation.digest,
        path: activation.path,
        is_outdated,
        next: next.map(due),
        last: last.map(firing_line),
        waiting,
        trouble,
        activated_by: activation.activated_by,
        activated_at: activation.activated_at,
        changed_by: activation.changed_by,
        changed_at: activation.changed_at,
    }
}

/// Whether the file holds another definition than the one that acts. A file that cannot be read says nothing.
async fn is_outdated(path: PathBuf, digest: String) -> bool {
    let looked = files::blocking(move || {
        let content = files::read(&path, document::MAX_BYTES as u64)?;
        let parsed = document::parse_bytes(&content)?;
        Ok(document::digest(&parsed.workflow) != digest)
    });
    looked.await.unwrap_or(false)
}

fn due(due: Due) -> DueInstant {
    let Due { at, local, offset } = due;
    DueInstant { at, local, offset }
}

fn firing_line(firing: Firing) -> FiringLine {
    let status = match firing.state {
        FiringState::Pending => FiringStatus::Pending,
        FiringState::Queued => FiringStatus::Queued,
        FiringState::Started => FiringStatus::Started,
        FiringState::Skipped => FiringStatus::Skipped,
        FiringState::Missed => FiringStatus::Missed,
        FiringState::Failed => FiringStatus::Failed,
    };
    let has_run = matches!(
        status,
        FiringStatus::Pending | FiringStatus::Queued | FiringStatus::Started
    );
    FiringLine {
        id: firing.id,
        workflow: firing.workflow,
        trigger: firing.trigger,
        key: firing.key,
        revision: firing.revision,
        status,
        reason: firing.reason,
        run: has_run.then_some(firing.run),
        due: firing.due,
        until: firing.until,
        count: firing.count,
        recorded_at: firing.recorded_at,
        settled_at: firing.settled_at,
        by: firing.by,
        payload: firing.payload,
    }
}

/// Activates the triggers of a workflow, exactly as it is now.
///
/// # Errors
///
/// [`Code::Invalid`] if the workflow could not run or a trigger could not fire, [`Code::Untrusted`] if it has to be asked
/// about first, [`Code::Conflict`] if the triggers of another file with the same id are active.
pub async fn trigger_activate(
    app: &App,
    request: TriggerActivate,
) -> Result<TriggerActivated, ApiError> {
    let triggers = triggers(app)?;
    let TriggerActivate {
        path,
        document,
        triggers: only,
        input,
        work_dir,
    } = request;
    let path = path.map(|path| files::resolve(app, &path)).transpose()?;
    let workflow = match (document, &path) {
        (Some(document), _) => document,
        (None, Some(path)) => read(path).await?,
        (None, None) => {
            return Err(ApiError::new(
                Code::BadRequest,
                "a file or a document is needed",
            ));
        }
    };
    trust::require(app, &workflow, path.as_deref()).await?;
    let problems: Vec<_> = baton_core::validate::validate(&workflow, app.catalog(), Vec::new())
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    if !problems.is_empty() {
        return Err(EngineError::Invalid(problems).into());
    }
    let work_dir = match work_dir {
        Some(folder) => files::resolve(app, &folder)?,
        None => super::runs::work_dir_of(app, path.as_ref()),
    };
    let id = workflow.id.clone();
    let revision = triggers
        .activate(Activate {
            workflow: Arc::new(workflow),
            path,
            work_dir,
            input,
            only,
            by: app.person(),
        })
        .await
        .map_err(refusal)?;
    let states = triggers.list().await.map_err(refusal)?;
    let own = states
        .into_iter()
        .filter(|state| state.activation.workflow == id);
    Ok(TriggerActivated {
        triggers: lines(own.collect()).await,
        workflow: id,
        revision,
    })
}

async fn read(path: &Path) -> Result<Workflow, ApiError> {
    let path = path.to_path_buf();
    files::blocking(move || {
        let content = files::read(&path, document::MAX_BYTES as u64)?;
        Ok(document::parse_bytes(&content)?.workflow)
    })
    .await
}

/// Takes back a trigger, or all of a workflow.
///
/// # Errors
///
/// [`Code::NotFound`] if it is not active.
pub async fn trigger_deactivate(app: &App, request: TriggerName) -> Result<Nothing, ApiError> {
    let TriggerName { workflow, trigger } = request;
    triggers(app)?
        .deactivate(&workflow, trigger.as_deref(), &app.person())
        .await
        .map_err(refusal)?;
    Ok(Nothing {})
}

/// Lets a trigger, or all of a workflow, wait.
///
/// # Errors
///
/// [`Code::NotFound`] if it is not active.
pub async fn trigger_pause(app: &App, request: TriggerName) -> Result<Nothing, ApiError> {
    let TriggerName { workflow, trigger } = request;
    triggers(app)?
        .pause(&workflow, trigger.as_deref(), &app.person())
        .await
        .map_err(refusal)?;
    Ok(Nothing {})
}

/// Lets a paused trigger, or all of a workflow, act again.
///
/// # Errors
///
/// [`Code::NotFound`] if it is not active.
pub async fn trigger_resume(app: &App, request: TriggerName) -> Result<Nothing, ApiError> {
    let TriggerName { workflow, trigger } = request;
    triggers(app)?
        .resume(&workflow, trigger.as_deref(), &app.person())
        .await
        .map_err(refusal)?;
    Ok(Nothing {})
}

/// Fires a trigger by hand, with a saved input or another one, and says what that came to.
///
/// # Errors
///
/// [`Code::NotFound`] if it is not active, or there is no such input.
pub async fn trigger_fire(app: &App, request: TriggerFire) -> Result<FiringLine, ApiError> {
    let TriggerFire {
        workflow,
        trigger,
        saved,
        input,
        key,
    } = request;
    let triggers = triggers(app)?;
    let kept = match saved {
        Some(name) => Some(saved_input(app, &workflow, &name).await?.value),
        None => None,
    };
    let input = match (kept, input) {
        (Some(serde_json::Value::Object(mut kept)), Some(serde_json::Value::Object(given))) => {
            kept.extend(given);
            Some(kept.into())
        }
        (kept, given) => given.or(kept),
    };
    let fired = triggers
        .fire(&workflow, &trigger, key.as_deref(), input, &app.person())
        .await
        .map_err(refusal)?;
    Ok(firing_line(
        triggers.outcome(fired, PATIENCE).await.map_err(refusal)?,
    ))
}

async fn saved_input(app: &App, workflow: &str, name: &str) -> Result<SavedInput, ApiError> {
    let found = app.store().inputs(workflow, Some(name)).await?;
    found.into_iter().next().ok_or_else(|| {
        let message = format!("there is no saved input `{name}` for `{workflow}`");
        ApiError::new(Code::NotFound, message).hint("save one first, or give the input itself")
    })
}

/// What triggers recorded, newest first, with reasons.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn trigger_firings(
    app: &App,
    request: TriggerFirings,
) -> Result<FiringsListed, ApiError> {
    let filter = FiringFilter {
        workflow: request.workflow,
        trigger: request.trigger,
        state: request.status.map(|status| match status {
            FiringStatus::Pending => FiringState::Pending,
            FiringStatus::Queued => FiringState::Queued,
            FiringStatus::Started => FiringState::Started,
            FiringStatus::Skipped => FiringState::Skipped,
            FiringStatus::Missed => FiringState::Missed,
            FiringStatus::Failed => FiringState::Failed,
        }),
        limit: request.limit.unwrap_or(50).min(500),
        offset: request.offset.unwrap_or(0),
    };
    let (rows, total) = app.store().firings(&filter).await?;
    Ok(FiringsListed {
        firings: rows.into_iter().map(firing_line).collect(),
        total,
    })
}

/// When a schedule fires next, or what is wrong with it.
///
/// # Errors
///
/// None.
pub async fn schedule_preview(
    app: &App,
    request: SchedulePreview,
) -> Result<ScheduleShown, ApiError> {
    let SchedulePreview {
        settings,
        after,
        count,
    } = request;
    let after = after.unwrap_or_else(|| app.now());
    let count = count.unwrap_or(10).min(100) as usize;
    Ok(match Schedule::read(&settings) {
        Ok(schedule) => ScheduleShown {
            summary: baton_core::trigger::summary(&document::Trigger {
                id: String::new(),
                kind: "schedule".to_owned(),
                with: settings,
            }),
            next: schedule.next(after, count).into_iter().map(due).collect(),
            problems: Vec::new(),
        },
        Err(errors) => ScheduleShown {
            summary: String::new(),
            next: Vec::new(),
            problems: errors
                .into_iter()
                .map(|error| ScheduleProblem {
                    code: error.code.to_owned(),
                    field: error.field.to_owned(),
                    message: error.message,
                    hint: error.hint,
                })
                .collect(),
        },
    })
}

/// Keeps an input to start a workflow with.
///
/// # Errors
///
/// [`Code::BadRequest`] if the name is empty or too long.
pub async fn input_save(app: &App, request: InputSave) -> Result<Nothing, ApiError> {
    let InputSave {
        workflow,
        name,
        value,
    } = request;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MOST_NAME {
        let message = format!("a name of 1 to {MOST_NAME} characters is needed");
        return Err(ApiError::new(Code::BadRequest, message));
    }
    app.store()
        .input_put(SavedInput {
            workflow,
            name: name.to_owned(),
            value,
            by: app.person(),
            at: app.now(),
        })
        .await?;
    app.publish(crate::BackendEvent::TriggersChanged);
    Ok(Nothing {})
}

/// The saved inputs of a workflow.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn input_list(app: &App, request: InputList) -> Result<InputListed, ApiError> {
    let kept = app.store().inputs(&request.workflow, None).await?;
    let inputs = kept.into_iter().map(|input| InputKept {
        name: input.name,
        value: input.value,
        by: input.by,
        at: input.at,
    });
    Ok(InputListed {
        inputs: inputs.collect(),
    })
}

/// Forgets a saved input.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none of this name.
pub async fn input_delete(app: &App, request: InputName) -> Result<Nothing, ApiError> {
    let InputName { workflow, name } = request;
    if !app.store().input_delete(&workflow, &name).await? {
        let message = format!("there is no saved input `{name}` for `{workflow}`");
        return Err(ApiError::new(Code::NotFound, message));
    }
    app.publish(crate::BackendEvent::TriggersChanged);
    Ok(Nothing {})
}
