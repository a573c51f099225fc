//! What a worker has on its own machine: tasks, a folder for large values that all workers and clients share, a folder
//! to work in.
//!
//! The workflow itself reads and writes texts here, and only by the hash of their content: the same hash is the same
//! text on every machine and at every time, so a replay sees what the first time saw.

use std::path::PathBuf;
use std::sync::Arc;

use baton_core::document::{self, Workflow};
use baton_core::error::StepError;
use baton_core::machine::{Logged, Plan, Start};
use baton_steps::{Artifacts, Limits, Secrets, values};
use serde_json::{Map, Value};

use crate::host::{Beginning, parent_of};
use crate::tasks::{StandardTasks, Tasks};
use crate::wire::{CHUNK_LIMIT, Kept, OUTPUTS_LIMIT, RunEnd, StartInput, Text};

/// What a worker has.
#[derive(Debug, Clone)]
pub struct Home {
    /// Large values, definitions and logs.
    pub artifacts: Artifacts,
    /// The folder that relative paths of steps start from.
    pub work_dir: PathBuf,
    /// Where steps may put files that nobody needs after them.
    pub temp_dir: PathBuf,
    /// How much one step may use.
    pub limits: Limits,
    /// Where secrets come from.
    pub secrets: Secrets,
    /// Who carries out tasks.
    pub tasks: Arc<dyn Tasks>,
}

impl Home {
    /// A home with the tasks of this build, secrets from the environment and the usual limits.
    pub fn new(blobs: impl Into<PathBuf>, work_dir: impl Into<PathBuf>) -> Self {
        let blobs = blobs.into();
        Self {
            temp_dir: blobs.join("tmp"),
            artifacts: Artifacts::new(blobs),
            work_dir: work_dir.into(),
            limits: Limits::default(),
            secrets: Secrets::default(),
            tasks: Arc::new(StandardTasks::default()),
        }
    }

    /// The text that `text` means.
    ///
    /// # Errors
    ///
    /// If it is kept in a folder that this machine does not have.
    pub fn text(&self, text: &Text) -> Result<String, StepError> {
        match text {
            Text::Inline(text) => Ok(text.clone()),
            Text::Document(document) => Ok(document.to_string()),
            Text::Kept(kept) => {
                let content = self.artifacts.read(&kept.artifact);
                let content = content
                    .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
                content.map_err(|error| {
                    StepError::new(
                        "blob-missing",
                        format!(
                            "`{}` is not in the folder `{}`: {error}",
                            kept.artifact,
                            self.artifacts.dir().display()
                        ),
                    )
                    .hint("give every worker and client the same folder with `--blobs`")
                })
            }
        }
    }

