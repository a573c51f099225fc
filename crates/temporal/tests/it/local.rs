//! The engine of this computer, beside the worker: a program of its own (`tests/examples/follow`), because the engine is
//! built apart from the client of Temporal.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use baton_core::machine::Logged;
use serde_json::{Value, json};

/// The engine, which follows one run after the other.
pub(crate) struct Local {
    child: Child,
    lines: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

/// Beside the tests, in the same build folder.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().with_file_name("examples/follow");
    assert!(
        path.is_file(),
        "`{}` is not there: `node scripts/temporal.mjs test` builds it",
        path.display()
    );
    path
}

impl Local {
    /// With the tasks of the script, or else those of Baton.
    pub(crate) fn begin(is_scripted: bool) -> Self {
        let mut child = Command::new(program())
            .arg(if is_scripted { "scripted" } else { "standard" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = (
            child.stdin.take().unwrap(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        Self {
            child,
            lines: Mutex::new(lines),
        }
    }

    /// Where the log of the engine differs from `log`, after everything that came from outside came in the same order.
    pub(crate) fn difference(
        &self,
        file: &Path,
        input: &Value,
        id: &str,
        log: &[Logged],
    ) -> Option<String> {
        let request = json!({ "file": file, "workDir": file.parent(), "input": input, "log": log });
        let answer: Value = {
            let mut lines = self.lines.lock().unwrap();
            let (to, from) = &mut *lines;
            writeln!(to, "{request}").unwrap();
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{id}: it answers {line:?}"))
        };
        let here: Vec<Logged> = serde_json::from_value(answer["log"].clone()).unwrap();
        let run = answer["run"].as_str().unwrap();
        let (here, there) = (comparable(&here, run), comparable(log, id));
        let first = (0..here.len().max(there.len())).find(|at| here.get(*at) != there.get(*at))?;
        let show = |log: &[Value]| {
            let near = log.iter().skip(first.saturating_sub(3)).take(6);
            near.map(|event| format!("  {event}\n")).collect::<String>()
        };
        Some(format!(
            "{id}: event {} differs ({})\nhere\n{}there\n{}",
            first + 1,
            answer["stuck"],
            show(&here),
            show(&there)
        ))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // It ends by itself when nobody speaks with it any more.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A log without what is drawn anew for every run: its id and what is made of it, and its seed.
fn comparable(log: &[Logged], run: &str) -> Vec<Value> {
    let mut names = BTreeMap::from([(run.to_owned(), "the run".to_owned())]);
    let mut events: Vec<Value> = log
        .iter()
        .map(|logged| serde_json::to_value(logged).unwrap())
        .collect();
    for event in &mut events {
        let fields = event["event"].as_object_mut().unwrap();
        match fields["type"].as_str().unwrap() {
            "RunStarted" => fields["seed"] = json!(0),
            "StepStarted" | "UndoStarted" => drop(fields.shift_remove("key")),
            "ChildRequested" => {
                let child = fields["run"].as_str().unwrap().to_owned();
                let name = format!("child of {}", fields["step"]);
                names.insert(child, name);
            }
            _ => {}
        }
        rename(event, &names);
    }
    events
}

fn rename(value: &mut Value, names: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            for (name, other) in names {
                if text.contains(name.as_str()) {
                    *text = text.replace(name.as_str(), other);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, names)),
        _ => {}
    }
}
