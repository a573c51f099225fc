//! What people are told about steps and workflows before they run.

use baton_core::control::OTHERWISE;
use baton_core::document::{Step, Workflow};
use serde_json::Value;

use crate::config::{With, shown};
use crate::{summary_of, touches_of};

/// One thing that a run of a workflow could do outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Touch {
    /// `program`, `read`, `write`, `delete`, `host`, `secret`, `message`.
    pub kind: &'static str,
    /// What: the program, path, host or name, as written in the document.
    pub target: String,
    /// Id of the step.
    pub step: String,
}

/// What a run of `workflow` could do, read off the document: expressions are shown as written. Undo tasks count.
pub fn effects(workflow: &Workflow) -> Vec<Touch> {
    let mut all = Vec::new();
    workflow.each_step(|step, _| {
        let undo = step
            .undo
            .iter()
            .map(|undo| (undo.kind.as_str(), &undo.with));
        for (kind, with) in std::iter::once((step.kind.as_str(), &step.with)).chain(undo) {
            for (kind, target) in touches_of(kind, with) {
                let touch = Touch {
                    kind,
                    target,
                    step: step.id.clone(),
                };
                if !all.contains(&touch) {
                    all.push(touch);
                }
            }
        }
    });
    all
}

/// A few words about the settings of `step`, for its card: `airports.csv`, `4 rules`, `to data-steward`. Empty where
/// there is nothing to say.
pub fn summary(step: &Step) -> String {
    let text = summary_of(&step.kind, &step.with).unwrap_or_else(|| control_summary(step));
    shorten(&text, 60)
}

fn control_summary(step: &Step) -> String {
    let with = &step.with;
    match step.kind.as_str() {
        "decision" => {
            let cases = with.get("cases").and_then(Value::as_array);
            let mut ports: Vec<&str> = cases
                .into_iter()
                .flatten()
                .filter_map(|case| case.get("port")?.as_str())
                .collect();
            if !ports.contains(&OTHERWISE) {
                ports.push(OTHERWISE);
            }
            ports.join(" / ")
        }
        "rules" => counted(with, "rules", "rule", "rules"),
        "for_each" => {
            let items = expression(&shown(with, "items"));
            let step_count = step.body.as_ref().map_or(0, |body| body.steps.len());
            if items.is_empty() {
                format!("{step_count} steps")
            } else {
                format!("over {items}")
            }
        }
        "repeat" => prefixed("until ", &expression(&shown(with, "until"))),
        "scope" => {
            let count = step.body.as_ref().map_or(0, |body| body.steps.len());
            number(count, "step", "steps")
        }
        "workflow" => file_name(&shown(with, "workflow")),
        "end" => {
            let outcome = shown(with, "outcome");
            if outcome.is_empty() {
                shown(with, "name")
            } else {
                outcome
            }
        }
        "fail" => shown(with, "message"),
        "approval" | "form" => {
            let to = with.get("to").and_then(Value::as_array);
            let names: Vec<&str> = to.into_iter().flatten().filter_map(Value::as_str).collect();
            let names = if names.is_empty() {
                shown(with, "to")
            } else {
                names.join(", ")
            };
            prefixed("to ", &names)
        }
        "wait" => {
            let duration = shown(with, "for");
            if duration.is_empty() {
                prefixed("until ", &shown(with, "until"))
            } else {
                duration
            }
        }
        "wait_for" => shown(with, "event"),
        _ => String::new(),
    }
}

/// `3 rules`: how many entries the list or mapping `key` has.
pub(crate) fn counted(with: &With, key: &str, one: &str, many: &str) -> String {
    let count = match with.get(key) {
        Some(Value::Array(list)) => list.len(),
        Some(Value::Object(map)) => map.len(),
        Some(Value::String(text)) => return expression(text),
        _ => 0,
    };
    number(count, one, many)
}

/// `1 rule`, `3 rules`.
pub(crate) fn number(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The last part of a path, as written.
pub(crate) fn file_name(path: &str) -> String {
    if path.contains("{%") {
        return expression(path);
    }
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// `text` without the marks of a template, if it is exactly one.
pub(crate) fn expression(text: &str) -> String {
    let inner = text
        .trim()
        .strip_prefix("{%")
        .and_then(|rest| rest.strip_suffix("%}"));
    inner
        .filter(|inner| !inner.contains("{%"))
        .unwrap_or(text)
        .trim()
        .to_owned()
}

fn prefixed(prefix: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("{prefix}{text}")
    }
}

/// The first line of `text`, at most `limit` characters.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    let line = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    if line.chars().count() <= limit {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(limit - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
#[path = "tests/overview.rs"]
mod tests;
