//! What is different between two versions of a workflow: steps, edges and triggers by id and field; where steps stand is
//! told apart from what they do.
//!
//! Nothing is left out: a field that this build does not know counts like any other. Two documents with the same digest
//! differ at most in their layout.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

use crate::document::{Edge, Step, Workflow};

/// What became of a part of the workflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Became {
    /// It is new.
    Added,
    /// It is no longer there.
    Removed,
    /// It is another one.
    Changed,
}

/// A field with another value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export, optional_fields)]
pub struct FieldChange {
    /// Its name; one inside another with a dot between them: `with.path`.
    pub field: String,
    /// What it was; absent: it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown", optional)]
    pub before: Option<Value>,
    /// What it is; absent: it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "unknown", optional)]
    pub after: Option<Value>,
}

/// A step, an edge or a trigger that is different.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PartChange {
    /// Its id; that of a step in a container begins with the container: `each/charge`. An edge: `load->gate`.
    pub id: String,
    /// What became of it.
    pub became: Became,
    /// Its fields that are different; all it has, if it is new; none, if it is gone.
    pub fields: Vec<FieldChange>,
}

/// What is different between two versions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkflowChanges {
    /// Steps.
    pub steps: Vec<PartChange>,
    /// Edges.
    pub edges: Vec<PartChange>,
    /// Triggers.
    pub triggers: Vec<PartChange>,
    /// Name, input, limits and whatever else the workflow itself says.
    pub settings: Vec<FieldChange>,
    /// Some steps or notes stand elsewhere, or the order of the steps is another one. It changes nothing about a run.
    pub layout: bool,
}

impl WorkflowChanges {
    /// Whether both do the same.
    pub fn is_same(&self) -> bool {
        self.steps.is_empty()
            && self.edges.is_empty()
            && self.triggers.is_empty()
            && self.settings.is_empty()
    }
}

/// What is different in `after`.
pub fn compare(before: &Workflow, after: &Workflow) -> WorkflowChanges {
    let (old, new) = (Parts::of(before), Parts::of(after));
    let changes = WorkflowChanges {
        steps: parts(&old.steps, &new.steps),
        edges: parts(&old.edges, &new.edges),
        triggers: parts(&old.triggers, &new.triggers),
        settings: fields("", &old.settings, &new.settings),
        layout: false,
    };
    let layout = before.layout != after.layout || (changes.is_same() && before != after);
    WorkflowChanges { layout, ..changes }
}

/// The parts of a document, each with what it says.
struct Parts {
    steps: Vec<(String, Value)>,
    edges: Vec<(String, Value)>,
    triggers: Vec<(String, Value)>,
    settings: Value,
}

impl Parts {
    fn of(workflow: &Workflow) -> Self {
        let mut parts = Self {
            steps: Vec::new(),
            edges: Vec::new(),
            triggers: workflow
                .triggers
                .iter()
                .map(|trigger| (trigger.id.clone(), as_value(trigger)))
                .collect(),
            settings: as_value(workflow),
        };
        parts.add(&workflow.steps, &workflow.edges, "");
        if let Value::Object(settings) = &mut parts.settings {
            for part in ["steps", "edges", "triggers", "layout"] {
                settings.shift_remove(part);
            }
        }
        parts
    }

    fn add(&mut self, steps: &[Step], edges: &[Edge], inside: &str) {
        for step in steps {
            let id = format!("{inside}{}", step.id);
            let mut says = as_value(step);
            // The inner steps are parts of their own.
            if let Some(Value::Object(body)) = says.get_mut("body") {
                body.shift_remove("steps");
                body.shift_remove("edges");
            }
            self.steps.push((id.clone(), says));
            if let Some(body) = &step.body {
                self.add(&body.steps, &body.edges, &format!("{id}/"));
            }
        }
        for edge in edges {
            let id = format!("{inside}{}", edge.key());
            self.edges.push((id, as_value(edge)));
        }
    }
}

fn as_value(part: &impl Serialize) -> Value {
    // These types hold texts as keys and nothing that JSON cannot say.
    serde_json::to_value(part).unwrap_or_default()
}

/// Parts by id, in the order of the new version, then what is gone. Of several with one id, the first meets the first.
fn parts(old: &[(String, Value)], new: &[(String, Value)]) -> Vec<PartChange> {
    let mut left: Vec<&(String, Value)> = old.iter().collect();
    let mut changes = Vec::new();
    for (id, says) in new {
        let known = left.iter().position(|(known, _)| known == id);
        let known = known.map(|place| left.remove(place));
        let (became, said) = match known {
            Some((_, said)) => (Became::Changed, said.clone()),
            None => (Became::Added, Value::Object(Map::new())),
        };
        let fields = fields("", &said, says);
        if became == Became::Added || !fields.is_empty() {
            let id = id.clone();
            changes.push(PartChange { id, became, fields });
        }
    }
    changes.extend(left.into_iter().map(|(id, _)| PartChange {
        id: id.clone(),
        became: Became::Removed,
        fields: Vec::new(),
    }));
    changes
}

