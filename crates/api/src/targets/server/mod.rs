//! Another Baton as a target: commands that it understands, passed on in the name of the user whose token is kept.

mod check;
mod stream;

use std::path::Path;
use std::sync::Arc;

use baton_core::document::Workflow;
use baton_core::elsewhere;
use baton_core::problem::Problem;
use serde_json::Value;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::owner::is_repeatable;
use crate::remote::{Remote, RemoteError};

use super::TargetChecked;
use super::kept::Kept;
use stream::Stream;

/// What is passed on; everything else is about the computer that is asked.
const PASSED_ON: &[&str] = &[
    "app_info",
    "approval_decide",
    "blob_get",
    "expression_try",
    "inbox_list",
    "input_list",
    "run_cancel",
    "run_events",
    "run_get",
    "run_list",
    "run_pause",
    "run_raise",
    "run_release",
    "run_resume",
    "run_retry_now",
    "run_settle",
    "run_start",
    "signal_send",
    "table_page",
    "workflow_compare",
    "workflow_kept",
    "workflow_pull",
    "workflow_push",
];

/// A connection to another Baton.
#[derive(Debug)]
pub(crate) struct ServerLine {
    name: String,
    remote: Arc<Remote>,
    stream: Stream,
}

impl ServerLine {
    pub(crate) fn open(
        app: &App,
        target: &Kept,
        url: &str,
        ca: Option<&str>,
        secret: Option<String>,
    ) -> Result<Self, ApiError> {
        let name = target.name.clone();
        let token = secret.ok_or_else(|| no_token(&name))?;
        let remote = Remote::new(url, &token, ca.map(Path::new));
        let remote = Arc::new(remote.map_err(|error| in_words(&name, error))?);
        Ok(Self {
            stream: Stream::new(app, &target.id, remote.clone(), stream::UNUSED),
            name,
            remote,
        })
    }

    pub(crate) async fn call(&self, command: &str, request: Value) -> Result<Value, ApiError> {
        if PASSED_ON.binary_search(&command).is_err() {
            let message = format!("`{command}` is not passed on to another Baton");
            return Err(ApiError::new(Code::BadRequest, message)
                .hint("ask this computer, or sign in at that server with a browser"));
        }
        let request = for_there(command, request);
        let mut answer = self.remote.ask(command, &request).await;
        if let Err(error) = &answer
            && error.error.code == Code::TargetUnreachable
            && is_repeatable(command)
            && self.stream.is_used()
        {
            // It was there a moment ago: a connection that was kept may have ended with the server before.
            answer = self.remote.ask(command, &request).await;
        }
        if answer
            .as_ref()
            .map_or_else(RemoteError::is_of_the_server, |_| true)
        {
            self.stream.used();
        }
        answer.map_err(|error| {
            let is_lost = error.error.code == Code::TargetUnreachable && !is_repeatable(command);
            let mut error = in_words(&self.name, error);
            if is_lost {
                let hint = error.hint.unwrap_or_default();
                error.hint = Some(format!(
                    "{hint}; if it was reached, `{command}` may have been carried out: look at the runs there before asking again"
                ));
            }
            error
        })
    }

    pub(crate) async fn check(&self, app: &App) -> TargetChecked {
        check::look(&self.remote, app.now()).await
    }

    pub(crate) fn close(&self) {
        self.stream.close();
    }
}

impl RemoteError {
    /// Whether the server answered and knows who asks, though it refused.
    fn is_of_the_server(&self) -> bool {
        self.name.is_none() && self.error.code != Code::Unauthorized
    }
}

/// The request as the server understands it: files and folders of this computer are not there.
fn for_there(command: &str, mut request: Value) -> Value {
    if command == "run_start"
        && let Some(request) = request.as_object_mut()
    {
        request.remove("path");
        request.remove("workDir");
    }
    if request.is_null() {
        request = Value::Object(serde_json::Map::new());
    }
    request
}

pub(super) fn no_token(name: &str) -> ApiError {
    let message = format!("target `{name}`: no token is kept for it here");
    ApiError::new(Code::TargetRefused, message).hint(
        "give it the token of a user of that server: `baton targets add` with `--change`, or the form of the target",
    )
}

/// What stands between here and there, with the name of the target. What the server itself answers stays as it is, but
/// for the token: a page must not think that it is signed out here.
pub(super) fn in_words(name: &str, error: RemoteError) -> ApiError {
    let is_of_server = error.name.is_none();
    let mut error = *error.error;
    if is_of_server && error.code == Code::Unauthorized {
        error.code = Code::TargetRefused;
        error.message = format!("target `{name}`: {}", error.message);
        error.hint = Some(
            "let an administrator of that server make a token (`baton users token NAME`), and keep it for the target"
                .to_owned(),
        );
    } else if !is_of_server {
        error.message = format!("target `{name}`: {}", error.message);
    }
    error
}

/// What a workflow does otherwise on a server.
pub(crate) fn problems(document: &Workflow) -> Vec<Problem> {
    elsewhere::on_server(document)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_passed_on_is_sorted_and_exists() {
        assert!(PASSED_ON.is_sorted());
        for name in PASSED_ON {
            assert!(
                crate::COMMANDS.iter().any(|(known, _)| known == name),
                "{name}"
            );
        }
    }

    #[test]
    fn folders_of_this_computer_stay_here() {
        let request = json!({ "document": 1, "path": "/a", "workDir": "/b", "input": 2 });
        assert_eq!(
            for_there("run_start", request.clone()),
            json!({ "document": 1, "input": 2 })
        );
        assert_eq!(for_there("run_get", request.clone()), request);
        assert_eq!(for_there("inbox_list", Value::Null), json!({}));
    }

    #[test]
    fn a_refused_token_is_not_that_of_the_page() {
        let refused = RemoteError::from(ApiError::new(Code::Unauthorized, "taken back"));
        let error = in_words("Prod", refused);
        assert_eq!(
            (error.code, error.message.as_str()),
            (Code::TargetRefused, "target `Prod`: taken back")
        );
        let forbidden = ApiError::new(Code::Forbidden, "no").hint("ask");
        assert_eq!(in_words("Prod", forbidden.clone().into()), forbidden);
    }
}
