//! From what the engine and the disk tell to what front ends are told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use baton_engine::EngineNotice;
use tokio::sync::broadcast::{Receiver, Sender, error::RecvError};
use tokio_util::sync::CancellationToken;

use crate::events::BackendEvent;
use crate::views;

/// How many events of a run one message carries.
const MAX_EVENTS: usize = 200;
/// How often open files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Translates notices for as long as the engine lives.
pub(crate) fn start(mut notices: Receiver<EngineNotice>, events: Sender<BackendEvent>) {
    tokio::spawn(async move {
        loop {
            let event = match notices.recv().await {
                Ok(notice) => translate(notice),
                Err(RecvError::Lagged(_)) => BackendEvent::Lagged,
                Err(RecvError::Closed) => return,
            };
            // Nobody listening is not an error.
            drop(events.send(event));
        }
    });
}

fn translate(notice: EngineNotice) -> BackendEvent {
    match notice {
        EngineNotice::Advanced { row, events } => BackendEvent::RunAdvanced {
            summary: Box::new(views::summary((*row).clone())),
            truncated: events.len() > MAX_EVENTS,
            events: events.iter().take(MAX_EVENTS).cloned().collect(),
        },
        EngineNotice::Stalled { row } | EngineNotice::Waits { row } => BackendEvent::RunAdvanced {
            summary: Box::new(views::summary((*row).clone())),
            events: Vec::new(),
            truncated: false,
        },
        EngineNotice::DiskChanged => BackendEvent::DiskChanged,
        EngineNotice::QuestionsChanged => BackendEvent::InboxChanged,
        EngineNotice::TriggersChanged => BackendEvent::TriggersChanged,
        EngineNotice::Notification { title, body, run } => BackendEvent::Notification {
            title,
            body,
            run: Some(run),
        },
    }
}

/// Calls `look` now and then, until it says that nobody is interested any more.
pub(crate) async fn watch_files(closing: CancellationToken, look: impl Fn() -> Option<()>) {
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
        if look().is_none() {
            return;
        }
    }
}

/// The files that are not as they were when they were last looked at.
pub(crate) fn changed(watched: &mut BTreeMap<PathBuf, Option<SystemTime>>) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for (path, known) in watched {
        let modified = std::fs::metadata(path)
            .and_then(|file| file.modified())
            .ok();
        if modified != *known {
            *known = modified;
            all.push(path.clone());
        }
    }
    all
}
