//! Questions to people, and events from outside.

use baton_core::machine::Question;
use baton_engine::Signal;
use baton_store::QuestionRow;
use serde_json::{Map, Value};

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::runs::{
    ApprovalDecide, InboxAnswer, InboxItem, InboxList, RunSettle, RunSummary, SignalSend,
    SignalSent,
};
use crate::{evidence, views};

/// All open questions, oldest first.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn inbox_list(app: &App, _: Nothing) -> Result<InboxList, ApiError> {
    let mut items = Vec::new();
    for row in app.store().open_questions().await? {
        let Some(run) = app.store().run(&row.run).await? else {
            continue;
        };
        let evidence = match row.is_outcome {
            true => evidence::of(app, &run, &row.step).await?,
            false => Map::new(),
        };
        items.push(item(views::summary(run), row, evidence)?);
    }
    Ok(InboxList { items })
}

/// A question as front ends see it; `evidence` is what is known about a step with unknown outcome.
pub(crate) fn item(
    run: RunSummary,
    row: QuestionRow,
    evidence: Map<String, Value>,
) -> Result<InboxItem, ApiError> {
    let answers: Vec<InboxAnswer> = read(&row.run, &row.step, row.answers)?;
    let mut question: Question = read(&row.run, &row.step, row.question)?;
    if row.is_outcome {
        question.evidence = evidence;
    }
    Ok(InboxItem {
        run,
        question,
        step: row.step,
        asked_at: row.asked_at,
        answers,
        is_outcome: row.is_outcome,
    })
}

fn read<T: serde::de::DeserializeOwned>(
    run: &str,
    step: &str,
    value: Value,
) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|error| {
        let message = format!("the question of `{step}` in run `{run}` cannot be read: {error}");
        ApiError::new(Code::Store, message).hint("check the data folder with `baton verify`")
    })
}

/// Answers a question.
///
/// # Errors
///
/// [`Code::AlreadyEnded`] if it is no longer open, [`Code::Conflict`] if the evidence is another one by now.
pub async fn approval_decide(app: &App, request: ApprovalDecide) -> Result<Nothing, ApiError> {
    let ApprovalDecide {
        run,
        step,
        decision,
        comment,
        data,
        evidence_digest,
        by,
    } = request;
    let question = open_question(app, &run, &step).await?;
    require_shown(&question, &evidence_digest)?;
    let by = decider(app, by)?;
    app.engine()?
        .decide(&run, &step, &by, decision, comment, data)
        .await?;
    Ok(Nothing {})
}

/// Refuses an answer to a question whose evidence is another one by now.
pub(crate) fn require_shown(row: &QuestionRow, evidence_digest: &str) -> Result<(), ApiError> {
    let question: Question = read(&row.run, &row.step, row.question.clone())?;
    if question.evidence_digest == evidence_digest {
        return Ok(());
    }
    let message = format!("the evidence of `{}` is not what was shown", row.step);
    Err(ApiError::new(Code::Conflict, message).hint("look at the question again, then decide"))
}

/// In whose name a question is answered. A user of a server answers in their own.
pub(crate) fn decider(app: &App, named: Option<String>) -> Result<String, ApiError> {
    let person = app.person();
    match named {
        Some(other) if app.caller().user().is_some() && other != person => {
            let message = format!("`{person}` cannot answer in the name of `{other}`");
            Err(ApiError::new(Code::Forbidden, message)
                .hint("leave `by` out: the answer is recorded with your name"))
        }
        named => Ok(named.unwrap_or(person)),
    }
}

async fn open_question(app: &App, run: &str, step: &str) -> Result<QuestionRow, ApiError> {
    let questions = app.store().open_questions().await?;
    let found = questions
        .into_iter()
        .find(|row| row.run == run && row.step == step);
    found.ok_or_else(|| not_asked(run, step))
}

pub(crate) fn not_asked(run: &str, step: &str) -> ApiError {
    let message = format!("`{step}` of run `{run}` does not ask any more");
    ApiError::new(Code::AlreadyEnded, message)
        .hint("it was answered, or its time was up: look at the run")
}

/// Says what became of a step with unknown outcome.
///
/// # Errors
///
/// If the run or the question is no longer open.
pub async fn run_settle(app: &App, request: RunSettle) -> Result<Nothing, ApiError> {
    let RunSettle { run, step, answer } = request;
    app.engine()?
        .settle(&run, &step, &app.person(), answer)
        .await?;
    Ok(Nothing {})
}

/// Sends an event to whoever waits for it.
///
/// # Errors
///
/// If it is for one run and that run is no longer open.
pub async fn signal_send(app: &App, request: SignalSend) -> Result<SignalSent, ApiError> {
    let SignalSend {
        event,
        key,
        payload,
        run,
    } = request;
    let id = uuid::Uuid::now_v7().to_string();
    let runs = app
        .engine()?
        .signal(Signal {
            id,
            event,
            key,
            payload,
            run,
        })
        .await?;
    Ok(SignalSent { runs })
}
