//! Making a workflow ready to run: the last fence before a run.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::plan::{
    Control, EdgePlan, Graph, GraphIx, HitPolicy, ItemPolicy, RetryPlan, Rule, StepIx, StepPlan,
    UndoPlan,
};
use crate::document::{Body, Edge, Retry, Step};
use crate::duration::parse_ms;
use crate::expression::{Config, Expression, ExpressionError, condition_source};
use crate::problem::{Place, Problem, Severity};
use crate::step_kind::{Catalog, Effect};

pub(super) struct Compiler<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) graphs: Vec<Graph>,
    pub(super) steps: Vec<StepPlan>,
    pub(super) by_id: IndexMap<String, StepIx>,
    pub(super) env: BTreeSet<String>,
    pub(super) problems: Vec<Problem>,
}

impl Compiler<'_> {
    fn problem(&mut self, code: &str, place: Place, message: impl Into<String>) {
        self.problems
            .push(Problem::new(code, Severity::Error, place, message));
    }

    fn expression_problem(&mut self, place: Place, error: &ExpressionError) {
        let place = Place {
            offset: error.offset.and_then(|at| u32::try_from(at).ok()),
            ..place
        };
        let problem = Problem::new(
            "expression-syntax",
            Severity::Error,
            place,
            error.message.clone(),
        );
        self.problems.push(match &error.hint {
            Some(hint) => problem.hint(hint.clone()),
            None => problem,
        });
    }

    pub(super) fn duration(
        &mut self,
        place: Place,
        field: &str,
        text: Option<&str>,
    ) -> Option<i64> {
        match parse_ms(text?) {
            Ok(ms) => Some(ms),
            Err(message) => {
                self.problem(
                    "duration",
                    Place {
                        field: Some(field.to_owned()),
                        ..place
                    },
                    message,
                );
                None
            }
        }
    }

    pub(super) fn graph(
        &mut self,
        steps: &[Step],
        edges: &[Edge],
        owner: Option<StepIx>,
    ) -> GraphIx {
        let graph = self.graphs.len();
        self.graphs.push(Graph {
            owner,
            steps: Vec::new(),
            edges: Vec::new(),
        });
        let mut locals: BTreeMap<&str, usize> = BTreeMap::new();
        for (local, step) in steps.iter().enumerate() {
            if locals.insert(&step.id, local).is_some() || self.by_id.contains_key(&step.id) {
                self.problem(
                    "duplicate-id",
                    Place::step(&step.id),
                    format!("two steps have the id `{}`", step.id),
                );
            }
            let index = self.step(step, graph, local);
            self.graphs[graph].steps.push(index);
        }
        let mut keys = BTreeSet::new();
        for edge in edges {
            self.edge(edge, graph, &locals, &mut keys);
        }
        self.refuse_cycles(graph);
        self.find_losers(graph, steps);
        graph
    }

    fn edge(
        &mut self,
        edge: &Edge,
        graph: GraphIx,
        locals: &BTreeMap<&str, usize>,
        keys: &mut BTreeSet<String>,
    ) {
        let key = edge.key();
        let place = Place::edge(&key);
        let (Some(&from), Some(&to)) = (locals.get(edge.from_step()), locals.get(edge.to.as_str()))
        else {
            self.problem(
                "unknown-step",
                place,
                format!("edge `{key}` leads from or to a step that is not there"),
            );
            return;
        };
        if !keys.insert(key.clone()) {
            self.problem(
                "duplicate-edge",
                place,
                format!("there are two edges `{key}`"),
            );
            return;
        }
        let when = edge.when.as_deref().filter(|when| !when.trim().is_empty());
        let when = when.and_then(|when| {
            self.condition(
                Place {
                    field: Some("when".to_owned()),
                    ..place
                },
                when,
            )
        });
        let position = self.graphs[graph].edges.len();
        self.graphs[graph].edges.push(EdgePlan {
            key,
            port: edge.from_port().map(str::to_owned),
            to,
            on: edge.on,
            when,
        });
        let (from, to) = (self.graphs[graph].steps[from], self.graphs[graph].steps[to]);
        self.steps[from].outgoing.push(position);
        self.steps[to].incoming += 1;
    }

    fn condition(&mut self, place: Place, text: &str) -> Option<Expression> {
        match Expression::parse(condition_source(text)) {
            Ok(expression) => {
                self.note_env(&expression);
                Some(expression)
            }
            Err(error) => {
                self.expression_problem(place, &error);
                None
            }
        }
    }

    fn note_env(&mut self, expression: &Expression) {
        for reference in expression.references() {
            if let [root, name, ..] = reference.path.as_slice()
                && root == "env"
            {
                self.env.insert(name.clone());
            }
        }
    }

    fn config(&mut self, place: Place, value: &Value) -> Config {
        match Config::parse(value) {
            Ok(config) => {
                self.note_env_of(&config);
                config
            }
            Err((path, error)) => {
                let field = format!("{}{path}", place.field.clone().unwrap_or_default());
                self.expression_problem(
                    Place {
                        field: Some(field),
                        ..place
                    },
                    &error,
                );
                Config::Plain(Value::Null)
            }
        }
    }

    fn note_env_of(&mut self, config: &Config) {
        match config {
            Config::Plain(_) => {}
            Config::Template(template) => {
                for expression in template.expressions() {
                    self.note_env(expression);
                }
            }
            Config::List(items) => items.iter().for_each(|item| self.note_env_of(item)),
            Config::Object(fields) => fields.iter().for_each(|(_, item)| self.note_env_of(item)),
        }
    }

    fn step(&mut self, step: &Step, graph: GraphIx, local: usize) -> StepIx {
        let index = self.steps.len();
        let place = Place::step(&step.id);
        let kind = self.catalog.find(&step.kind).cloned();
        if kind.is_none() && !step.disabled {
            self.problem(
                "unknown-kind",
                place.clone(),
                format!("this build has no step kind `{}`", step.kind),
            );
        }
        let with = joined_lines(step, kind.as_ref());
        let is_control = kind.as_ref().is_some_and(|kind| kind.is_control);
        let control = (is_control && !step.disabled)
            .then(|| self.control(step, &with))
            .flatten();
        // Fields that the machine evaluates at another moment than the start are not part of the start.
        let at_start = match step.kind.as_str() {
            "decision" | "rules" => Map::new(),
            _ => with
                .iter()
                .filter(|(name, _)| {
                    !is_control
                        || !matches!(name.as_str(), "until" | "result" | "delay")
                        || step.kind == "wait"
                })
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        };
        let config = if step.disabled {
            Config::Plain(Value::Object(Map::new()))
        } else {
            self.config(
                Place {
                    field: Some("with".to_owned()),
                    ..place.clone()
                },
                &Value::Object(at_start),
            )
        };
        let retry = self.retry(&place, "retry", step.retry.as_ref());
        let timeout_ms = self.duration(place.clone(), "timeout", step.timeout.as_deref());
        let undo = step.undo.as_ref().map(|undo| {
            let field = Place {
                field: Some("undo.with".to_owned()),
                ..place.clone()
            };
            let kind = self
                .catalog
                .find(&undo.kind)
                .filter(|kind| !kind.is_control)
                .cloned();
            if kind.is_none() {
                let place = Place {
                    field: Some("undo.kind".to_owned()),
                    ..place.clone()
                };
                self.problem(
                    "unknown-kind",
                    place,
                    format!("`{}` is not a task that can undo", undo.kind),
                );
            }
            UndoPlan {
                kind: undo.kind.clone(),
                config: self.config(field, &Value::Object(undo.with.clone())),
                retry: self.retry(&place, "undo.retry", undo.retry.as_ref()),
                timeout_ms: self.duration(place.clone(), "undo.timeout", undo.timeout.as_deref()),
                effect: kind.map_or(|_| Effect::Unsafe, |kind| kind.effect),
            }
        });
        self.by_id.insert(step.id.clone(), index);
        self.steps.push(StepPlan {
            id: step.id.clone(),
            title: step.title().to_owned(),
            kind: step.kind.clone(),
            control,
            graph,
            local,
            incoming: 0,
            outgoing: Vec::new(),
            join: step.join.unwrap_or_default(),
            losers: Vec::new(),
            config,
            retry,
            timeout_ms,
            resource: step.resource.clone(),
            undo,
            effect: kind.as_ref().map_or(|_| Effect::Unsafe, |kind| kind.effect),
            disabled: step.disabled,
            pin: step.pin.clone(),
            body: None,
        });
        if kind.is_some_and(|kind| kind.is_container) && !step.disabled {
            let empty = Body::default();
            let body = step.body.as_ref().unwrap_or(&empty);
            let graph = self.graph(&body.steps, &body.edges, Some(index));
            self.steps[index].body = Some(graph);
        }
        index
    }

    fn retry(&mut self, place: &Place, field: &str, retry: Option<&Retry>) -> RetryPlan {
        let Some(retry) = retry else {
            return RetryPlan {
                attempts: 1,
                first_ms: 1_000,
                factor: 2.0,
                max_ms: 300_000,
                jitter: 0.0,
                when: None,
            };
        };
        let first = self.duration(
            place.clone(),
            &format!("{field}.first"),
            retry.first.as_deref(),
        );
        let max = self.duration(place.clone(), &format!("{field}.max"), retry.max.as_deref());
        let when = retry.when.as_deref().filter(|when| !when.trim().is_empty());
        let when = when.and_then(|when| {
            self.condition(
                Place {
                    field: Some(format!("{field}.when")),
                    ..place.clone()
                },
                when,
            )
        });
        RetryPlan {
            attempts: retry.attempts.unwrap_or(3).max(1),
            first_ms: first.unwrap_or(1_000),
            factor: retry.factor.unwrap_or(2.0).max(0.0),
            max_ms: max.unwrap_or(300_000),
            jitter: retry.jitter.unwrap_or(0.0).clamp(0.0, 1.0),
            when,
        }
    }

    fn control(&mut self, step: &Step, with: &Map<String, Value>) -> Option<Control> {
        let place = |field: &str| Place::field(&step.id, format!("with.{field}"));
        let text = |name: &str| {
            with.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.trim().is_empty())
        };
        let number = |name: &str, default: u32| {
            with.get(name)
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(default)
                .max(1)
        };
        let list = |name: &str| {
            with.get(name)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let result = |this: &mut Self| {
            with.get("result")
                .filter(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()))
                .map(|value| this.config(place("result"), value))
        };
        Some(match step.kind.as_str() {
            "decision" => {
                let mut cases = Vec::new();
                for (at, case) in list("cases").iter().enumerate() {
                    let port = case.get("port").and_then(Value::as_str).unwrap_or_default();
                    let when = case.get("when").and_then(Value::as_str).unwrap_or_default();
                    if let Some(when) = self.condition(place(&format!("cases[{at}].when")), when) {
                        cases.push((port.to_owned(), when));
                    }
                }
                Control::Decision { cases }
            }
            "rules" => self.rules(step, with),
            "merge" => Control::Merge,
            "for_each" => {
                let policy = match text("onItemFailure") {
                    Some("continue") => ItemPolicy::Continue,
                    Some("atMost") => ItemPolicy::AtMostPercent(
                        with.get("atMostPercent")
                            .and_then(Value::as_f64)
                            .unwrap_or(0.0),
                    ),
                    _ => ItemPolicy::Stop,
                };
                Control::ForEach {
                    concurrency: number("concurrency", 1),
                    policy,
                    result: result(self),
                }
            }
            "repeat" => Control::Repeat {
                until: self.condition(place("until"), text("until").unwrap_or_default())?,
                max: number("max", 100),
                delay: with
                    .get("delay")
                    .filter(|value| !value.is_null())
                    .cloned()
                    .map(|value| self.config(place("delay"), &value)),
                result: result(self),
            },
            "scope" => Control::Scope {
                result: result(self),
            },
            "workflow" => Control::Workflow,
            "end" => Control::End,
            "fail" => Control::Fail,
            "approval" => Control::Approval,
            "form" => Control::Form,
            "wait" => Control::Wait,
            "wait_for" => Control::WaitFor,
            other => {
                self.problem(
                    "unknown-kind",
                    Place::step(&step.id),
                    format!("control kind `{other}` is not built in"),
                );
                return None;
            }
        })
    }

    fn rules(&mut self, step: &Step, with: &Map<String, Value>) -> Control {
        let list = |name: &str| {
            with.get(name)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let inputs: Vec<(String, Config)> = list("inputs")
            .iter()
            .enumerate()
            .map(|(at, input)| {
                let label = input
                    .get("label")
                    .and_then(Value::as_str)
                    .unwrap_or("input")
                    .to_owned();
                let place = Place::field(&step.id, format!("with.inputs[{at}].value"));
                (
                    label,
                    self.config(place, input.get("value").unwrap_or(&Value::Null)),
                )
            })
            .collect();
        let mut rules = Vec::new();
        for (row, rule) in list("rules").iter().enumerate() {
            let source: Vec<String> = rule
                .get("if")
                .and_then(Value::as_array)
                .map(|cells| {
                    cells
                        .iter()
                        .map(|cell| {
                            cell.as_str()
                                .map_or_else(|| cell.to_string(), str::to_owned)
                        })
                        .collect()
                })
                .unwrap_or_default();
            let mut cells = Vec::new();
            for (column, cell) in source.iter().enumerate() {
                let place = Place::field(&step.id, format!("with.rules[{row}].if[{column}]"));
                if column >= inputs.len() {
                    self.problem(
                        "rule-too-wide",
                        place,
                        format!("rule {} has more conditions than there are inputs", row + 1),
                    );
                    break;
                }
                cells.push(cell_source(cell).and_then(|source| self.condition(place, &source)));
            }
            let place = Place::field(&step.id, format!("with.rules[{row}].then"));
            let then = self.config(place, rule.get("then").unwrap_or(&Value::Null));
            rules.push(Rule {
                cells,
                source,
                then,
            });
        }
        let hit = match with.get("hitPolicy").and_then(Value::as_str) {
            Some("unique") => HitPolicy::Unique,
            Some("collect") => HitPolicy::Collect,
            _ => HitPolicy::First,
        };
        Control::Rules { hit, inputs, rules }
    }

    /// Kahn's order; what is left over stands on a cycle.
    fn refuse_cycles(&mut self, graph: GraphIx) {
        let count = self.graphs[graph].steps.len();
        let mut incoming: Vec<usize> = self.graphs[graph]
            .steps
            .iter()
            .map(|&step| self.steps[step].incoming)
            .collect();
        let mut ready: Vec<usize> = (0..count).filter(|&local| incoming[local] == 0).collect();
        let mut seen = 0;
        while let Some(local) = ready.pop() {
            seen += 1;
            for &edge in &self.steps[self.graphs[graph].steps[local]].outgoing {
                let to = self.graphs[graph].edges[edge].to;
                incoming[to] -= 1;
                if incoming[to] == 0 {
                    ready.push(to);
                }
            }
        }
        if seen < count {
            let on_cycle: Vec<String> = (0..count)
                .filter(|&local| incoming[local] > 0)
                .map(|local| format!("`{}`", self.steps[self.graphs[graph].steps[local]].id))
                .collect();
            let place = Place::step(self.steps[self.graphs[graph].steps[0]].id.clone());
            self.problem(
                "cycle",
                place,
                format!("these steps wait for each other: {}", on_cycle.join(", ")),
            );
        }
    }

    /// The steps that lead nowhere but to a `join: first` with `cancelRest`.
    fn find_losers(&mut self, graph: GraphIx, documents: &[Step]) {
        for (local, document) in documents.iter().enumerate() {
            if !document.cancel_rest {
                continue;
            }
            let mut losers: BTreeSet<usize> = BTreeSet::new();
            loop {
                let before = losers.len();
                for candidate in 0..documents.len() {
                    let outgoing = &self.steps[self.graphs[graph].steps[candidate]].outgoing;
                    let leads_only_here = !outgoing.is_empty()
                        && outgoing.iter().all(|&edge| {
                            let to = self.graphs[graph].edges[edge].to;
                            to == local || losers.contains(&to)
                        });
                    if candidate != local && leads_only_here {
                        losers.insert(candidate);
                    }
                }
                if losers.len() == before {
                    break;
                }
            }
            let step = self.graphs[graph].steps[local];
            self.steps[step].losers = losers.into_iter().collect();
        }
    }
}

