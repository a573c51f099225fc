//! What the server needs of the program behind it.

use baton_api::{ApiError, App, BackendEvent, Member};
use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;
use tokio::sync::broadcast;

/// The program that answers: [`App`], or something simpler in a test.
pub trait Backend: Send + Sync + 'static {
    /// Carries out a command of the one list.
    fn rpc(&self, name: String, request: Value) -> BoxFuture<'static, Result<Value, ApiError>>;

    /// Listens to what changes from now on.
    fn subscribe(&self) -> broadcast::Receiver<BackendEvent>;
}

impl Backend for App {
    fn rpc(&self, name: String, request: Value) -> BoxFuture<'static, Result<Value, ApiError>> {
        let app = self.clone();
        async move { baton_api::dispatch(&app, &name, request).await }.boxed()
    }

    fn subscribe(&self) -> broadcast::Receiver<BackendEvent> {
        Self::subscribe(self)
    }
}

impl Backend for Member {
    fn rpc(&self, name: String, request: Value) -> BoxFuture<'static, Result<Value, ApiError>> {
        let member = self.clone();
        async move { member.call(&name, request).await }.boxed()
    }

    fn subscribe(&self) -> broadcast::Receiver<BackendEvent> {
        Self::subscribe(self)
    }
}
