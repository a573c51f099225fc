//! What is asked of a cluster, command by command, in the words of this computer.

use std::sync::Arc;

use baton_core::elsewhere::INPUT_LIMIT;
use baton_sidecar::{Ask, Command, Page, Sent, Started};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Cluster;
use crate::app::App;
use crate::error::{ApiError, Code};
use crate::events::BackendEvent;
use crate::limits::RunRaise;
use crate::runs::{
    AnyValue, ApprovalDecide, BlobGet, EventLine, ExpressionTry, RunCancel, RunEventList,
    RunEvents, RunGet, RunId, RunSettle, RunStart, RunStarted, RunStep, RunView, SignalSend,
    SignalSent, TablePage, TableRows,
};
use crate::targets::RunReset;
use crate::{catalog::Nothing, files, handlers, sentences, views};

/// What is said where nobody said why.
const RESET_REASON: &str = "run again from here";

/// Answers `command` as this computer would.
pub(super) async fn call(
    cluster: &Arc<Cluster>,
    app: &App,
    command: &str,
    request: Value,
) -> Result<Value, ApiError> {
    let by = app.person();
    match command {
        "run_start" => write(run_start(cluster, app, read(command, request)?).await?),
        "run_list" => write(cluster.run_list(app, read(command, request)?).await?),
        "inbox_list" => write(cluster.inbox_list(app).await?),
        "run_get" => write(run_get(cluster, app, read(command, request)?).await?),
        "run_events" => write(run_events(cluster, app, read(command, request)?).await?),
        "run_cancel" => {
            let RunCancel { run, reason, undo } = read(command, request)?;
            tell(cluster, app, run, Command::Cancel { by, reason, undo }).await
        }
        "run_pause" => {
            let RunId { run } = read(command, request)?;
            tell(cluster, app, run, Command::Pause { by }).await
        }
        "run_resume" => {
            let RunId { run } = read(command, request)?;
            tell(cluster, app, run, Command::Resume { by }).await
        }
        "run_retry_now" => {
            let RunStep { run, step } = read(command, request)?;
            tell(cluster, app, run, Command::RetryNow { step, by }).await
        }
        "run_settle" => {
            let RunSettle { run, step, answer } = read(command, request)?;
            tell(cluster, app, run, Command::Settle { step, by, answer }).await
        }
        "run_raise" => {
            let RunRaise { run, budget, limit } = read(command, request)?;
            tell(cluster, app, run, Command::Raise { budget, limit, by }).await
        }
        "run_reset" => {
            let RunReset { run, step, reason } = read(command, request)?;
            let reason = reason.filter(|words| !words.trim().is_empty());
            let ask = Ask::Reset {
                run,
                step,
                reason: reason.unwrap_or_else(|| RESET_REASON.to_owned()),
            };
            let Started { run, .. } = cluster.ask(app, ask).await?;
            write(RunStarted { run })
        }
        "signal_send" => write(signal_send(cluster, app, read(command, request)?).await?),
        "approval_decide" => approval_decide(cluster, app, read(command, request)?).await,
        "blob_get" => {
            let BlobGet { artifact } = read(command, request)?;
            let value = cluster.ask(app, Ask::Blob { artifact }).await?;
            write(AnyValue { value })
        }
        "table_page" => write(table_page(cluster, app, read(command, request)?).await?),
        "expression_try" => {
            let request: ExpressionTry = read(command, request)?;
            let run = match &request.run {
                Some(run) => {
                    let look = |shown: &super::shown::Shown| shown.at(shown.run().seq());
                    Some(cluster.shown(app, run, look).await?)
                }
                None => None,
            };
            write(handlers::try_expression(app, request, run.as_deref()).await?)
        }
        other => Err(ApiError::new(
            Code::BadRequest,
            format!("a Temporal cluster does not know `{other}`"),
        )
        .hint("ask this computer, or a Baton server")),
    }
}

fn read<T: DeserializeOwned>(command: &str, request: Value) -> Result<T, ApiError> {
    let request = if request.is_null() {
        Value::Object(serde_json::Map::new())
    } else {
        request
    };
    serde_json::from_value(request).map_err(|error| {
        let message = format!("`{command}` was asked in the wrong form: {error}");
        ApiError::new(Code::BadRequest, message)
    })
}

fn write<T: Serialize>(answer: T) -> Result<Value, ApiError> {
    serde_json::to_value(answer).map_err(|error| ApiError::new(Code::Internal, error.to_string()))
}

/// Tells a run something. Where no worker listens, the cluster keeps it; the run says that nobody listens.
async fn tell(
    cluster: &Arc<Cluster>,
    app: &App,
    run: String,
    command: Command,
) -> Result<Value, ApiError> {
    let _: Sent = cluster.ask(app, Ask::Tell { run, command }).await?;
    write(Nothing {})
}

