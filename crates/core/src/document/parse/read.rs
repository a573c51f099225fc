//! A JSON value to a [`Workflow`], keeping whatever does not fit.
//!
//! An optional field of the wrong type stays in `rest` under its own key. A field that the types cannot do
//! without gets a placeholder, and what stood there stays in `rest` under the key with a `?`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::limits::Limits;
use super::super::workflow::{
    About, Body, Edge, FORMAT, Note, Retry, Step, Trigger, Undo, Workflow,
};
use super::fields::{At, Reader, describe};
use super::{MAX_STEPS, ParseError};
use crate::problem::{Place, Problem};

/// Kind of a step that names none.
const NO_KIND: &str = "unknown";

/// The workflow in `value`, and what did not fit.
pub(super) fn workflow(value: Value) -> Result<(Workflow, Vec<Problem>), ParseError> {
    let Value::Object(map) = value else {
        return Err(ParseError::new(
            "not-an-object",
            format!(
                "a workflow is an object in `{{ }}`, but this is {}",
                describe(&value)
            ),
            "open a file that Baton has written, or start a new workflow",
        ));
    };
    let Some(Value::Array(steps)) = map.get("steps") else {
        return Err(ParseError::new(
            "no-steps",
            "there is no list `steps`, so this is not a workflow",
            "add `\"steps\": []`, or open another file",
        ));
    };
    let mut reader = Reader::default();
    reader.look_ahead(steps);
    if reader.steps > MAX_STEPS {
        return Err(ParseError::new(
            "too-many-steps",
            format!(
                "the workflow has {} steps, more than {MAX_STEPS}",
                reader.steps
            ),
            "move parts of it into sub-workflows, or use `for_each` over a list",
        ));
    }
    let workflow = reader.workflow(map);
    Ok((workflow, reader.problems))
}

