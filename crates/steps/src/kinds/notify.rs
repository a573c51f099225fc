//! Tells the user something now, by a notification of the desktop.

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::config::{Text, With, shown};
use crate::kind::{About, Kind};
use crate::{TaskContext, TaskOutput};

/// The settings of `notify`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The heading.
    title: Text,
    /// What happened.
    #[serde(default)]
    message: Text,
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Notify",
        summary: "Shows a notification to whoever runs Baton, and logs it.",
        category: Category::Messages,
        icon: "bell",
        ports: Ports::Plain,
        output: &[("title", "the heading"), ("message", "what was said")],
    };

    fn effect(_: &With) -> Effect {
        Effect::Idempotent
    }

    fn summary(with: &With) -> String {
        shown(with, "title")
    }

    fn touches(with: &With) -> Vec<(&'static str, String)> {
        vec![("message", shown(with, "title"))]
    }

    async fn run(
        Config { title: Text(title), message: Text(message) }: Config,
        _: &TaskContext,
    ) -> Result<TaskOutput, StepError> {
        if title.trim().is_empty() {
            return Err(StepError::permanent("config", "the title of the notification is empty"));
        }
        let line = if message.is_empty() { title.clone() } else { format!("{title}: {message}") };
        Ok(TaskOutput {
            logs: vec![("info".to_owned(), line)],
            notify: Some((title.clone(), message.clone())),
            ..TaskOutput::new(json!({ "title": title, "message": message }))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, task};

    #[tokio::test]
    async fn a_notification_is_handed_on_and_logged() {
        let task = task("notify", json!({ "title": "Done", "message": "3 rows" }));
        let output = Bench::new().execute(&task).await.unwrap();
        assert_eq!(output.notify, Some(("Done".to_owned(), "3 rows".to_owned())));
        assert_eq!(output.logs, [("info".to_owned(), "Done: 3 rows".to_owned())]);
    }

    #[tokio::test]
    async fn an_empty_title_is_an_error() {
        let error = Bench::new().execute(&task("notify", json!({ "title": " " }))).await;
        assert_eq!(error.unwrap_err().code, "config");
    }
}
