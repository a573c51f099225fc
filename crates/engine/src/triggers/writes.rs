//! Which files the runs of this process write, so that a watched folder knows its own from what came from outside.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use baton_core::document::Workflow;
use baton_core::machine::{Event, Logged, Task};
use serde_json::{Map, Value};

use super::lock;
use crate::entry::Entry;
use crate::shared::Shared;

/// How many writes are remembered.
const MOST: usize = 20_000;

/// Files that runs write and wrote.
#[derive(Debug, Default)]
pub(crate) struct Writes {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_path: BTreeMap<PathBuf, Vec<Write>>,
    /// In the order in which they began.
    order: VecDeque<(PathBuf, u64)>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Write {
    number: u64,
    by: By,
    is_open: bool,
    hash: Option<String>,
}

/// The run at the top of those that wait for one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct By {
    pub(crate) run: String,
    pub(crate) workflow: String,
}

/// Who wrote a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Author {
    /// No run that is known.
    Unknown,
    /// A step that is not over may have written it.
    Open,
    /// This run.
    Run(By),
}

impl Writes {
    fn begin(&self, path: PathBuf, by: By) -> u64 {
        let mut held = lock(&self.held);
        let number = held.next;
        held.next += 1;
        let write = Write {
            number,
            by,
            is_open: true,
            hash: None,
        };
        held.by_path.entry(path.clone()).or_default().push(write);
        held.order.push_back((path, number));
        while held.order.len() > MOST {
            let Some((path, number)) = held.order.pop_front() else {
                break;
            };
            if let Some(writes) = held.by_path.get_mut(&path) {
                writes.retain(|write| write.number != number);
                if writes.is_empty() {
                    held.by_path.remove(&path);
                }
            }
        }
        number
    }

    fn end(&self, path: &Path, number: u64, hash: Option<&str>) {
        let mut held = lock(&self.held);
        let writes = held.by_path.get_mut(path).into_iter().flatten();
        for write in writes.filter(|write| write.number == number) {
            write.is_open = false;
            write.hash = hash.map(str::to_owned);
        }
    }

    /// Who wrote this content to `path`.
    pub(crate) fn author(&self, path: &Path, hash: &str) -> Author {
        let held = lock(&self.held);
        let Some(writes) = held.by_path.get(path) else {
            return Author::Unknown;
        };
        if let Some(write) = writes
            .iter()
            .rfind(|write| write.hash.as_deref() == Some(hash))
        {
            return Author::Run(write.by.clone());
        }
        if writes.iter().any(|write| write.is_open) {
            return Author::Open;
        }
        Author::Unknown
    }

    /// Learns from the log what a run of a former process wrote.
    pub(crate) fn recall(
        &self,
        workflow: &Workflow,
        work_dir: &Path,
        run: &str,
        events: &[Logged],
    ) {
        let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
        workflow.each_step(|step, _| {
            kinds.insert(&step.id, &step.kind);
        });
        let mut begun: BTreeMap<&str, &Map<String, Value>> = BTreeMap::new();
        for logged in events {
            match &logged.event {
                Event::StepStarted { step, with, .. } => {
                    begun.insert(step, with);
                }
                Event::StepSucceeded { step, output, .. } => {
                    let id = step.rsplit('/').next().unwrap_or(step);
                    let (Some(kind), Some(with)) = (kinds.get(id), begun.get(step.as_str())) else {
                        continue;
                    };
                    for path in files(work_dir, kind, with) {
                        let by = By {
                            run: run.to_owned(),
                            workflow: workflow.id.clone(),
                        };
                        let number = self.begin(path.clone(), by);
                        self.end(&path, number, hash_of(output));
                    }
                }
                _ => {}
            }
        }
    }
}

/// The hash that a step says its file has.
fn hash_of(output: &Value) -> Option<&str> {
    output.get("blake3").and_then(Value::as_str)
}

fn files(work_dir: &Path, kind: &str, with: &Map<String, Value>) -> Vec<PathBuf> {
    let named = baton_steps::written_files(kind, with);
    named
        .iter()
        .filter_map(|text| real(work_dir, text))
        .collect()
}

