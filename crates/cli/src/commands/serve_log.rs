//! The log of a server: every event of a run as a line with the run and the step, and nothing that they worked with.

use baton_api::BackendEvent;
use baton_api::baton_core::machine::Logged;
use baton_api::runs::RunSummary;
use serde_json::Value;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tracing_subscriber::EnvFilter;

use crate::server_args::LogFormat;

/// What is logged if `BATON_LOG` does not say otherwise.
const USUAL: &str = "info";

/// Begins to log on standard error.
pub(crate) fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_env("BATON_LOG").unwrap_or_else(|_| EnvFilter::new(USUAL));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .init(),
    }
}

/// Logs what happens in runs, until Baton closes.
pub(crate) async fn events(mut events: Receiver<BackendEvent>) {
    loop {
        match events.recv().await {
            Ok(BackendEvent::RunAdvanced {
                summary, events, ..
            }) => events.iter().for_each(|logged| tell(&summary, logged)),
            Ok(_) => {}
            Err(RecvError::Lagged(count)) => {
                tracing::warn!(
                    count,
                    "so many events came at once that some are not logged here"
                );
            }
            Err(RecvError::Closed) => return,
        }
    }
}

fn tell(run: &RunSummary, logged: &Logged) {
    let event = serde_json::to_value(&logged.event).unwrap_or_default();
    let word = |name: &str| event.get(name).and_then(Value::as_str);
    tracing::info!(
        target: "baton::run",
        run = run.number,
        run_id = run.id,
        workflow = run.workflow,
        seq = logged.seq,
        event = word("type"),
        step = word("step"),
        by = word("by"),
        "event"
    );
}