impl Reader {
    fn workflow(&mut self, mut map: Map<String, Value>) -> Workflow {
        let at = At::default();
        let mut workflow = Workflow {
            format: FORMAT,
            ..Workflow::default()
        };
        match self.needed(&at, &mut map, "id") {
            Some(id) => workflow.id = id,
            None => {
                "workflow".clone_into(&mut workflow.id);
                self.missing(&at, &map, "id", "workflow");
            }
        }
        match self.needed(&at, &mut map, "name") {
            Some(name) => workflow.name = name,
            None => workflow.name.clone_from(&workflow.id),
        }
        let rest = &mut Map::new();
        for (key, value) in map {
            match key.as_str() {
                "$schema" => workflow.schema = self.text(&at, key, value, rest),
                "format" => match value.as_u64().and_then(|format| u32::try_from(format).ok()) {
                    Some(format) => workflow.format = format,
                    None => {
                        self.wrong(at.field(&key), &key, "a whole number", &value);
                        rest.insert("format?".to_owned(), value);
                    }
                },
                "about" => {
                    let about = self.object(&at, key, value, rest);
                    workflow.about = about.map(|map| self.about(&at.inside("about"), map));
                }
                "input" => workflow.input = Some(value),
                "triggers" => match value {
                    Value::Array(items) => {
                        workflow.triggers =
                            items.into_iter().map(|item| self.trigger(item)).collect();
                    }
                    Value::Null => {}
                    value => {
                        self.keep::<()>(&at, key, "a list", value, rest);
                    }
                },
                "timeout" => workflow.timeout = self.text(&at, key, value, rest),
                "onFailure" => {
                    workflow.on_failure = self.leaf(&at, key, "`cancel` or `finish`", value, rest);
                }
                "limits" => {
                    let limits = self.object(&at, key, value, rest);
                    workflow.limits = limits.map(|map| self.limits(&at.inside("limits"), map));
                }
                "steps" => {
                    let items = self.list(&at, &key, value, rest);
                    workflow.steps = items.into_iter().map(|item| self.step(item)).collect();
                }
                "edges" => {
                    let items = self.list(&at, &key, value, rest);
                    workflow.edges = items.into_iter().map(|item| self.edge(item)).collect();
                }
                "notes" => match value {
                    Value::Array(items) => {
                        workflow.notes = items.into_iter().map(|item| self.note(item)).collect();
                    }
                    Value::Null => {}
                    value => {
                        self.keep::<()>(&at, key, "a list", value, rest);
                    }
                },
                "layout" => {
                    for (id, point) in self.object(&at, key, value, rest).unwrap_or_default() {
                        match point_of(&point) {
                            Some(point) => {
                                workflow.layout.insert(id, point);
                            }
                            // A place is made anew; nothing is lost by dropping a wrong one.
                            None => self.wrong(
                                at.inside("layout").field(&id),
                                &id,
                                "two numbers",
                                &point,
                            ),
                        }
                    }
                }
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        workflow.rest = std::mem::take(rest);
        workflow
    }

    fn about(&mut self, at: &At, map: Map<String, Value>) -> About {
        let mut about = About::default();
        let rest = &mut about.rest;
        for (key, value) in map {
            match key.as_str() {
                "purpose" => about.purpose = self.text(at, key, value, rest),
                "owner" => about.owner = self.text(at, key, value, rest),
                "tags" => about.tags = self.leaf(at, key, "a list of texts", value, rest),
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        about
    }

    fn limits(&mut self, at: &At, map: Map<String, Value>) -> Limits {
        let mut limits = Limits::default();
        let rest = &mut limits.rest;
        for (key, value) in map {
            let number = "a whole number";
            match key.as_str() {
                "steps" => limits.steps = self.leaf(at, key, number, value, rest),
                "iterations" => limits.iterations = self.leaf(at, key, number, value, rest),
                "depth" => limits.depth = self.leaf(at, key, number, value, rest),
                "inFlight" => limits.in_flight = self.leaf(at, key, number, value, rest),
                "payload" => limits.payload = self.text(at, key, value, rest),
                "runPayload" => limits.run_payload = self.text(at, key, value, rest),
                "memory" => limits.memory = self.text(at, key, value, rest),
                "wallTime" => limits.wall_time = self.text(at, key, value, rest),
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        limits
    }

    fn trigger(&mut self, value: Value) -> Trigger {
        let mut map = self.thing(value, "a trigger");
        let id = match map.get("id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => self.new_id("trigger"),
        };
        let at = At::new(Place::trigger(id.as_str()));
        if self.needed(&at, &mut map, "id").is_none() {
            self.missing(&at, &map, "id", &id);
        }
        let kind = self.needed(&at, &mut map, "kind").unwrap_or_else(|| {
            self.missing(&at, &map, "kind", NO_KIND);
            NO_KIND.to_owned()
        });
        Trigger {
            id,
            kind,
            with: map,
        }
    }

    fn step(&mut self, value: Value) -> Step {
        let mut map = self.thing(value, "a step");
        let id = match map.get("id").and_then(Value::as_str) {
            Some(id) => id.to_owned(),
            None => self.new_id("step"),
        };
        let at = At::new(Place::step(id.as_str()));
        if self.needed(&at, &mut map, "id").is_none() {
            self.missing(&at, &map, "id", &id);
        }
        let kind = self.needed(&at, &mut map, "kind").unwrap_or_else(|| {
            self.missing(&at, &map, "kind", NO_KIND);
            NO_KIND.to_owned()
        });
        let mut step = Step {
            id,
            kind,
            ..Step::default()
        };
        let rest = &mut step.rest;
        for (key, value) in map {
            match key.as_str() {
                "name" => step.name = self.text(&at, key, value, rest),
                "description" => step.description = self.text(&at, key, value, rest),
                "with" => step.with = self.object(&at, key, value, rest).unwrap_or_default(),
                "join" => {
                    let expected = "`live`, `all`, `first` or `{ \"atLeast\": 2 }`";
                    step.join = self.leaf(&at, key, expected, value, rest);
                }
                "cancelRest" => step.cancel_rest = self.flag(&at, key, value, rest),
                "retry" => {
                    let retry = self.object(&at, key, value, rest);
                    step.retry = retry.map(|map| self.retry(&at.inside("retry"), map));
                }
                "timeout" => step.timeout = self.text(&at, key, value, rest),
                "resource" => step.resource = self.text(&at, key, value, rest),
                "undo" => {
                    let undo = self.object(&at, key, value, rest);
                    step.undo = undo.map(|map| self.undo(&at.inside("undo"), map));
                }
                "disabled" => step.disabled = self.flag(&at, key, value, rest),
                "pin" => step.pin = Some(value),
                "body" => {
                    let body = self.object(&at, key, value, rest);
                    step.body = body.map(|map| self.body(&at.inside("body"), map));
                }
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        step
    }

    fn body(&mut self, at: &At, map: Map<String, Value>) -> Body {
        let mut body = Body::default();
        let rest = &mut body.rest;
        for (key, value) in map {
            match key.as_str() {
                "steps" => {
                    let items = self.list(at, &key, value, rest);
                    body.steps = items.into_iter().map(|item| self.step(item)).collect();
                }
                "edges" => {
                    let items = self.list(at, &key, value, rest);
                    body.edges = items.into_iter().map(|item| self.edge(item)).collect();
                }
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        body
    }

    fn retry(&mut self, at: &At, map: Map<String, Value>) -> Retry {
        let mut retry = Retry::default();
        let rest = &mut retry.rest;
        for (key, value) in map {
            match key.as_str() {
                "attempts" => retry.attempts = self.leaf(at, key, "a whole number", value, rest),
                "first" => retry.first = self.text(at, key, value, rest),
                "factor" => retry.factor = self.leaf(at, key, "a number", value, rest),
                "max" => retry.max = self.text(at, key, value, rest),
                "jitter" => retry.jitter = self.leaf(at, key, "a number from 0 to 1", value, rest),
                "when" => retry.when = self.text(at, key, value, rest),
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        retry
    }

    fn undo(&mut self, at: &At, mut map: Map<String, Value>) -> Undo {
        let kind = self.needed(at, &mut map, "kind").unwrap_or_else(|| {
            self.missing(at, &map, "kind", NO_KIND);
            NO_KIND.to_owned()
        });
        let mut undo = Undo {
            kind,
            ..Undo::default()
        };
        let rest = &mut undo.rest;
        for (key, value) in map {
            match key.as_str() {
                "with" => undo.with = self.object(at, key, value, rest).unwrap_or_default(),
                "retry" => {
                    let retry = self.object(at, key, value, rest);
                    undo.retry = retry.map(|map| self.retry(&at.inside("retry"), map));
                }
                "timeout" => undo.timeout = self.text(at, key, value, rest),
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        undo
    }

    fn edge(&mut self, value: Value) -> Edge {
        let mut map = self.thing(value, "an edge");
        let end = |key| {
            map.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let at = At::new(Place::edge(format!("{}->{}", end("from"), end("to"))));
        let mut edge = Edge::default();
        for (key, end) in [("from", &mut edge.from), ("to", &mut edge.to)] {
            match self.needed(&at, &mut map, key) {
                Some(text) => *end = text,
                None => self.missing(&at, &map, key, ""),
            }
        }
        let rest = &mut edge.rest;
        for (key, value) in map {
            match key.as_str() {
                "on" => edge.on = self.leaf(&at, key, "`error` or `always`", value, rest),
                "when" => edge.when = self.text(&at, key, value, rest),
                "label" => edge.label = self.text(&at, key, value, rest),
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        edge
    }

    fn note(&mut self, value: Value) -> Note {
        let mut map = self.thing(value, "a note");
        let at = At::default();
        let id = self.needed(&at, &mut map, "id").unwrap_or_else(|| {
            let id = self.new_id("note");
            self.missing(&at, &map, "id", &id);
            id
        });
        let mut note = Note {
            id,
            ..Note::default()
        };
        let rest = &mut note.rest;
        for (key, value) in map {
            match key.as_str() {
                "text" => match value {
                    Value::String(text) => note.text = text.lines().map(str::to_owned).collect(),
                    Value::Null => {}
                    value => match Vec::<String>::deserialize(&value) {
                        Ok(lines) => note.text = lines,
                        Err(_) => {
                            self.wrong(at.field(&key), &key, "a list of lines", &value);
                            rest.insert("text?".to_owned(), value);
                        }
                    },
                },
                "size" => match point_of(&value) {
                    Some(size) => note.size = Some(size),
                    None if value.is_null() => {}
                    None => {
                        self.keep::<()>(&at, key, "two numbers", value, rest);
                    }
                },
                "color" => note.color = self.text(&at, key, value, rest),
                _ => {
                    rest.insert(key, value);
                }
            }
        }
        note
    }
}

fn point_of(value: &Value) -> Option<[f64; 2]> {
    <[f64; 2]>::deserialize(value)
        .ok()
        .filter(|[x, y]| x.is_finite() && y.is_finite())
}
