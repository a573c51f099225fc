//! What a cluster does otherwise than this computer, said before a workflow is handed over.

use std::path::Path;

use baton_core::document::{self, Step};
use serde_json::Value;

use crate::check::Finding;
use crate::error::ClusterError;

/// Kinds that read or write files of the machine that carries them out, with the field that names the file.
const FILES: &[(&str, &str)] = &[
    ("read_table", "path"),
    ("write_table", "path"),
    ("remove_file", "path"),
];

/// What of the workflow in `file` a cluster does otherwise.
///
/// # Errors
///
/// If the file is no workflow.
pub fn of_file(file: &Path) -> Result<Vec<Finding>, ClusterError> {
    let unusable = |error: &dyn std::fmt::Display| {
        ClusterError::new(
            "workflow-unusable",
            format!("`{}` cannot be used: {error}", file.display()),
            "open it in Baton to see what is wrong",
        )
    };
    let content = std::fs::read(file).map_err(|error| unusable(&error))?;
    let parsed = document::parse_bytes(&content).map_err(|error| unusable(&error))?;
    let mut found = Vec::new();
    if !parsed.workflow.triggers.is_empty() {
        found.push(finding(
            "target-triggers",
            "its triggers do not fire on the cluster".to_owned(),
            "start it from here, or with a schedule of Temporal",
        ));
    }
    look(&parsed.workflow.steps, &mut found);
    Ok(found)
}

fn look(steps: &[Step], found: &mut Vec<Finding>) {
    for step in steps {
        let id = &step.id;
        let text = |name: &str| step.with.get(name).and_then(Value::as_str);
        match step.kind.as_str() {
            "notify" => found.push(finding(
                "target-notify",
                format!("`{id}` notifies nobody there: a worker has no desktop"),
                "send a message with a request instead",
            )),
            "run_command" => found.push(finding(
                "target-command",
                format!("`{id}` starts a program on the machine of the worker"),
                "install the program on every worker",
            )),
            "wait" | "repeat" if is_short(text("for").or(text("delay"))) => found.push(finding(
                "target-short-wait",
                format!("`{id}` waits less than a second, which a cluster rounds up to one"),
                "wait for a second or more",
            )),
            kind => {
                let field = FILES.iter().find(|(one, _)| *one == kind);
                if let Some(path) = field.and_then(|(_, field)| text(field)) {
                    found.push(finding(
                        "target-local-file",
                        format!("`{id}` uses `{path}` on the machine of the worker"),
                        "put it into the folder that every worker is given with `--work`",
                    ));
                }
            }
        }
        if let Some(body) = &step.body {
            look(&body.steps, found);
        }
    }
}

fn is_short(length: Option<&str>) -> bool {
    let ms = length.and_then(|length| baton_core::duration::parse_ms(length).ok());
    ms.is_some_and(|ms| (1..1_000).contains(&ms))
}

fn finding(code: &str, message: String, hint: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        ok: false,
        message,
        hint: hint.to_owned(),
    }
}