    /// Keeps `text` if it is longer than `limit`.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn keep(&self, text: String, limit: usize) -> Result<Text, StepError> {
        if text.len() <= limit {
            return Ok(Text::Inline(text));
        }
        self.put(text.as_bytes()).map(Text::Kept)
    }

    fn put(&self, bytes: &[u8]) -> Result<Kept, StepError> {
        let put = self.artifacts.put_bytes(bytes).map_err(|error| {
            StepError::new(
                "blob-not-kept",
                format!(
                    "nothing can be kept in `{}`: {error}",
                    self.artifacts.dir().display()
                ),
            )
            .hint("check the space and the rights of the folder given with `--blobs`")
        })?;
        Ok(Kept {
            artifact: put.hash,
            bytes: put.bytes,
        })
    }

    /// The workflow in `definition`.
    ///
    /// # Errors
    ///
    /// If it is not there, or is no workflow.
    pub fn workflow(&self, definition: &Text) -> Result<Workflow, StepError> {
        let text = self.text(definition)?;
        let parsed = document::parse(&text).map_err(|error| {
            StepError::permanent("workflow-unusable", error.to_string())
                .hint("open the file in Baton to see what is wrong")
        })?;
        Ok(parsed.workflow)
    }

    /// The plan of `workflow`.
    ///
    /// # Errors
    ///
    /// If it cannot run in this build.
    pub fn plan(&self, workflow: &Workflow) -> Result<Arc<Plan>, StepError> {
        Plan::compile(workflow, self.tasks.catalog()).map_err(|problems| {
            let first = problems
                .first()
                .map_or_else(String::new, |one| one.message.clone());
            StepError::permanent(
                "workflow-unusable",
                format!("the workflow cannot run: {first}"),
            )
            .hint("open it in Baton, or check it with `baton validate`")
        })
    }

    /// How the run of `input` begins or goes on.
    ///
    /// # Errors
    ///
    /// If an earlier part of it is not there or cannot be read.
    pub fn beginning(&self, input: &StartInput, run: &str) -> Result<Beginning, StepError> {
        let mut log = Vec::new();
        for chunk in &input.log {
            let text = self.text(chunk)?;
            let part: Vec<Logged> = serde_json::from_str(&text).map_err(|error| {
                StepError::permanent("log-unusable", format!("an earlier part: {error}"))
            })?;
            log.extend(part);
        }
        let hash = blake3::hash(run.as_bytes());
        let drawn = u32::from_le_bytes(hash.as_bytes()[..4].try_into().expect("four bytes"));
        let start = Start {
            run: run.to_owned(),
            input: if input.input.is_null() {
                Value::Object(Map::new())
            } else {
                input.input.clone()
            },
            env: input.env.clone(),
            seed: input.seed.unwrap_or(drawn),
            by: input.by.clone(),
            parent: input.parent.as_ref().map(parent_of),
            depth: input.depth,
            ..Start::default()
        };
        let library = input.library.keys().cloned().collect();
        Ok(Beginning {
            start,
            log,
            library,
        })
    }

    /// A part of a log, for the next run to go on from.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn chunk(&self, log: &[Logged]) -> Result<Text, StepError> {
        let text = serde_json::to_string(log).expect("events are JSON");
        self.keep(text, CHUNK_LIMIT)
    }

    /// The end of a run as it travels: large outputs are kept, and errors are not longer than a person reads.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn keep_end(&self, mut end: RunEnd) -> Result<RunEnd, StepError> {
        let outputs = serde_json::to_vec(&end.outputs).expect("values are JSON");
        if outputs.len() > OUTPUTS_LIMIT {
            end.outputs_kept = Some(self.put(&outputs)?);
            end.outputs = Value::Null;
        }
        end.error = end.error.map(crate::runner::shorten);
        Ok(end)
    }

    /// The end of a run as it was before it travelled.
    ///
    /// # Errors
    ///
    /// If its outputs are not there.
    pub fn whole_end(&self, mut end: RunEnd) -> Result<RunEnd, StepError> {
        if let Some(kept) = end.outputs_kept.take() {
            let text = self.text(&Text::Kept(kept))?;
            end.outputs = serde_json::from_str(&text).map_err(|error| {
                StepError::permanent("value-lost", format!("the outputs: {error}"))
            })?;
        }
        Ok(end)
    }

    /// The configuration of a step, kept if it is large.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn keep_with(&self, with: &Map<String, Value>) -> Result<Option<Kept>, StepError> {
        if !with.values().any(values::is_large) && with.len() < 64 {
            let total: usize = with.values().map(|value| value.to_string().len()).sum();
            if total <= baton_core::table::INLINE_LIMIT {
                return Ok(None);
            }
        }
        let text = serde_json::to_vec(with).expect("values are JSON");
        self.put(&text).map(Some)
    }

    /// Puts the configuration of a step back together.
    ///
    /// # Errors
    ///
    /// If a part of it is not there.
    pub fn fill(
        &self,
        with: Map<String, Value>,
        kept: Option<&Kept>,
    ) -> std::io::Result<Map<String, Value>> {
        let mut with = match kept {
            Some(kept) => serde_json::from_slice(&self.artifacts.read(&kept.artifact)?)?,
            None => with,
        };
        if values::has_blobs(&with) {
            values::restore(&self.artifacts, &mut with)?;
        }
        Ok(with)
    }
}