async fn run_start(
    cluster: &Arc<Cluster>,
    app: &App,
    request: RunStart,
) -> Result<RunStarted, ApiError> {
    let RunStart {
        document,
        path,
        input,
        work_dir,
    } = request;
    handlers::require_valid(app, &document)?;
    let bytes = input.to_string().len();
    if bytes > INPUT_LIMIT {
        let message = format!("the input has {bytes} bytes, and a cluster carries {INPUT_LIMIT}");
        return Err(ApiError::new(Code::BadRequest, message)
            .hint("put the data into a file that the workers can read, and give its path"));
    }
    let path = path
        .as_deref()
        .map(|path| files::resolve(app, path))
        .transpose()?;
    let folder = match work_dir {
        Some(folder) => files::resolve(app, &folder)?,
        None => handlers::work_dir_of(app, path.as_ref()),
    };
    // The name is made here: asking twice starts one run.
    let run = format!("{}-{}", document.id, uuid::Uuid::now_v7().simple());
    let ask = Ask::Start {
        document,
        folder: Some(folder.display().to_string()),
        input,
        by: Some(app.caller().user().unwrap_or("manual").to_owned()),
        run: Some(run),
    };
    let Started { run, .. } = cluster.ask(app, ask).await?;
    // Whoever started it wants to see it, and hears soon if nobody works on it.
    let (cluster, app, id) = (cluster.clone(), app.clone(), run.clone());
    tokio::spawn(async move {
        let row = |shown: &super::shown::Shown| Ok(shown.row(&cluster.queue));
        match cluster.clone().shown(&app, &id, row).await {
            Ok(row) => cluster.publish(
                &app,
                BackendEvent::RunAdvanced {
                    truncated: row.seq > 0,
                    summary: Box::new(views::summary(row)),
                    events: Vec::new(),
                },
            ),
            Err(error) => tracing::debug!(%error, run = id, "a run that was started is not shown"),
        }
    });
    Ok(RunStarted { run })
}

async fn run_get(cluster: &Arc<Cluster>, app: &App, request: RunGet) -> Result<RunView, ApiError> {
    let wanted = request.bodies.unwrap_or_default();
    cluster
        .shown(app, &request.run, |shown| {
            let row = shown.row(&cluster.queue);
            match request.seq {
                Some(seq) if seq < row.seq => {
                    let run = shown.at(seq)?;
                    Ok(views::view(&row, &run, run.at(), &wanted))
                }
                _ => {
                    let run = shown.run();
                    // One that has not begun has no event yet.
                    let at = if row.seq == 0 {
                        row.started_at
                    } else {
                        run.at()
                    };
                    let mut view = views::view(&row, run, at, &wanted);
                    // The cluster may have closed what its machine did not end.
                    view.status = view.summary.status;
                    Ok(view)
                }
            }
        })
        .await
}

async fn run_events(
    cluster: &Arc<Cluster>,
    app: &App,
    request: RunEvents,
) -> Result<RunEventList, ApiError> {
    let after = request.after.unwrap_or(0);
    let limit = request.limit.unwrap_or(1_000).min(10_000) as usize;
    cluster
        .shown(app, &request.run, |shown| {
            let log = shown.log();
            let begin = log.partition_point(|logged| logged.seq <= after);
            let workflow = shown.plan().workflow();
            let events = log[begin..].iter().take(limit).map(|logged| EventLine {
                text: sentences::sentence(workflow, logged),
                logged: logged.clone(),
            });
            Ok(RunEventList {
                events: events.collect(),
                last: shown.run().seq(),
            })
        })
        .await
}

async fn signal_send(
    cluster: &Arc<Cluster>,
    app: &App,
    request: SignalSend,
) -> Result<SignalSent, ApiError> {
    let SignalSend {
        event,
        key,
        payload,
        run,
    } = request;
    let runs = match run {
        Some(run) => vec![run],
        None => cluster.listening_to(app, &event, &key).await?,
    };
    let mut reached = 0;
    let mut failed = None;
    let only = runs.len() == 1;
    for run in runs {
        let command = Command::Signal {
            id: uuid::Uuid::now_v7().to_string(),
            event: event.clone(),
            key: key.clone(),
            payload: payload.clone(),
        };
        match cluster.ask::<Sent>(app, Ask::Tell { run, command }).await {
            Ok(_) => reached += 1,
            // One that ended meanwhile waits for nothing.
            Err(error) if error.code == Code::AlreadyEnded && !only => {}
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if reached == 0 => Err(error),
        Some(mut error) => {
            error.message = format!("{reached} runs have it, one has not: {}", error.message);
            Err(error)
        }
        None => Ok(SignalSent { runs: reached }),
    }
}

async fn approval_decide(
    cluster: &Arc<Cluster>,
    app: &App,
    request: ApprovalDecide,
) -> Result<Value, ApiError> {
    let ApprovalDecide {
        run,
        step,
        decision,
        comment,
        data,
        evidence_digest,
        by,
    } = request;
    let asked = |shown: &super::shown::Shown| {
        let mut asked = shown.asked().into_iter();
        let asked = asked.find(|one| one.row.step == step && !one.row.is_outcome);
        asked.ok_or_else(|| handlers::question_closed(&run, &step))
    };
    let question = cluster.shown(app, &run, asked).await?;
    handlers::require_evidence(&question.row, &evidence_digest)?;
    let by = handlers::decider(app, by)?;
    let command = Command::Decide {
        step,
        by,
        decision,
        comment,
        data,
    };
    tell(cluster, app, run, command).await
}

async fn table_page(
    cluster: &Arc<Cluster>,
    app: &App,
    request: TablePage,
) -> Result<TableRows, ApiError> {
    let TablePage {
        artifact,
        offset,
        limit,
        sort,
        descending,
        search,
    } = request;
    let ask = Ask::Table {
        artifact,
        // A place in a table is below 2^53: the rest cannot be asked for.
        offset: if offset.is_finite() {
            offset.max(0.0) as u64
        } else {
            0
        },
        limit,
        sort,
        descending,
        search,
    };
    let page: Page = cluster.ask(app, ask).await?;
    Ok(TableRows {
        rows: page.rows,
        total: page.total as f64,
        columns: page.columns,
    })
}
