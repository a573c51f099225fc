//! Every text of a document that holds expressions, each different text parsed once.

use std::borrow::Cow;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::context::Context;
use crate::document::Retry;
use crate::expression::{Expression, ExpressionError, Reference, Template, condition_source};
use crate::problem::Place;
use crate::step_kind::{Field, Widget};

/// All expressions of a document.
#[derive(Default)]
pub(super) struct Expressions<'a> {
    /// The texts, in document order.
    pub(super) uses: Vec<Use<'a>>,
    parsed: Vec<Result<Vec<Parsed>, ExpressionError>>,
}

/// An expression, as far as validation needs it.
pub(super) struct Parsed {
    source: String,
    references: Vec<Reference>,
}

/// A text with expressions, and what they may see.
pub(super) struct Use<'a> {
    pub(super) owner: Owner,
    /// Path of the field.
    pub(super) field: String,
    text: Cow<'a, str>,
    /// Names in scope besides the usual.
    pub(super) extra: Vec<&'a str>,
    /// Which steps it sees.
    pub(super) sight: Sight,
    parsed: usize,
}

/// What a text belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Step(usize),
    /// Graph and position in it.
    Edge(usize, usize),
    Trigger(usize),
}

/// Which steps a text sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// Those before the step.
    Before,
    /// Those before the step, and those of its body.
    Body,
    /// All that may have run by then.
    All,
}

impl<'a> Expressions<'a> {
    /// The expressions of a text, or what is wrong with it.
    pub(super) fn of(&self, used: &Use<'a>) -> Result<&[Parsed], &ExpressionError> {
        self.parsed[used.parsed].as_deref()
    }

    /// Everything that is read from the scope, with the text it stands in.
    pub(super) fn references(&self) -> impl Iterator<Item = (&Use<'a>, &Parsed, &Reference)> {
        self.uses.iter().flat_map(|used| {
            self.of(used).unwrap_or_default().iter().flat_map(move |expression| {
                expression.references.iter().map(move |reference| (used, expression, reference))
            })
        })
    }
}

impl Use<'_> {
    /// Where the text stands, for a finding at an offset in characters.
    pub(super) fn place(&self, context: &Context<'_>, offset: Option<usize>) -> Place {
        let owner = match self.owner {
            Owner::Step(step) => Place::step(&context.steps[step].step.id),
            Owner::Edge(graph, edge) => Place::edge(&context.graphs[graph].edges[edge].edge.key()),
            Owner::Trigger(trigger) => Place::trigger(&context.workflow.triggers[trigger].id),
        };
        let offset = offset.and_then(|offset| u32::try_from(offset).ok());
        Place { field: Some(self.field.clone()), offset, ..owner }
    }

    /// Where a reference stands in the whole text, in characters.
    pub(super) fn offset(&self, expression: &Parsed, reference: &Reference) -> Option<usize> {
        let start = self.text.find(expression.source.as_str())?;
        Some(self.text[..start].chars().count() + reference.offset?)
    }
}

/// Finds and parses all expressions. Those of disabled steps are left out.
pub(super) fn collect<'a>(context: &Context<'a>) -> Expressions<'a> {
    let mut collector = Collector { found: Expressions::default(), known: [IndexMap::new(), IndexMap::new()] };
    for (index, trigger) in context.workflow.triggers.iter().enumerate() {
        let at = At { owner: Owner::Trigger(index), sight: Sight::All, extra: &[] };
        collector.settings(at, &trigger.with, &[], &mut String::new());
    }
    for (index, info) in context.steps.iter().enumerate().filter(|(_, info)| !info.is_off) {
        let at = At { owner: Owner::Step(index), sight: Sight::Before, extra: &[] };
        let fields = info.kind.map_or(&[][..], |kind| &kind.form.fields);
        collector.settings(at, &info.step.with, fields, &mut "with".to_owned());
        collector.retry(at, info.step.retry.as_ref(), "retry.when");
        if let Some(undo) = &info.step.undo {
            let at = At { sight: Sight::All, extra: &["output", "error"], ..at };
            let fields = context.catalog.find(&undo.kind).map_or(&[][..], |kind| &kind.form.fields);
            collector.settings(at, &undo.with, fields, &mut "undo.with".to_owned());
            collector.retry(at, undo.retry.as_ref(), "undo.retry.when");
        }
    }
    for (graph, edges) in context.graphs.iter().enumerate() {
        let is_off = edges.owner.is_some_and(|owner| context.steps[owner].is_off);
        for (position, edge) in edges.edges.iter().enumerate().filter(|_| !is_off) {
            if let Some(when) = edge.edge.when.as_deref().filter(|when| !when.trim().is_empty()) {
                let at = At { owner: Owner::Edge(graph, position), sight: Sight::Before, extra: &[] };
                collector.condition(at, when, "when".to_owned());
            }
        }
    }
    collector.found
}

#[derive(Clone, Copy)]
struct At<'a> {
    owner: Owner,
    sight: Sight,
    extra: &'a [&'a str],
}

struct Collector<'a> {
    found: Expressions<'a>,
    /// Templates and conditions, with their places in `parsed`.
    known: [IndexMap<Cow<'a, str>, usize>; 2],
}

