//! The one [`App`] of this process.

use std::sync::Arc;
use std::time::Duration;

use baton_api::{ApiError, App, AppConfig};
use tokio::sync::OnceCell;

/// How long the end of the program waits for the store to close. What was acknowledged is on disk already.
const CLOSING: Duration = Duration::from_secs(5);

/// Opens the app at the first question, so that the window is there at once.
///
/// A data folder that cannot be used (locked by another process, on a full disk) is told to whoever asked; the
/// next question tries again.
#[derive(Default)]
pub(crate) struct Backend {
    app: OnceCell<Arc<App>>,
}

impl Backend {
    /// The app; opens it if this has not worked yet.
    ///
    /// # Errors
    ///
    /// Those of [`App::open`].
    pub(crate) async fn app(&self) -> Result<Arc<App>, ApiError> {
        let app = self
            .app
            .get_or_try_init(|| async { App::open(AppConfig::default()).await.map(Arc::new) })
            .await?;
        Ok(Arc::clone(app))
    }

    /// Lets the store finish what it is writing.
    pub(crate) async fn close(&self) {
        let Some(app) = self.app.get() else { return };
        if tokio::time::timeout(CLOSING, app.shutdown()).await.is_err() {
            tracing::warn!(
                "the data folder was not closed in time; it is checked at the next start"
            );
        }
    }
}
