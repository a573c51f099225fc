//! What happened to the computer.

use baton_core::duration::format_ms;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::ApiError;
use crate::host::{HostLog, HostNote};

/// How many notes are given.
const NOTES: u32 = 100;

/// Sleeps of the computer and changes of its clock.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn host_log(app: &App, _request: Nothing) -> Result<HostLog, ApiError> {
    let notes = app.store().host_log(NOTES).await?;
    let notes = notes.into_iter().map(|note| {
        let time = format_ms(note.ms);
        let text = match note.what.as_str() {
            "resumed" => format!("it slept, Baton was stopped, or its clock was set on: {time}; time limits were put off by as much"),
            "clock-set-back" => format!("its clock was set back by {time}; what is due by the clock waits as much longer"),
            other => format!("{other}: {time}"),
        };
        HostNote {
            at: note.at,
            what: note.what,
            ms: note.ms,
            text,
        }
    });
    Ok(HostLog {
        notes: notes.collect(),
    })
}
