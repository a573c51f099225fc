//! Every text of a document that holds expressions, each different text parsed once.

use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ops::Range;

use super::context::Context;
use super::plain;
use crate::document::Retry;
use crate::expression::{Expression, ExpressionError, Template, condition_source};
use crate::problem::Place;
use crate::step_kind::{Field, Widget};

/// All expressions of a document. Nothing here is allocated per text that is only a path: there are many.
#[derive(Default)]
pub(super) struct Expressions<'a> {
    /// The texts, in document order.
    pub(super) uses: Vec<Use<'a>>,
    /// For each different text its part of `reads`, or what is wrong with it.
    parsed: Vec<Result<Range<usize>, ExpressionError>>,
    reads: Vec<Read<'a>>,
    /// Fields, each with the one around it.
    fields: Vec<(usize, Part<'a>)>,
}

/// One name that an expression reads from the scope.
pub(super) struct Read<'a> {
    /// First name of the path: `steps`.
    pub(super) root: Cow<'a, str>,
    /// Second name: `load`.
    pub(super) name: Option<Cow<'a, str>>,
    /// The expression says what to do where it is missing.
    pub(super) guarded: bool,
    /// Place in the whole text, in characters.
    pub(super) offset: Option<usize>,
}

/// A text with expressions, and what they may see.
pub(super) struct Use<'a> {
    pub(super) owner: Owner,
    /// Which steps it sees.
    pub(super) sight: Sight,
    field: usize,
    /// Names in scope besides the usual.
    scope: &'a [String],
    extra: &'static [&'static str],
    parsed: usize,
}

/// A step on the way to a field.
enum Part<'a> {
    Key(&'a str),
    Index(usize),
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
    /// What a text reads, or what is wrong with it.
    pub(super) fn of(&self, used: &Use<'a>) -> Result<&[Read<'a>], &ExpressionError> {
        self.parsed[used.parsed]
            .as_ref()
            .map(|range| &self.reads[range.clone()])
    }

    /// Everything that is read from the scope, with the text it stands in.
    pub(super) fn reads(&self) -> impl Iterator<Item = (&Use<'a>, &Read<'a>)> {
        self.uses.iter().flat_map(|used| {
            self.of(used)
                .unwrap_or_default()
                .iter()
                .map(move |read| (used, read))
        })
    }

    fn path(&self, mut field: usize) -> String {
        let mut parts = Vec::new();
        while let Some((around, part)) = self.fields.get(field) {
            parts.push(part);
            field = *around;
        }
        let mut path = String::new();
        for part in parts.into_iter().rev() {
            match part {
                Part::Index(index) => path.push_str(&format!("[{index}]")),
                Part::Key(key) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(key);
                }
            }
        }
        path
    }
}

impl Use<'_> {
    /// Where the text stands, for a finding at an offset in characters.
    pub(super) fn place(&self, context: &Context<'_>, offset: Option<usize>) -> Place {
        let owner = match self.owner {
            Owner::Step(step) => Place::step(&context.steps[step].step.id),
            Owner::Edge(graph, edge) => Place::edge(context.graphs[graph].edges[edge].edge.key()),
            Owner::Trigger(trigger) => Place::trigger(&context.workflow.triggers[trigger].id),
        };
        let offset = offset.and_then(|offset| u32::try_from(offset).ok());
        Place {
            field: Some(context.expressions.path(self.field)),
            offset,
            ..owner
        }
    }

    /// Names in scope besides the usual.
    pub(super) fn extra(&self) -> impl Iterator<Item = &str> {
        self.scope
            .iter()
            .map(String::as_str)
            .chain(self.extra.iter().copied())
    }
}