/// `with`, with the fields that the document keeps as lines joined to one text.
fn joined_lines(step: &Step, kind: Option<&crate::step_kind::StepKind>) -> Map<String, Value> {
    let mut with = step.with.clone();
    for field in kind.map_or(&[][..], |kind| &kind.form.fields) {
        if !field.is_multi_line() {
            continue;
        }
        if let Some(Value::Array(lines)) = with.get(&field.name) {
            let text: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
            let text = text.join("\n");
            with.insert(field.name.clone(), Value::String(text));
        }
    }
    with
}

/// The condition that a cell of a decision table stands for, about `value`; `None` for a cell that matches all.
fn cell_source(cell: &str) -> Option<String> {
    let cell = cell.trim();
    if cell.is_empty() || cell == "-" {
        return None;
    }
    if let Some(inner) = cell
        .strip_prefix("not(")
        .and_then(|rest| rest.strip_suffix(')'))
    {
        return cell_source(inner).map(|inner| format!("$not({inner})"));
    }
    for operator in ["<=", ">=", "!=", "<", ">", "="] {
        if let Some(rest) = cell.strip_prefix(operator) {
            return Some(format!("value {operator} ({})", rest.trim()));
        }
    }
    if let Some((low, high)) = cell.split_once("..")
        && !low.contains(['"', '\'', '['])
    {
        return Some(format!(
            "(value >= ({}) and value <= ({}))",
            low.trim(),
            high.trim()
        ));
    }
    if let Some(list) = cell.strip_prefix("in ") {
        return Some(format!("value in {list}"));
    }
    // A condition of its own, if it speaks of the value; else a list of accepted values.
    if cell.contains("value") && cell.contains(['<', '>', '=', '(']) {
        return Some(cell.to_owned());
    }
    Some(format!("value in [{cell}]"))
}

#[cfg(test)]
mod tests {
    use super::cell_source;

    #[test]
    fn cells_read_like_a_decision_table() {
        let of = |cell: &str| cell_source(cell).unwrap_or_default();
        assert_eq!(of("-"), "");
        assert_eq!(of("> 0.8"), "value > (0.8)");
        assert_eq!(of("0.5..0.8"), "(value >= (0.5) and value <= (0.8))");
        assert_eq!(
            of("\"gold\", \"silver\""),
            "value in [\"gold\", \"silver\"]"
        );
        assert_eq!(of("not(\"gold\")"), "$not(value in [\"gold\"])");
        assert_eq!(of("true"), "value in [true]");
    }
}
