//! Large values, tables, and expressions tried on the data of a run.

use std::borrow::Cow;
use std::io;

use baton_core::Millis;
use baton_core::expression::{Expression, ExpressionError, Scope, condition_source};
use baton_core::machine::Run;
use baton_steps::tables;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::handlers::runs;
use crate::runs::{AnyValue, BlobGet, ExpressionTried, ExpressionTry, TablePage, TableRows};
use crate::{files, history};

/// The largest value that is handed to a front end, in bytes of JSON.
const MAX_VALUE_BYTES: u64 = 32 * 1024 * 1024;

/// Reads a large value.
///
/// # Errors
///
/// If it is not there, not JSON, or too large to be shown.
pub async fn blob_get(app: &App, request: BlobGet) -> Result<AnyValue, ApiError> {
    let artifacts = app.artifacts();
    files::blocking(move || {
        let lost = |error: io::Error| lost(&request.artifact, &error);
        let path = artifacts.path(&request.artifact).map_err(lost)?;
        let bytes = std::fs::metadata(&path).map_err(lost)?.len();
        if bytes > MAX_VALUE_BYTES {
            let message = format!("the value has {bytes} bytes, too many to be shown");
            return Err(ApiError::new(Code::BadRequest, message)
                .hint(format!("it is in the data folder as `{}`", path.display())));
        }
        let content = artifacts.read(&request.artifact).map_err(lost)?;
        let value = serde_json::from_slice(&content).map_err(|error| {
            ApiError::new(
                Code::BadRequest,
                format!("`{}` is not a JSON value: {error}", request.artifact),
            )
        })?;
        Ok(AnyValue { value })
    })
    .await
}

fn lost(artifact: &str, error: &io::Error) -> ApiError {
    match error.kind() {
        io::ErrorKind::NotFound => ApiError::new(
            Code::NotFound,
            format!("there is no value `{artifact}` any more"),
        )
        .hint("run the workflow again to make it anew"),
        io::ErrorKind::InvalidInput => ApiError::new(Code::BadRequest, error.to_string()),
        _ => ApiError::new(
            Code::Io,
            format!("the value `{artifact}` could not be read: {error}"),
        ),
    }
}

/// Reads a page of a table.
///
/// # Errors
///
/// If the table is not there, or has no column of the name to sort by.
pub async fn table_page(app: &App, request: TablePage) -> Result<TableRows, ApiError> {
    let TablePage {
        artifact,
        offset,
        limit,
        sort,
        descending,
        search,
    } = request;
    let artifacts = app.artifacts();
    // A place in a table is below 2^53: the rest cannot be asked for.
    let offset = if offset.is_finite() {
        offset.max(0.0) as u64
    } else {
        0
    };
    let sort = sort.as_deref().map(|column| (column, descending));
    let page = tables::page(
        &artifacts,
        &artifact,
        offset,
        limit.min(tables::PAGE_LIMIT),
        sort,
        search.as_deref(),
    );
    let rows = page.await.map_err(|error| {
        let code = match error.code.as_str() {
            "artifact-missing" => Code::NotFound,
            "artifact" => Code::BadRequest,
            _ => Code::Io,
        };
        ApiError {
            hint: error.hint,
            ..ApiError::new(code, error.message)
        }
    })?;
    Ok(TableRows {
        rows: rows.rows,
        total: rows.total as f64,
        columns: rows.columns,
    })
}

/// Evaluates an expression on the data of a run.
///
/// # Errors
///
/// [`Code::NotFound`] if there is no such run. What is wrong with the expression is part of the answer.
pub async fn expression_try(
    app: &App,
    request: ExpressionTry,
) -> Result<ExpressionTried, ApiError> {
    let run = match &request.run {
        Some(run) => {
            let row = runs::row(app, run).await?;
            Some(history::at(app, &row, row.seq).await?)
        }
        None => None,
    };
    try_on(app, request, run.as_deref()).await
}

/// Evaluates an expression on the data of `run`, wherever that is.
pub(crate) async fn try_on(
    app: &App,
    request: ExpressionTry,
    run: Option<&Run>,
) -> Result<ExpressionTried, ApiError> {
    let ExpressionTry { source, scope, .. } = request;
    let mut data = Readable {
        now: app.now(),
        ..Readable::default()
    };
    if let Some(run) = run {
        data.take(run);
    }
    if let Some(Value::Object(mut names)) = scope {
        if let Some(Value::Object(steps)) = names.remove("steps") {
            data.steps.extend(steps);
        }
        data.names.extend(names);
    }
    // On a thread of its own: an evaluation may take as long as its limit allows.
    files::blocking(move || Ok(tried(&source, &data))).await
}

fn tried(source: &str, data: &Readable) -> ExpressionTried {
    let attempt =
        Expression::parse(condition_source(source)).and_then(|parsed| parsed.evaluate(data));
    match attempt {
        Ok(value) => ExpressionTried {
            value: Some(value),
            error: None,
            offset: None,
        },
        Err(error) => ExpressionTried {
            value: None,
            offset: error.offset.and_then(|at| u32::try_from(at).ok()),
            error: Some(words(error)),
        },
    }
}

fn words(error: ExpressionError) -> String {
    match error.hint {
        Some(hint) => format!("{}; {hint}", error.message),
        None => error.message,
    }
}

/// The values of a run, for trying things out.
#[derive(Debug, Default)]
struct Readable {
    names: Map<String, Value>,
    steps: Map<String, Value>,
    now: Millis,
    seed: u64,
}

/// How many bodies of loops are looked through.
const ROUNDS: usize = 1_000;

impl Readable {
    fn take(&mut self, run: &Run) {
        self.now = run.at();
        if let Some(started) = run.started() {
            self.seed = u64::from(started.seed);
            self.names.insert("input".to_owned(), started.input.clone());
            self.names.insert("env".to_owned(), json!(started.env));
            let workflow = run.plan().workflow();
            self.names.insert(
                "run".to_owned(),
                json!({ "id": started.run, "workflow": workflow.id, "name": workflow.name, "by": started.by }),
            );
        }
        // Rounds of loops come after one another: the last one stays, and of a long loop the last ones suffice.
        let all = run.graphs();
        let last = all.saturating_sub(ROUNDS).max(1)..all;
        for (_, step) in (0..all.min(1))
            .chain(last)
            .flat_map(|graph| run.steps_of(graph))
        {
            if let Some(output) = step.more().and_then(|more| more.output.as_deref()) {
                self.steps.insert(step.id().to_owned(), output.clone());
            }
        }
    }
}

impl Scope for Readable {
    fn name(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.names.get(name).map(Cow::Borrowed)
    }

    fn step(&self, id: &str) -> Option<Cow<'_, Value>> {
        self.steps.get(id).map(Cow::Borrowed)
    }

    fn steps(&self) -> Vec<String> {
        self.steps.keys().cloned().collect()
    }

    fn now(&self) -> Millis {
        self.now
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}
