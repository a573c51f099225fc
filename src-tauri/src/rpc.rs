//! The two functions that the page can call.

use std::sync::Mutex;

use baton_api::{ApiError, BackendEvent};
use serde_json::Value;
use tauri::State;
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;
use tokio::sync::broadcast::error::RecvError;

use crate::backend::Backend;

/// Passes a request to [`baton_api::Member::call`].
///
/// There is a single command on purpose: what can be asked is decided by the list in `baton-api`, which the
/// command line and the generated TypeScript share, so nothing can be callable here and missing there.
#[tauri::command]
pub(crate) async fn rpc(
    backend: State<'_, Backend>,
    name: String,
    request: Value,
) -> Result<Value, ApiError> {
    backend.member().await?.call(&name, request).await
}

/// The task that feeds the page; a page that was loaded anew takes the place of the one before.
#[derive(Default)]
pub(crate) struct Subscription {
    feeding: Mutex<Option<JoinHandle<()>>>,
}

/// Sends every event of the backend to the page, from now on.
#[tauri::command]
pub(crate) async fn subscribe(
    backend: State<'_, Backend>,
    subscription: State<'_, Subscription>,
    channel: Channel<BackendEvent>,
) -> Result<(), ApiError> {
    let mut events = backend.member().await?.subscribe();
    let feeding = tauri::async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(_)) => BackendEvent::Lagged,
                Err(RecvError::Closed) => return,
            };
            // The page is gone; the next one subscribes for itself.
            if channel.send(event).is_err() {
                return;
            }
        }
    });
    let mut current = subscription
        .feeding
        .lock()
        .expect("no holder of this lock can panic");
    if let Some(before) = current.replace(feeding) {
        before.abort();
    }
    Ok(())
}