/// Finds and parses all expressions. Those of disabled steps are left out.
pub(super) fn collect<'a>(context: &Context<'a>) -> Expressions<'a> {
    let mut collector = Collector {
        found: Expressions::default(),
        known: [IndexMap::new(), IndexMap::new()],
    };
    for (index, trigger) in context.workflow.triggers.iter().enumerate() {
        let at = At {
            owner: Owner::Trigger(index),
            sight: Sight::All,
            field: TOP,
            scope: &[],
            extra: &[],
        };
        collector.settings(at, &trigger.with, &[]);
    }
    for (index, info) in context
        .steps
        .iter()
        .enumerate()
        .filter(|(_, info)| !info.is_off)
    {
        let at = At {
            owner: Owner::Step(index),
            sight: Sight::Before,
            field: TOP,
            scope: &[],
            extra: &[],
        };
        let fields = info.kind.map_or(&[][..], |kind| &kind.form.fields);
        if !info.step.with.is_empty() {
            let with = collector.key(at, "with");
            collector.settings(with, &info.step.with, fields);
        }
        collector.retry(at, info.step.retry.as_ref());
        if let Some(undo) = &info.step.undo {
            let at = At {
                sight: Sight::All,
                extra: &["output", "error"],
                ..collector.key(at, "undo")
            };
            let fields = context
                .catalog
                .find(&undo.kind)
                .map_or(&[][..], |kind| &kind.form.fields);
            let with = collector.key(at, "with");
            collector.settings(with, &undo.with, fields);
            collector.retry(at, undo.retry.as_ref());
        }
    }
    for (graph, edges) in context.graphs.iter().enumerate() {
        let is_off = edges.owner.is_some_and(|owner| context.steps[owner].is_off);
        for (position, edge) in edges.edges.iter().enumerate().filter(|_| !is_off) {
            if let Some(when) = edge.edge.when.as_deref() {
                let owner = Owner::Edge(graph, position);
                let at = At {
                    owner,
                    sight: Sight::Before,
                    field: TOP,
                    scope: &[],
                    extra: &[],
                };
                let at = collector.key(at, "when");
                collector.condition(at, when);
            }
        }
    }
    collector.found
}

/// No field around.
const TOP: usize = usize::MAX;

#[derive(Clone, Copy)]
struct At<'a> {
    owner: Owner,
    sight: Sight,
    field: usize,
    scope: &'a [String],
    extra: &'static [&'static str],
}

struct Collector<'a> {
    found: Expressions<'a>,
    /// Templates and conditions, with their places in `parsed`.
    known: [IndexMap<Cow<'a, str>, usize>; 2],
}

