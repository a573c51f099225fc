//! Going on without a window, where closing it would stop triggers that are active.
//!
//! There is no icon in a tray: the library that shows one is missing on many desktops, and Baton must start on all of
//! them. So the person is asked, and starting Baton once more brings the window back.

use std::time::Duration;

use baton_api::ApiError;
use baton_api::catalog::Nothing;
use baton_api::triggers::{TriggerListed, TriggerStatus};
use tauri::{AppHandle, ExitRequestApi, Manager};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons};
use tauri_plugin_notification::NotificationExt;

use crate::backend::Backend;

/// How long closing the window waits for the list of triggers.
const LOOKING: Duration = Duration::from_secs(2);

/// The last window was closed: asks whether to go on, if something would not happen otherwise.
pub(crate) fn window_closed(app: &AppHandle, exit: &ExitRequestApi) {
    let backend = app.state::<Backend>();
    // Made inside: a time limit needs the runtime, which this thread is not in.
    let count = tauri::async_runtime::block_on(async {
        let looking = tokio::time::timeout(LOOKING, active_triggers(&backend));
        looking.await.unwrap_or(0)
    });
    if count == 0 {
        return;
    }
    exit.prevent_exit();
    let handle = app.clone();
    app.dialog()
        .message(question(count))
        .title("Baton")
        .buttons(MessageDialogButtons::OkCancelCustom(
            "Keep running".to_owned(),
            "Quit".to_owned(),
        ))
        .show(move |keeps_running| {
            if keeps_running {
                say_how_to_come_back(&handle);
            } else {
                handle.exit(0);
            }
        });
}

/// How many triggers would not fire any more. None if another Baton owns the data folder: it goes on with them.
async fn active_triggers(backend: &Backend) -> usize {
    let Some(member) = backend.joined() else {
        return 0;
    };
    if member.owner().is_some() {
        return 0;
    }
    let listed: Result<TriggerListed, ApiError> = member.ask("trigger_list", &Nothing {}).await;
    match listed {
        Ok(listed) => {
            let triggers = listed.triggers.iter();
            triggers
                .filter(|trigger| trigger.status == TriggerStatus::Active)
                .count()
        }
        Err(error) => {
            tracing::warn!("the list of triggers cannot be read: {error}");
            0
        }
    }
}

fn question(count: usize) -> String {
    let (what, they) = if count == 1 {
        ("One trigger is".to_owned(), "It fires")
    } else {
        (format!("{count} triggers are"), "They fire")
    };
    format!(
        "{what} active. {they} only while Baton runs.\n\nKeep it running without a window? Start Baton again to get the window back."
    )
}

/// Best effort: the question said it as well.
fn say_how_to_come_back(app: &AppHandle) {
    let shown = app
        .notification()
        .builder()
        .title("Baton keeps running")
        .body("Triggers stay active. Start Baton again to get the window back.")
        .show();
    if let Err(error) = shown {
        tracing::info!("the system shows no notification: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_says_how_many_triggers_would_stop() {
        assert!(question(1).starts_with("One trigger is active. It fires"));
        assert!(question(2).starts_with("2 triggers are active. They fire"));
    }
}
