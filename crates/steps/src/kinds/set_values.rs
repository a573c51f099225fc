//! Names values, so that later steps and people find them.

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{self, With};
use crate::kind::{About, Kind};
use crate::overview::number;
use crate::{TaskContext, TaskOutput};

/// The settings of `set_values`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// Names and values; the output of the step.
    values: With,
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Set values",
        summary: "Computes values and names them.",
        category: Category::Data,
        icon: "variable",
        ports: Ports::Plain,
        output: &[("…", "the values, by name")],
    };

    fn effect(_: &With) -> Effect {
        Effect::Pure
    }

    fn summary(with: &With) -> String {
        match with.get("values").and_then(Value::as_object) {
            Some(values) if !values.is_empty() && values.len() <= 3 => {
                values.keys().cloned().collect::<Vec<_>>().join(", ")
            }
            Some(values) => number(values.len(), "value", "values"),
            None => String::new(),
        }
    }

    async fn run(config: Config, _: &TaskContext) -> Result<TaskOutput, StepError> {
        Ok(TaskOutput::new(Value::Object(config.values)))
    }

    fn inline(with: &With) -> Option<Result<TaskOutput, StepError>> {
        let output = config::parse::<Config>(with);
        Some(output.map(|config| TaskOutput::new(Value::Object(config.values))))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Bench, task};
    use serde_json::json;

    #[tokio::test]
    async fn the_values_are_the_output_inline_and_not() {
        let task = task("set_values", json!({ "values": { "limit": 3, "who": null } }));
        let expected = json!({ "limit": 3, "who": null });
        assert_eq!(crate::execute_inline(&task).unwrap().unwrap().output, expected);
        assert_eq!(Bench::new().execute(&task).await.unwrap().output, expected);
    }

    #[test]
    fn values_that_are_no_mapping_are_an_error() {
        let error = crate::execute_inline(&task("set_values", json!({ "values": [1] })));
        assert_eq!(error.unwrap().unwrap_err().code, "config");
    }
}
