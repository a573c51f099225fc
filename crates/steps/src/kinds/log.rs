//! Writes a line into the log of the run.

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::config::{self, Text, With, shown};
use crate::kind::{About, Kind};
use crate::{TaskContext, TaskOutput};

/// How important a line is.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Level {
    Debug,
    #[default]
    Info,
    Warn,
    Error,
}

impl Level {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// The settings of `log`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The line, or several.
    message: Text,
    /// How important it is.
    #[serde(default)]
    level: Level,
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Log",
        summary: "Writes a line into the log of the run.",
        category: Category::Messages,
        icon: "scroll-text",
        ports: Ports::Plain,
        output: &[("message", "what was written")],
    };

    fn effect(_: &With) -> Effect {
        Effect::Pure
    }

    fn summary(with: &With) -> String {
        shown(with, "message")
    }

    async fn run(config: Config, _: &TaskContext) -> Result<TaskOutput, StepError> {
        Ok(write(config))
    }

    fn inline(with: &With) -> Option<Result<TaskOutput, StepError>> {
        Some(config::parse(with).map(write))
    }
}

fn write(Config { message: Text(message), level }: Config) -> TaskOutput {
    TaskOutput {
        logs: vec![(level.name().to_owned(), message.clone())],
        ..TaskOutput::new(json!({ "message": message }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::task;

    #[test]
    fn lines_become_one_message_with_its_level() {
        let task = task("log", json!({ "message": ["a", "b"], "level": "warn" }));
        let output = crate::execute_inline(&task).unwrap().unwrap();
        assert_eq!(output.logs, [("warn".to_owned(), "a\nb".to_owned())]);
        assert_eq!(output.output, json!({ "message": "a\nb" }));
    }

    #[test]
    fn an_unknown_level_is_an_error_that_names_the_levels() {
        let task = task("log", json!({ "message": "a", "level": "loud" }));
        let error = crate::execute_inline(&task).unwrap().unwrap_err();
        assert!(error.message.contains("loud") && error.message.contains("warn"), "{error}");
    }
}
