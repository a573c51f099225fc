//! What a workflow does otherwise on a cluster than on this computer, said before it is handed over.
//!
//! All of it is a warning: the workflow runs there, and whoever hands it over knows how.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::document::{self, Retry, Step, Workflow};
use crate::duration;
use crate::problem::{Place, Problem, Severity};

/// The largest input of a run on a cluster, in bytes of JSON.
pub const INPUT_LIMIT: usize = 1024 * 1024;

/// Kinds that use a file of the machine that carries them out, with the field that names it.
const FILES: &[(&str, &str)] = &[
    ("read_table", "path"),
    ("write_table", "path"),
    ("remove_file", "path"),
];

/// Fields of kinds that hold a time to wait.
const WAITS: &[(&str, &[&str])] = &[
    ("wait", &["for"]),
    ("wait_for", &["timeout"]),
    ("repeat", &["delay"]),
    ("approval", &["expires", "remind", "escalateAfter"]),
    ("form", &["expires", "remind", "escalateAfter"]),
];

/// What is known about a workflow besides its document.
#[derive(Clone, Copy, Default)]
pub struct Around<'a> {
    /// Whether a workflow of this name is beside the file; absent: nobody knows where the file is.
    pub is_beside: Option<&'a dyn Fn(&str) -> bool>,
    /// The input that it is to be started with, if that is known.
    pub input: Option<&'a Value>,
}

/// The file that a step means with the name of a sub-workflow, from the folder of its own workflow.
pub fn file_of(name: &str) -> String {
    if document::is_slug(name) {
        format!("{name}.baton.json")
    } else {
        name.to_owned()
    }
}

/// All that `workflow` does otherwise on a cluster, in document order.
pub fn on_cluster(workflow: &Workflow, around: Around<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    for trigger in &workflow.triggers {
        found.push(warning(
            "target-triggers",
            Place::trigger(&trigger.id),
            format!("the trigger `{}` does not fire on the cluster", trigger.id),
            "start the workflow from here, or with a schedule of Temporal",
        ));
    }
    input(workflow, around, &mut found);
    let whole = Place {
        field: Some("timeout".to_owned()),
        ..Place::default()
    };
    short(
        workflow.timeout.as_deref(),
        whole,
        "the workflow",
        &mut found,
    );
    workflow.each_step(|step, _| {
        // What is passed over does nothing anywhere.
        if !step.disabled && step.pin.is_none() {
            look(step, around, &mut found);
        }
    });
    found
}

/// What a run is started with travels to the cluster as it is.
fn input(workflow: &Workflow, around: Around<'_>, found: &mut Vec<Problem>) {
    let place = Place {
        field: Some("input".to_owned()),
        ..Place::default()
    };
    let mut too_much = |what: &str, bytes: usize| {
        if bytes > INPUT_LIMIT {
            found.push(warning(
                "target-input",
                place.clone(),
                format!("{what} has {bytes} bytes, and a cluster carries {INPUT_LIMIT}: no run would start"),
                "put the data into a file that the workers can read, and give its path",
            ));
        }
    };
    match (around.input, &workflow.input) {
        (Some(input), _) => too_much("the input", input.to_string().len()),
        (None, Some(schema)) => too_much("the input that the workflow proposes", defaults(schema)),
        (None, None) => {}
    }
}

/// Bytes of the values that a schema proposes.
fn defaults(schema: &Value) -> usize {
    let Value::Object(schema) = schema else {
        return 0;
    };
    match (schema.get("default"), schema.get("properties")) {
        (Some(default), _) => default.to_string().len(),
        (None, Some(Value::Object(properties))) => properties.values().map(defaults).sum(),
        (None, _) => 0,
    }
}

