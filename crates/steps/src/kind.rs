//! What a kind of task is made of.

use baton_core::error::StepError;
use baton_core::kind_version::Versions;
use baton_core::machine::Task;
use baton_core::step_kind::{Category, Effect, Form, Ports, StepKind};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::config::{self, With};
use crate::{TaskContext, TaskOutput};

/// What people are told about a kind.
pub(crate) struct About {
    pub(crate) title: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) category: Category,
    /// Name of a lucide icon.
    pub(crate) icon: &'static str,
    pub(crate) ports: Ports,
    /// Top-level fields of the output with a few words each.
    pub(crate) output: &'static [(&'static str, &'static str)],
}

/// The output of every kind whose output is a table.
pub(crate) const TABLE_OUTPUT: &[(&str, &str)] = &[
    ("rows", "number of rows"),
    ("columns", "name and type of each column"),
    ("preview", "the first rows"),
    ("bytes", "size of the table"),
];

/// A kind of task. Each file in `kinds/` implements it once, for a `Step` of its own.
pub(crate) trait Kind {
    /// The settings, with their expressions evaluated.
    type Config: DeserializeOwned + JsonSchema + Send;

    const ABOUT: About;

    /// Rises when runs that began before would go on differently; see `baton_core::kind_version`.
    const VERSIONS: Versions = Versions::FIRST;

    /// What repeating the step would do. The settings are as written: expressions are not evaluated.
    fn effect(with: &With) -> Effect;

    /// A few words for the card. The settings are as written.
    fn summary(with: &With) -> String;

    /// What the step could touch outside the run, as `(kind, target)`. The settings are as written.
    fn touches(_: &With) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Carries the step out.
    fn run(
        config: Self::Config,
        cx: &TaskContext,
    ) -> impl Future<Output = Result<TaskOutput, StepError>> + Send;

    /// Carries the step out at once, for kinds that are light and pure.
    fn inline(_: &With) -> Option<Result<TaskOutput, StepError>> {
        None
    }
}

/// Carries out a task of kind `K`.
pub(crate) async fn run<K: Kind>(task: &Task, cx: &TaskContext) -> Result<TaskOutput, StepError> {
    let config = config::parse::<K::Config>(&task.with)?;
    if cx.cancel.is_cancelled() {
        return Err(cancelled());
    }
    K::run(config, cx).await
}

/// The error of a task that was asked to stop.
pub(crate) fn cancelled() -> StepError {
    StepError::permanent("cancelled", "the step was cancelled")
}

/// The entry of kind `K` in the catalog.
pub(crate) fn describe<K: Kind>(name: &'static str, form: &str) -> StepKind {
    let About {
        title,
        summary,
        category,
        icon,
        ports,
        output,
    } = K::ABOUT;
    StepKind {
        kind: name,
        title,
        summary,
        category,
        icon,
        ports,
        effect: K::effect,
        is_control: false,
        is_container: false,
        form: Form::parse(name, form),
        schema: schemars::schema_for!(K::Config).to_value(),
        output,
    }
}