/// Where a file really is, whether or not it is there yet.
fn real(work_dir: &Path, text: &str) -> Option<PathBuf> {
    let text = text.trim().replace('\\', "/");
    let path = Path::new(&text);
    let mut full = if path.is_absolute() {
        PathBuf::new()
    } else {
        work_dir.to_path_buf()
    };
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => return None,
            part => full.push(part),
        }
    }
    let name = full.file_name()?.to_owned();
    let mut rest = vec![name];
    let mut folder = full.parent()?.to_path_buf();
    loop {
        if let Ok(found) = folder.canonicalize() {
            return Some(rest.iter().rev().fold(found, |path, part| path.join(part)));
        }
        rest.push(folder.file_name()?.to_owned());
        folder = folder.parent()?.to_path_buf();
    }
}

/// A step that may be writing; over when it is dropped.
#[derive(Debug)]
pub(crate) struct Writing {
    shared: Arc<Shared>,
    open: Vec<(PathBuf, u64)>,
}

impl Writing {
    /// The step succeeded and says what it wrote.
    pub(crate) fn end(mut self, output: &Value) {
        for (path, number) in std::mem::take(&mut self.open) {
            self.shared
                .triggers
                .writes
                .end(&path, number, hash_of(output));
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        for (path, number) in std::mem::take(&mut self.open) {
            self.shared.triggers.writes.end(&path, number, None);
        }
    }
}

impl Shared {
    /// Notes that a task may write files from now on.
    pub(crate) async fn begin_writing(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        task: &Task,
    ) -> Writing {
        let mut open = Vec::new();
        let files = files(&entry.origin.work_dir, &task.kind, &task.with);
        if !files.is_empty() {
            let by = self.top(entry).await;
            for path in files {
                let number = self.triggers.writes.begin(path.clone(), by.clone());
                open.push((path, number));
            }
        }
        Writing {
            shared: self.clone(),
            open,
        }
    }

    /// The run that all above `entry` wait for. One that waits may have left memory.
    async fn top(&self, entry: &Arc<Entry>) -> By {
        let mut by = By {
            run: entry.id.clone(),
            workflow: entry.plan.workflow().id.clone(),
        };
        let mut parent = entry
            .origin
            .parent
            .as_ref()
            .map(|parent| parent.run.clone());
        while let Some(above) = parent {
            match self.store.run(&above).await {
                Ok(Some(row)) => {
                    by = By {
                        run: row.id,
                        workflow: row.workflow,
                    };
                    parent = row.parent.map(|parent| parent.run);
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "the runs above cannot be read now");
                    break;
                }
            }
        }
        by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(run: &str) -> By {
        By {
            run: run.to_owned(),
            workflow: "w".to_owned(),
        }
    }

    #[test]
    fn a_file_is_known_by_its_content() {
        let writes = Writes::default();
        let path = Path::new("/x/a");
        assert_eq!(writes.author(path, "h"), Author::Unknown);
        let first = writes.begin(path.to_path_buf(), by("1"));
        assert_eq!(writes.author(path, "h"), Author::Open);
        writes.end(path, first, Some("h"));
        assert_eq!(writes.author(path, "h"), Author::Run(by("1")));
        assert_eq!(writes.author(path, "other"), Author::Unknown);
        let second = writes.begin(path.to_path_buf(), by("2"));
        assert_eq!(writes.author(path, "h"), Author::Run(by("1")));
        assert_eq!(writes.author(path, "other"), Author::Open);
        writes.end(path, second, None);
        assert_eq!(writes.author(path, "other"), Author::Unknown);
    }

    #[test]
    fn old_writes_are_forgotten() {
        let writes = Writes::default();
        for index in 0..=MOST {
            let path = PathBuf::from(format!("/x/{index}"));
            let number = writes.begin(path.clone(), by("1"));
            writes.end(&path, number, Some("h"));
        }
        assert_eq!(writes.author(Path::new("/x/0"), "h"), Author::Unknown);
        assert_eq!(writes.author(Path::new("/x/1"), "h"), Author::Run(by("1")));
    }

    #[test]
    fn a_path_is_where_the_file_really_is() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        assert_eq!(
            real(dir.path(), "./new/b/c.csv"),
            Some(root.join("new/b/c.csv"))
        );
        assert_eq!(real(dir.path(), "../c.csv"), None);
        #[cfg(unix)]
        {
            std::fs::create_dir(root.join("in")).unwrap();
            std::os::unix::fs::symlink(root.join("in"), root.join("link")).unwrap();
            assert_eq!(real(dir.path(), "link/a"), Some(root.join("in/a")));
        }
    }
}