impl<'a> Collector<'a> {
    fn retry(&mut self, at: At<'a>, retry: Option<&'a Retry>, field: &str) {
        if let Some(when) = retry.and_then(|retry| retry.when.as_deref())
            && !when.trim().is_empty()
        {
            let at = At { extra: &["error", "output", "attempt"], ..at };
            self.condition(at, when, field.to_owned());
        }
    }

    fn condition(&mut self, at: At<'a>, text: &'a str, field: String) {
        self.add(at, true, Cow::Borrowed(text), field, Vec::new());
    }

    fn settings(&mut self, at: At<'a>, map: &'a Map<String, Value>, fields: &'a [Field], path: &mut String) {
        for (key, value) in map {
            let length = path.len();
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
            let field = fields.iter().find(|field| field.name == *key);
            self.setting(at, value, field, path);
            path.truncate(length);
        }
    }

    fn setting(&mut self, at: At<'a>, value: &'a Value, field: Option<&'a Field>, path: &mut String) {
        let extra = || field.map(|field| field.scope.iter().map(String::as_str).collect()).unwrap_or_default();
        // What a container makes of its body is evaluated when the body has run.
        let at = match field {
            Some(field) if matches!(field.name.as_str(), "result" | "until") && path.starts_with("with.") => {
                At { sight: Sight::Body, ..at }
            }
            _ => at,
        };
        match (field.map(|field| field.widget), value) {
            (Some(Widget::Schema), _) => {}
            (Some(Widget::Condition), Value::String(text)) => {
                if !text.trim().is_empty() {
                    self.add(at, true, Cow::Borrowed(text), path.clone(), extra());
                }
            }
            (Some(Widget::Lines | Widget::Code), Value::Array(lines)) => {
                if lines.iter().any(|line| line.as_str().is_some_and(Template::has_expression)) {
                    let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
                    self.add(at, false, Cow::Owned(lines.join("\n")), path.clone(), extra());
                }
            }
            (Some(Widget::List), Value::Array(items)) => {
                let fields = field.and_then(|field| field.fields.as_deref()).unwrap_or_default();
                let length = path.len();
                for (index, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    match item {
                        Value::Object(map) => self.settings(at, map, fields, path),
                        other => self.any(at, other, path, &extra),
                    }
                    path.truncate(length);
                }
            }
            _ => self.any(at, value, path, &extra),
        }
    }

    /// Any value: every text in it may be a template.
    fn any(&mut self, at: At<'a>, value: &'a Value, path: &mut String, extra: &dyn Fn() -> Vec<&'a str>) {
        let length = path.len();
        match value {
            Value::String(text) if Template::has_expression(text) => {
                self.add(at, false, Cow::Borrowed(text), path.clone(), extra());
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push_str(&format!("[{index}]"));
                    self.any(at, item, path, extra);
                    path.truncate(length);
                }
            }
            Value::Object(map) => {
                for (key, item) in map {
                    path.push('.');
                    path.push_str(key);
                    self.any(at, item, path, extra);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, at: At<'a>, is_condition: bool, text: Cow<'a, str>, field: String, extra: Vec<&'a str>) {
        let next = self.found.parsed.len();
        let parsed = *self.known[usize::from(is_condition)].entry(text.clone()).or_insert_with(|| {
            self.found.parsed.push(parse(is_condition, &text));
            next
        });
        let extra = extra.into_iter().chain(at.extra.iter().copied()).collect();
        self.found.uses.push(Use { owner: at.owner, field, text, extra, sight: at.sight, parsed });
    }
}

fn parse(is_condition: bool, text: &str) -> Result<Vec<Parsed>, ExpressionError> {
    let source = condition_source(text);
    if let Some(path) = plain_path(source, is_condition || source.len() < text.trim().len()) {
        let reference = Reference { path, guarded: false, offset: Some(0) };
        return Ok(vec![Parsed { source: source.to_owned(), references: vec![reference] }]);
    }
    let keep = |expression: &Expression| Parsed {
        source: expression.source().to_owned(),
        references: expression.references().to_vec(),
    };
    if let (false, Some(at)) = (is_condition, text.find("{%}")) {
        // One `%` cannot both open and close.
        return Err(ExpressionError {
            code: "template-not-closed".to_owned(),
            message: "`{%` has no closing `%}`".to_owned(),
            hint: None,
            offset: Some(text[..at].chars().count()),
        });
    }
    if !is_condition {
        return Template::parse(text).map(|template| template.expressions().iter().map(keep).collect());
    }
    Expression::parse(source).map(|expression| vec![keep(&expression)]).map_err(|error| {
        let start = text.find(source).map_or(0, |start| text[..start].chars().count());
        ExpressionError { offset: error.offset.map(|offset| offset + start), ..error }
    })
}

/// The names of a path without anything else, such as `steps.load.rows`. Most expressions are one, and need no
/// parser.
fn plain_path(source: &str, is_expression: bool) -> Option<Vec<String>> {
    if !is_expression || !["steps.", "input.", "item."].iter().any(|root| source.starts_with(root)) {
        return None;
    }
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !matches!(word, "and" | "or" | "in" | "true" | "false" | "null" | "function")
    };
    source.split('.').map(|word| is_word(word).then(|| word.to_owned())).collect()
}
