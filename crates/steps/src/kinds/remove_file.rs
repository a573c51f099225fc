//! Deletes a file below the work folder: the undo of a written one.

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::config::{Text, With, shown};
use crate::kind::{About, Kind};
use crate::overview::file_name;
use crate::safe_path::SafePath;
use crate::{TaskContext, TaskOutput};

/// The settings of `remove_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The file, below the work folder.
    path: Text,
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Remove file",
        summary: "Deletes a file; it is no error if there is none.",
        category: Category::Data,
        icon: "file-x-2",
        ports: Ports::Plain,
        output: &[("path", "the file"), ("removed", "whether it was there")],
    };

    fn effect(_: &With) -> Effect {
        Effect::Idempotent
    }

    fn summary(with: &With) -> String {
        file_name(&shown(with, "path"))
    }

    fn touches(with: &With) -> Vec<(&'static str, String)> {
        vec![("delete", shown(with, "path"))]
    }

    async fn run(config: Config, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let path = SafePath::to_write(cx, &config.path)?;
        if path.full().is_dir() {
            return Err(StepError::permanent("file-is-folder", format!("`{}` is a folder", path.shown()))
                .hint("the step deletes single files only"));
        }
        let removed = match tokio::fs::remove_file(path.full()).await {
            Ok(()) => {
                path.sync_folder().map_err(|error| path.failed("remove", &error))?;
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(path.failed("remove", &error)),
        };
        Ok(TaskOutput::new(json!({ "path": path.shown(), "removed": removed })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    #[tokio::test]
    async fn a_file_is_removed_once_and_it_is_fine_that_it_is_gone() {
        let bench = Bench::new();
        let file = bench.file("out/a.csv", "x");
        let with = json!({ "path": "out/a.csv" });
        assert_eq!(bench.run("remove_file", with.clone()).await["removed"], true);
        assert!(!file.exists());
        assert_eq!(bench.run("remove_file", with).await["removed"], false);
        assert_eq!(bench.run("remove_file", json!({ "path": "no/such/a" })).await["removed"], false);
    }

    #[tokio::test]
    async fn folders_and_files_elsewhere_stay() {
        let bench = Bench::new();
        bench.file("out/a.csv", "x");
        let outside = bench.dir.path().join("outside.csv");
        std::fs::write(&outside, "x").unwrap();
        assert_eq!(bench.fail("remove_file", json!({ "path": "out" })).await.code, "file-is-folder");
        assert_eq!(bench.fail("remove_file", json!({ "path": outside })).await.code, "path-outside");
        assert_eq!(bench.fail("remove_file", json!({ "path": "../outside.csv" })).await.code, "path-outside");
        assert!(outside.exists());
    }
}
