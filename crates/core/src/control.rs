//! The control kinds: carried out by the machine, closed, and the same on every host.
//!
//! What each means is in [`crate::machine`]; here is how it is configured.

use serde_json::{Map, Value, json};

use crate::step_kind::{Category, Effect, Form, Port, Ports, StepKind};

/// Name of the port that a decision takes when no case is true.
pub const OTHERWISE: &str = "else";

fn pure(_: &Map<String, Value>) -> Effect {
    Effect::Pure
}

/// The control kinds, in palette order.
pub fn kinds() -> Vec<StepKind> {
    let kind = |kind, title, summary, category, icon, ports, form: &str, output| StepKind {
        kind,
        title,
        summary,
        category,
        icon,
        ports,
        effect: pure,
        is_control: true,
        is_container: matches!(kind, "for_each" | "repeat" | "scope"),
        form: Form::parse(kind, form),
        schema: json!({ "type": "object" }),
        output,
    };
    vec![
        kind(
            "decision",
            "Decision",
            "Takes the first case whose condition is true, else the default.",
            Category::Flow,
            "split",
            Ports::Configured(decision_ports),
            include_str!("control/decision.form.json"),
            &[("port", "the chosen case")],
        ),
        kind(
            "rules",
            "Decision table",
            "Compares inputs with the rows of a table and hands on what the matching rows say.",
            Category::Flow,
            "table-properties",
            Ports::Fixed(&[("matched", "Matched"), ("unmatched", "No match")]),
            include_str!("control/rules.form.json"),
            &[("…", "the outputs of the matching rule, or a list of them")],
        ),
        kind(
            "merge",
            "Merge",
            "Brings branches together; its join says for how many it waits.",
            Category::Flow,
            "merge",
            Ports::Plain,
            include_str!("control/merge.form.json"),
            &[],
        ),
        kind(
            "for_each",
            "For each",
            "Runs its body once for every item, several at a time.",
            Category::Flow,
            "repeat-2",
            Ports::Plain,
            include_str!("control/for_each.form.json"),
            &[
                (
                    "results",
                    "one result per item, in order; null where an item failed",
                ),
                ("succeeded", "number of items"),
                ("failed", "number of items"),
                ("errors", "index and message of each failed item"),
            ],
        ),
        kind(
            "repeat",
            "Repeat",
            "Runs its body again until a condition is true.",
            Category::Flow,
            "refresh-cw",
            Ports::Fixed(&[("done", "Done"), ("exhausted", "Gave up")]),
            include_str!("control/repeat.form.json"),
            &[
                ("result", "result of the last iteration"),
                ("iterations", "how often it ran"),
            ],
        ),
        kind(
            "scope",
            "Scope",
            "Steps that succeed or fail together, with one time limit and one error path.",
            Category::Flow,
            "group",
            Ports::Plain,
            include_str!("control/scope.form.json"),
            &[("result", "result of the body")],
        ),
        kind(
            "workflow",
            "Sub-workflow",
            "Runs another workflow and waits for its outcome.",
            Category::Flow,
            "workflow",
            Ports::Plain,
            include_str!("control/workflow.form.json"),
            &[
                ("run", "id of the run"),
                ("outcome", "its outcome"),
                ("outputs", "its outputs"),
            ],
        ),
        kind(
            "end",
            "End",
            "Names the outcome of the run.",
            Category::Flow,
            "flag",
            Ports::Plain,
            include_str!("control/end.form.json"),
            &[],
        ),
        kind(
            "fail",
            "Fail",
            "Fails, with a message of its own.",
            Category::Flow,
            "octagon-x",
            Ports::Plain,
            include_str!("control/fail.form.json"),
            &[],
        ),
        kind(
            "approval",
            "Approval",
            "Asks people to approve or reject, with the evidence they need.",
            Category::People,
            "stamp",
            Ports::Fixed(&[
                ("approved", "Approved"),
                ("rejected", "Rejected"),
                ("expired", "Expired"),
            ]),
            include_str!("control/approval.form.json"),
            &[
                ("decision", "approved, rejected or expired"),
                ("by", "who decided"),
                ("comment", "what they said"),
            ],
        ),
        kind(
            "form",
            "Form",
            "Asks a person for data.",
            Category::People,
            "clipboard-pen",
            Ports::Fixed(&[("submitted", "Submitted"), ("expired", "Expired")]),
            include_str!("control/form.form.json"),
            &[("data", "what was filled in"), ("by", "who filled it in")],
        ),
        kind(
            "wait",
            "Wait",
            "Waits for a while or until an instant.",
            Category::Time,
            "timer",
            Ports::Plain,
            include_str!("control/wait.form.json"),
            &[],
        ),
        kind(
            "wait_for",
            "Wait for event",
            "Waits until an event with a matching key arrives.",
            Category::Time,
            "radio",
            Ports::Fixed(&[("received", "Received"), ("expired", "Expired")]),
            include_str!("control/wait_for.form.json"),
            &[
                ("payload", "what the event carried"),
                ("event", "its name"),
                ("key", "its key"),
            ],
        ),
    ]
}

fn decision_ports(with: &Map<String, Value>) -> Vec<Port> {
    let cases = with
        .get("cases")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let mut ports: Vec<Port> = Vec::new();
    for name in cases.iter().filter_map(|case| case.get("port")?.as_str()) {
        if !ports.iter().any(|port| port.name == name) {
            let title = cases
                .iter()
                .find(|case| case.get("port").and_then(Value::as_str) == Some(name))
                .and_then(|case| case.get("title")?.as_str())
                .unwrap_or(name);
            ports.push(Port::new(name, title));
        }
    }
    if !ports.iter().any(|port| port.name == OTHERWISE) {
        ports.push(Port::new(OTHERWISE, "Otherwise"));
    }
    ports
}