impl<'a> Collector<'a> {
    fn inside(&mut self, at: At<'a>, part: Part<'a>) -> At<'a> {
        self.found.fields.push((at.field, part));
        At {
            field: self.found.fields.len() - 1,
            ..at
        }
    }

    fn key(&mut self, at: At<'a>, key: &'a str) -> At<'a> {
        self.inside(at, Part::Key(key))
    }

    fn retry(&mut self, at: At<'a>, retry: Option<&'a Retry>) {
        if let Some(when) = retry.and_then(|retry| retry.when.as_deref()) {
            let at = self.key(at, "retry");
            let at = At {
                extra: &["error", "output", "attempt"],
                ..self.key(at, "when")
            };
            self.condition(at, when);
        }
    }

    fn condition(&mut self, at: At<'a>, text: &'a str) {
        if !text.trim().is_empty() {
            self.add(at, true, Cow::Borrowed(text));
        }
    }

    fn settings(&mut self, at: At<'a>, map: &'a Map<String, Value>, fields: &'a [Field]) {
        for (key, value) in map {
            let at = self.key(at, key);
            self.setting(at, value, fields.iter().find(|field| field.name == *key));
        }
    }

    fn setting(&mut self, mut at: At<'a>, value: &'a Value, field: Option<&'a Field>) {
        let Some(field) = field else {
            return self.any(at, value);
        };
        at.scope = &field.scope;
        // What a container makes of its body is evaluated when the body has run.
        if at.sight == Sight::Before && matches!(field.name.as_str(), "result" | "until") {
            at.sight = Sight::Body;
        }
        match (field.widget, value) {
            (Widget::Schema, _) => {}
            (Widget::Condition, Value::String(text)) => self.condition(at, text),
            (Widget::Lines | Widget::Code, Value::Array(lines)) => match lines.as_slice() {
                [Value::String(only)] => self.template(at, only),
                lines
                    if lines
                        .iter()
                        .any(|line| line.as_str().is_some_and(Template::has_expression)) =>
                {
                    let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
                    self.add(at, false, Cow::Owned(lines.join("\n")));
                }
                _ => {}
            },
            (Widget::List, Value::Array(items)) => {
                let fields = field.fields.as_deref().unwrap_or_default();
                for (index, item) in items.iter().enumerate() {
                    let at = self.inside(at, Part::Index(index));
                    match item {
                        Value::Object(map) => self.settings(at, map, fields),
                        other => self.any(at, other),
                    }
                }
            }
            _ => self.any(at, value),
        }
    }

    /// Any value: every text in it may be a template.
    fn any(&mut self, at: At<'a>, value: &'a Value) {
        match value {
            Value::String(text) => self.template(at, text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let at = self.inside(at, Part::Index(index));
                    self.any(at, item);
                }
            }
            Value::Object(map) => {
                for (key, item) in map {
                    let at = self.key(at, key);
                    self.any(at, item);
                }
            }
            _ => {}
        }
    }

    fn template(&mut self, at: At<'a>, text: &'a str) {
        if Template::has_expression(text) {
            self.add(at, false, Cow::Borrowed(text));
        }
    }

    fn add(&mut self, at: At<'a>, is_condition: bool, text: Cow<'a, str>) {
        let found = &mut self.found;
        let parsed = *self.known[usize::from(is_condition)]
            .entry(text)
            .or_insert_with_key(|text| {
                let start = found.reads.len();
                let is_plain = match text {
                    Cow::Borrowed(text) => plain::reads(text, is_condition, &mut found.reads),
                    Cow::Owned(_) => false,
                };
                let result = if is_plain {
                    Ok(())
                } else {
                    parse(is_condition, text, &mut found.reads)
                };
                found.parsed.push(result.map(|()| start..found.reads.len()));
                found.parsed.len() - 1
            });
        let At {
            owner,
            sight,
            field,
            scope,
            extra,
        } = at;
        found.uses.push(Use {
            owner,
            sight,
            field,
            scope,
            extra,
            parsed,
        });
    }
}

fn parse(is_condition: bool, text: &str, reads: &mut Vec<Read<'_>>) -> Result<(), ExpressionError> {
    if is_condition {
        let source = condition_source(text);
        let start = text.find(source).unwrap_or(0);
        let expression = Expression::parse(source).map_err(|error| {
            let start = text[..start].chars().count();
            ExpressionError {
                offset: error.offset.map(|offset| offset + start),
                ..error
            }
        })?;
        keep(&expression, text, reads);
        return Ok(());
    }
    if let Some(at) = text.find("{%}") {
        // One `%` cannot both open and close.
        return Err(ExpressionError {
            code: "template-not-closed".to_owned(),
            message: "`{%` has no closing `%}`".to_owned(),
            hint: None,
            offset: Some(text[..at].chars().count()),
        });
    }
    for expression in Template::parse(text)?.expressions() {
        keep(expression, text, reads);
    }
    Ok(())
}

fn keep(expression: &Expression, text: &str, reads: &mut Vec<Read<'_>>) {
    let start = text
        .find(expression.source())
        .map(|start| text[..start].chars().count());
    for reference in expression.references() {
        let mut names = reference.path.iter().map(|name| Cow::Owned(name.clone()));
        if let Some(root) = names.next() {
            let offset = start
                .zip(reference.offset)
                .map(|(start, offset)| start + offset);
            // `$exists(steps.a) ? steps.a.rows : 0` guards both.
            let guarded = expression.references().iter().any(|other| {
                other.guarded && other.path.iter().take(2).eq(reference.path.iter().take(2))
            });
            reads.push(Read {
                root,
                name: names.next(),
                guarded,
                offset,
            });
        }
    }
}