/// Fields that are different, objects field by field.
fn fields(inside: &str, old: &Value, new: &Value) -> Vec<FieldChange> {
    let empty = Map::new();
    let (old, new) = (
        old.as_object().unwrap_or(&empty),
        new.as_object().unwrap_or(&empty),
    );
    let mut changes = Vec::new();
    let names = new
        .keys()
        .chain(old.keys().filter(|name| !new.contains_key(*name)));
    for name in names {
        let field = format!("{inside}{name}");
        match (old.get(name), new.get(name)) {
            (before, after) if before == after => {}
            (Some(before @ Value::Object(_)), Some(after @ Value::Object(_))) => {
                changes.extend(fields(&format!("{field}."), before, after));
            }
            (before, after) => changes.push(FieldChange {
                field,
                before: before.cloned(),
                after: after.cloned(),
            }),
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document;

    fn workflow(change: impl FnOnce(&mut Value)) -> Workflow {
        let mut document = json!({
            "format": 1, "id": "orders", "name": "Orders",
            "triggers": [{ "id": "nightly", "kind": "schedule", "cron": "0 6 * * *" }],
            "steps": [
                { "id": "load", "kind": "read_table", "with": { "path": "a.csv" } },
                { "id": "each", "kind": "for_each", "body": { "steps": [{ "id": "charge", "kind": "set_values" }], "edges": [] } }
            ],
            "edges": [{ "from": "load", "to": "each" }],
            "layout": { "load": [0, 0] }
        });
        change(&mut document);
        document::parse(&document.to_string()).unwrap().workflow
    }

    fn told(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let changes = compare(&workflow(|_| {}), &workflow(change));
        let of = |part: &PartChange| {
            let fields: Vec<&str> = part
                .fields
                .iter()
                .map(|field| field.field.as_str())
                .collect();
            format!("{:?} {} {}", part.became, part.id, fields.join(","))
        };
        let parts = [&changes.steps, &changes.edges, &changes.triggers];
        let mut told: Vec<String> = parts.into_iter().flatten().map(of).collect();
        told.extend(changes.settings.iter().map(|field| field.field.clone()));
        told.extend(changes.layout.then(|| "layout".to_owned()));
        told
    }

    #[test]
    fn nothing_is_different_from_itself() {
        assert_eq!(told(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn steps_edges_triggers_and_settings_are_told_by_id_and_field() {
        assert_eq!(
            told(|it| it["steps"][0]["with"]["path"] = json!("b.csv")),
            ["Changed load with.path"]
        );
        assert_eq!(
            told(|it| it["steps"][1]["body"]["steps"][0]["disabled"] = json!(true)),
            ["Changed each/charge disabled"]
        );
        assert_eq!(
            told(|it| {
                it["steps"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!({ "id": "end", "kind": "end" }));
                it["edges"] = json!([{ "from": "load", "to": "end", "when": "{% true %}" }]);
            }),
            [
                "Added end id,kind",
                "Added load->end from,to,when",
                "Removed load->each "
            ]
        );
        assert_eq!(
            told(|it| it["triggers"][0]["cron"] = json!("0 7 * * *")),
            ["Changed nightly cron"]
        );
        assert_eq!(told(|it| it["triggers"] = json!([])), ["Removed nightly "]);
        assert_eq!(told(|it| it["name"] = json!("Other")), ["name"]);
        assert_eq!(
            told(|it| it["fromTheFuture"] = json!({ "x": 1 })),
            ["fromTheFuture"]
        );
        assert_eq!(
            told(|it| it["steps"][0]["fromTheFuture"] = json!(1)),
            ["Changed load fromTheFuture"]
        );
    }

    #[test]
    fn where_steps_stand_and_their_order_are_layout() {
        assert_eq!(told(|it| it["layout"]["load"] = json!([5, 5])), ["layout"]);
        assert_eq!(
            told(|it| it["steps"].as_array_mut().unwrap().reverse()),
            ["layout"]
        );
    }

    #[test]
    fn the_same_digest_means_the_same() {
        let (one, other) = (workflow(|_| {}), workflow(|it| it["layout"] = json!({})));
        assert_eq!(document::digest(&one), document::digest(&other));
        assert!(compare(&one, &other).is_same());
    }
}
