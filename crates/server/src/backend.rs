//! What the server needs of the program behind it.

use baton_api::{ApiError, BackendEvent};
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::broadcast;

/// The program that answers: `App` from `baton-api`, or something simpler in a test.
pub trait Backend: Send + Sync + 'static {
    /// Carries out a command of the one list.
    fn rpc(&self, name: String, request: Value) -> BoxFuture<'static, Result<Value, ApiError>>;

    /// Listens to what changes from now on.
    fn subscribe(&self) -> broadcast::Receiver<BackendEvent>;
}
