//! Deletes a file below the work folder, or puts an earlier one back: the undo of a written one.

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::config::{Text, With, shown};
use crate::kind::{About, Kind};
use crate::overview::file_name;
use crate::safe_path::SafePath;
use crate::{Artifacts, TaskContext, TaskOutput};

/// The settings of `remove_file`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The file, below the work folder.
    path: Text,
    /// Hash of the file that was there before: it is put back instead.
    restore: Option<String>,
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Remove file",
        summary: "Deletes a file, or puts the one before it back.",
        category: Category::Data,
        icon: "file-x-2",
        ports: Ports::Plain,
        output: &[("path", "the file"), ("removed", "whether it was there"), ("restored", "whether an earlier one is back")],
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
        if let Some(hash) = config.restore.filter(|hash| !hash.is_empty()) {
            put_back(&path, &hash, &cx.artifacts)?;
            return Ok(TaskOutput::new(json!({ "path": path.shown(), "removed": false, "restored": true })));
        }
        let removed = match tokio::fs::remove_file(path.full()).await {
            Ok(()) => {
                path.sync_folder().map_err(|error| path.failed("remove", &error))?;
                true
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(path.failed("remove", &error)),
        };
        Ok(TaskOutput::new(json!({ "path": path.shown(), "removed": removed, "restored": false })))
    }
}

/// Whole or not at all, as the step that replaced it.
fn put_back(path: &SafePath, hash: &str, artifacts: &Artifacts) -> Result<(), StepError> {
    let gone = |error: std::io::Error| {
        StepError::permanent("artifact-missing", format!("the file that was in `{}` before cannot be read: {error}", path.shown()))
            .hint("it is kept in the data folder under `artifacts`; restore that from a backup")
    };
    let failed = |error: std::io::Error| path.failed("put back", &error);
    artifacts.checked_path(hash).map_err(gone)?;
    let mut kept = artifacts.open(hash).map_err(gone)?;
    let folder = path.make_folder().map_err(|error| path.failed("make the folder of", &error))?;
    let mut aside = tempfile::Builder::new().prefix(".baton-").suffix(".tmp").tempfile_in(folder).map_err(failed)?;
    std::io::copy(&mut kept, &mut aside).map_err(failed)?;
    aside.as_file().sync_all().map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let like_others = std::fs::Permissions::from_mode(0o644);
        aside.as_file().set_permissions(like_others).map_err(failed)?;
    }
    aside.persist(path.full()).map_err(|error| failed(error.error))?;
    path.sync_folder().map_err(failed)
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
    async fn an_earlier_file_is_put_back() {
        let bench = Bench::new();
        let file = bench.file("out/a.csv", "old");
        let table = json!([{ "n": 1 }]);
        let written = bench.run("write_table", json!({ "table": table, "path": "out/a.csv" })).await;
        assert_eq!(written["replaced"], true);
        let with = json!({ "path": "out/a.csv", "restore": written["previous"] });
        assert_eq!(bench.run("remove_file", with).await["restored"], true);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old");
        let with = json!({ "path": "out/a.csv", "restore": "00" });
        assert_eq!(bench.fail("remove_file", with).await.code, "artifact-missing");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "old", "nothing is lost");
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
