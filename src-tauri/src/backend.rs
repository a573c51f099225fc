//! The one [`Member`] of this process: it owns the data folder, or asks the Baton that does.

use std::time::Duration;

use baton_api::{ApiError, AppConfig, Member};
use tokio::sync::OnceCell;

/// How long the end of the program waits for running steps to end, where another program goes on with the runs, and
/// for the store to close. What was acknowledged is on disk already.
const CLOSING: Duration = Duration::from_secs(15);

/// Joins the data folder at the first question, so that the window is there at once.
///
/// A data folder that cannot be used (in use by another build, on a full disk) is told to whoever asked; the
/// next question tries again.
#[derive(Default)]
pub(crate) struct Backend {
    member: OnceCell<Member>,
}

impl Backend {
    /// The member; joins if this has not worked yet.
    ///
    /// # Errors
    ///
    /// Those of [`Member::join`].
    pub(crate) async fn member(&self) -> Result<Member, ApiError> {
        let join = || {
            let config = AppConfig {
                program: "the window".to_owned(),
                act_on_triggers: true,
                ..AppConfig::default()
            };
            Member::join(config)
        };
        self.member.get_or_try_init(join).await.cloned()
    }

    /// The member, if it has joined.
    pub(crate) fn joined(&self) -> Option<&Member> {
        self.member.get()
    }

    /// Lets the store finish what it is writing.
    pub(crate) async fn close(&self) {
        let Some(member) = self.member.get() else {
            return;
        };
        if tokio::time::timeout(CLOSING, member.shutdown())
            .await
            .is_err()
        {
            tracing::warn!(
                "the data folder was not closed in time; it is checked at the next start"
            );
        }
    }
}
