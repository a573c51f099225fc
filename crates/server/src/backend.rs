//! What the server needs of the program behind it.

use baton_api::users::{TokenShown, UserIdentified};
use baton_api::{ApiError, App, BackendEvent, Caller, Code, Member};
use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;
use tokio::sync::broadcast;

/// The program that answers: [`App`], or something simpler in a test.
pub trait Backend: Send + Sync + 'static {
    /// Carries out a command of the one list for `caller`, as far as their roles allow it.
    fn rpc(
        &self,
        caller: Caller,
        name: String,
        request: Value,
    ) -> BoxFuture<'static, Result<Value, ApiError>>;

    /// Listens to what changes from now on.
    fn subscribe(&self) -> broadcast::Receiver<BackendEvent>;

    /// Says whose token this is.
    ///
    /// # Errors
    ///
    /// [`Code::Unauthorized`] if it is nobody's, or was taken back.
    fn identify(&self, shown: &TokenShown) -> BoxFuture<'static, Result<UserIdentified, ApiError>> {
        let internal = |error: serde_json::Error| ApiError::new(Code::Internal, error.to_string());
        let asked = serde_json::to_value(shown)
            .map_err(internal)
            .map(|request| self.rpc(Caller::Owner, "user_identify".to_owned(), request));
        async move { serde_json::from_value(asked?.await?).map_err(internal) }.boxed()
    }
}

impl Backend for App {
    fn rpc(
        &self,
        caller: Caller,
        name: String,
        request: Value,
    ) -> BoxFuture<'static, Result<Value, ApiError>> {
        let app = self.clone();
        async move { baton_api::dispatch(&app, &caller, &name, request).await }.boxed()
    }

    fn subscribe(&self) -> broadcast::Receiver<BackendEvent> {
        Self::subscribe(self)
    }
}

impl Backend for Member {
    fn rpc(
        &self,
        caller: Caller,
        name: String,
        request: Value,
    ) -> BoxFuture<'static, Result<Value, ApiError>> {
        let member = self.clone();
        async move { member.call_as(&caller, &name, request).await }.boxed()
    }

    fn subscribe(&self) -> broadcast::Receiver<BackendEvent> {
        Self::subscribe(self)
    }
}