fn look(step: &Step, around: Around<'_>, found: &mut Vec<Problem>) {
    let id = &step.id;
    kind(id, &step.kind, &step.with, "with", found);
    if let Some(undo) = &step.undo {
        kind(id, &undo.kind, &undo.with, "undo.with", found);
        let place = Place::field(id, "undo.timeout");
        short(undo.timeout.as_deref(), place, &format!("`{id}`"), found);
        retries(id, undo.retry.as_ref(), "undo.retry", found);
    }
    for (_, fields) in WAITS.iter().filter(|(kind, _)| *kind == step.kind) {
        for field in *fields {
            let text = step.with.get(*field).and_then(Value::as_str);
            let place = Place::field(id, format!("with.{field}"));
            short(text, place, &format!("`{id}`"), found);
        }
    }
    let place = Place::field(id, "timeout");
    short(step.timeout.as_deref(), place, &format!("`{id}`"), found);
    retries(id, step.retry.as_ref(), "retry", found);
    if step.kind == "workflow" {
        called(step, around, found);
    }
}

/// What a kind of task does otherwise; taking a step back is a task as well.
fn kind(id: &str, kind: &str, with: &Map<String, Value>, at: &str, found: &mut Vec<Problem>) {
    match kind {
        "notify" => found.push(warning(
            "target-notify",
            Place::step(id),
            format!("`{id}` notifies nobody there: a worker has no desktop"),
            "send a message with a request instead",
        )),
        "run_command" => found.push(warning(
            "target-command",
            Place::field(id, format!("{at}.program")),
            format!("`{id}` starts a program on the machine of the worker"),
            "install the program on every worker",
        )),
        kind => {
            let field = FILES.iter().find(|(one, _)| *one == kind);
            if let Some((field, path)) =
                field.and_then(|(_, field)| Some((field, with.get(*field)?.as_str()?)))
            {
                found.push(warning(
                    "target-local-file",
                    Place::field(id, format!("{at}.{field}")),
                    format!("`{id}` uses `{path}` on the machine of the worker"),
                    "put it into the folder that every worker is given with `--work`",
                ));
            }
        }
    }
}

fn retries(id: &str, retry: Option<&Retry>, at: &str, found: &mut Vec<Problem>) {
    let Some(retry) = retry else { return };
    for (field, text) in [("first", &retry.first), ("max", &retry.max)] {
        let place = Place::field(id, format!("{at}.{field}"));
        short(text.as_deref(), place, &format!("`{id}`"), found);
    }
}

/// A time under a second is longer there. What an expression makes is known when it is there.
fn short(text: Option<&str>, place: Place, who: &str, found: &mut Vec<Problem>) {
    let Some(text) = text else { return };
    let is_short = duration::parse_ms(text).is_ok_and(|ms| (1..1_000).contains(&ms));
    if is_short {
        found.push(warning(
            "target-short-wait",
            place,
            format!("{who} counts on `{text}`, which a cluster may round up to a second"),
            "wait for a second or more, or give the server the settings for short timers",
        ));
    }
}

/// A sub-workflow travels with the run, and is looked for beside the file.
fn called(step: &Step, around: Around<'_>, found: &mut Vec<Problem>) {
    let text = |name: &str| step.with.get(name).and_then(Value::as_str).unwrap_or("");
    let (name, version) = (text("workflow"), text("version"));
    let place = Place::field(&step.id, "with.workflow");
    let id = &step.id;
    if name.contains("{%") {
        found.push(warning(
            "target-sub-workflow",
            place,
            format!("which workflow `{id}` calls is known only when it runs, and only those that steps name travel with a run"),
            "name the workflow, or let a decision choose between steps that name one each",
        ));
    } else if !(version.is_empty() || version == "latest") {
        found.push(warning(
            "target-sub-workflow",
            Place::field(id, "with.version"),
            format!("`{id}` calls a version of `{name}` that is kept here, and a cluster knows only what is beside the file"),
            "call the latest version, which travels with the run",
        ));
    } else if !name.is_empty() && around.is_beside.is_some_and(|is_beside| !is_beside(name)) {
        found.push(warning(
            "target-sub-workflow",
            place,
            format!("`{id}` calls `{name}`, which is not beside the file and does not travel with the run"),
            "save that workflow beside this one before the run is started",
        ));
    }
}

fn warning(code: &str, place: Place, message: String, hint: &str) -> Problem {
    Problem::new(code, Severity::Warning, place, message).hint(hint)
}
