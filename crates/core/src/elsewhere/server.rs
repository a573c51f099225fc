//! On another Baton that serves: nobody sits in front of it, and its files are not those of this computer.

use serde_json::{Map, Value};

use crate::document::{Step, Workflow};
use crate::problem::{Place, Problem, Severity};

/// Kinds that read or write files of the machine that carries them out, with the field that names the file.
const FILES: &[(&str, &str)] = &[
    ("read_table", "path"),
    ("remove_file", "path"),
    ("write_table", "path"),
];

/// What of `workflow` is otherwise on a server, in document order.
pub fn on_server(workflow: &Workflow) -> Vec<Problem> {
    let mut found = Vec::new();
    workflow.each_step(|step, _| {
        look(step, &step.kind, &step.with, "with", &mut found);
        if let Some(undo) = &step.undo {
            look(step, &undo.kind, &undo.with, "undo.with", &mut found);
        }
    });
    found
}

fn look(step: &Step, kind: &str, with: &Map<String, Value>, at: &str, found: &mut Vec<Problem>) {
    let id = &step.id;
    let mut say = |code: &str, field: &str, message: String, hint: &str| {
        let place = match field {
            "" => Place::step(id),
            field => Place::field(id, format!("{at}.{field}")),
        };
        found.push(Problem::new(code, Severity::Warning, place, message).hint(hint));
    };
    match kind {
        "notify" => say(
            "target-notify",
            "",
            format!(
                "`{id}` is seen by nobody at a desktop there: only by who has the server open in a browser"
            ),
            "send a message with a request instead, or ask with an approval, which waits in the inbox",
        ),
        "run_command" => say(
            "target-command",
            "program",
            format!("`{id}` starts a program on the machine of the server"),
            "look that the program is installed there",
        ),
        "workflow" => {
            if let Some(path) = text(with, "workflow") {
                let message = if path.contains(['/', '\\', '.']) {
                    format!("`{id}` runs `{path}` from the workspace folder of the server")
                } else {
                    format!(
                        "`{id}` runs the last revision of `{path}` that was pushed to the server"
                    )
                };
                let hint = "push it to the server, and call it by its id";
                say("target-sub-workflow", "workflow", message, hint);
            }
        }
        kind => {
            let field = FILES.iter().find(|(known, _)| *known == kind);
            let Some((_, field)) = field else { return };
            let Some(path) = text(with, field) else {
                return;
            };
            let folder = if is_absolute(path) {
                "on the machine of the server"
            } else {
                "in the workspace folder of the server"
            };
            say(
                "target-local-file",
                field,
                format!("`{id}` uses `{path}` {folder}, not on this computer"),
                "put the file there, or name one that the server has",
            );
        }
    }
}

/// A field that is written out.
fn text<'a>(with: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    with.get(field)?.as_str().filter(|text| !text.is_empty())
}

/// On whatever system the server runs.
fn is_absolute(path: &str) -> bool {
    let is_drive = path.as_bytes().get(1) == Some(&b':');
    path.starts_with(['/', '\\']) || is_drive
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document;

    fn found(steps: &Value) -> Vec<(String, String, String)> {
        let text = json!({ "format": 1, "id": "a", "name": "A", "steps": steps, "edges": [] });
        let workflow = document::parse(&text.to_string()).unwrap().workflow;
        let each = on_server(&workflow).into_iter().map(|problem| {
            assert!(problem.hint.is_some() && problem.severity == Severity::Warning);
            (
                problem.code,
                problem.place.step.unwrap(),
                problem.place.field.unwrap_or_default(),
            )
        });
        each.collect()
    }

    fn row(code: &str, step: &str, field: &str) -> (String, String, String) {
        (code.to_owned(), step.to_owned(), field.to_owned())
    }

    #[test]
    fn files_programs_and_messages_are_those_of_the_server() {
        let steps = json!([
            { "id": "read", "kind": "read_table", "with": { "path": "in.csv" } },
            { "id": "each", "kind": "for_each", "with": { "items": "{% [1] %}" }, "body": { "steps": [
                { "id": "tell", "kind": "notify", "with": { "title": "a" } }
            ], "edges": [] } },
            { "id": "call", "kind": "run_command", "with": { "program": "sh" },
              "undo": { "kind": "remove_file", "with": { "path": "C:\\out.csv" } } },
            { "id": "sub", "kind": "workflow", "with": { "workflow": "other.baton.json" } },
            { "id": "set", "kind": "set_values", "with": { "values": { "path": "x" } } }
        ]);
        assert_eq!(
            found(&steps),
            [
                row("target-local-file", "read", "with.path"),
                row("target-notify", "tell", ""),
                row("target-command", "call", "with.program"),
                row("target-local-file", "call", "undo.with.path"),
                row("target-sub-workflow", "sub", "with.workflow"),
            ]
        );
    }

    #[test]
    fn what_computes_is_the_same_everywhere() {
        assert_eq!(
            found(&json!([{ "id": "a", "kind": "set_values", "with": { "values": { "x": 1 } } }])),
            []
        );
    }
}
