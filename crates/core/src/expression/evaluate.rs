//! Evaluating an expression against a scope, with limits, and saying what it read.

use std::borrow::Cow;
use std::cell::Cell;

use jsonata_core::ast::{AstNode, BinaryOp};
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError, EvaluatorOptions};
use jsonata_core::value::JValue;
use serde_json::{Map, Value};

use super::{
    Expression, ExpressionError, Reference, SEQUENCE_LIMIT, TIME_LIMIT_MS, plain, references,
};
use crate::Millis;
use crate::machine::Evaluation;

/// The values that an expression may read, and where its clock and chance come from.
pub trait Scope {
    /// The value of a name (`input`, `item`, `error` …) other than `steps`.
    fn name(&self, name: &str) -> Option<Cow<'_, Value>>;
    /// The output of a step that has one.
    fn step(&self, id: &str) -> Option<Cow<'_, Value>>;
    /// Ids of the steps that have an output.
    fn steps(&self) -> Vec<String>;
    /// The recorded instant.
    fn now(&self) -> Millis;
    /// The recorded seed.
    fn seed(&self) -> u64;
}

/// What an evaluation gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The value; `None` where JSONata gives nothing.
    pub value: Option<Value>,
}

/// What became of following a path.
enum Found<'a> {
    /// The value, reached after so many names of the path (the rest goes through a list).
    Value(Cow<'a, Value>, usize),
    /// The name at this place is missing.
    Missing(usize),
}

fn find<'a>(scope: &'a dyn Scope, path: &[String]) -> Found<'a> {
    let (start, mut value) = if path[0] == "steps" {
        let Some(id) = path.get(1) else {
            let all: Map<String, Value> = scope
                .steps()
                .into_iter()
                .filter_map(|id| {
                    scope
                        .step(&id)
                        .map(|value| (id.clone(), value.into_owned()))
                })
                .collect();
            return Found::Value(Cow::Owned(Value::Object(all)), 1);
        };
        match scope.step(id) {
            Some(value) => (2, value),
            None => return Found::Missing(1),
        }
    } else {
        match scope.name(&path[0]) {
            Some(value) => (1, value),
            None => return Found::Missing(0),
        }
    };
    for (at, name) in path.iter().enumerate().skip(start) {
        if value.is_array() {
            return Found::Value(value, at);
        }
        let next = match value {
            Cow::Borrowed(Value::Object(map)) => map.get(name).map(Cow::Borrowed),
            Cow::Owned(Value::Object(mut map)) => map.remove(name).map(Cow::Owned),
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Found::Missing(at),
        }
    }
    Found::Value(value, path.len())
}

impl Expression {
    /// Evaluates to a value of any type.
    ///
    /// # Errors
    ///
    /// `missing-field` where it gives nothing because a field is missing; else the code of the JSONata
    /// specification, with a sentence.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, ExpressionError> {
        let value = self.try_evaluate(scope)?.value;
        match value {
            Some(value) => Ok(value),
            None => match self.first_missing(&self.references, scope) {
                Some(error) => Err(error),
                None => Ok(Value::Null),
            },
        }
    }

    /// Evaluates, and leaves it to the caller what nothing means.
    ///
    /// # Errors
    ///
    /// The code of the JSONata specification, with a sentence.
    pub fn try_evaluate(&self, scope: &dyn Scope) -> Result<Evaluated, ExpressionError> {
        if self.is_path {
            let path = &self.references[0].path;
            match find(scope, path) {
                Found::Missing(_) => return Ok(Evaluated { value: None }),
                Found::Value(value, reached) if reached == path.len() => {
                    return Ok(Evaluated {
                        value: Some(value.into_owned()),
                    });
                }
                Found::Value(..) => {}
            }
        } else if let Some(value) = plain::evaluate(&self.ast, scope) {
            return Ok(Evaluated { value: Some(value) });
        }
        let data = self.data(&self.references, scope);
        self.run(&self.ast, &data, scope)
            .map(|value| Evaluated { value })
    }

    /// Evaluates a condition: true or false, or an error that names what is missing.
    ///
    /// `and`, `or` and `? :` look only at the side that decides, so that `$exists(a.b) and a.b > 1` may be
    /// written; a comparison with a missing field is an error.
    ///
    /// # Errors
    ///
    /// `missing-field`, `condition-not-boolean`, or the code of the JSONata specification.
    pub fn evaluate_condition(&self, scope: &dyn Scope) -> Result<bool, ExpressionError> {
        self.condition(&self.ast, scope)
    }

    fn condition(&self, node: &AstNode, scope: &dyn Scope) -> Result<bool, ExpressionError> {
        match node {
            AstNode::Binary {
                op: BinaryOp::And,
                lhs,
                rhs,
            } => Ok(self.condition(lhs, scope)? && self.condition(rhs, scope)?),
            AstNode::Binary {
                op: BinaryOp::Or,
                lhs,
                rhs,
            } => Ok(self.condition(lhs, scope)? || self.condition(rhs, scope)?),
            AstNode::Conditional {
                condition,
                then_branch,
                else_branch,
            } => {
                if self.condition(condition, scope)? {
                    self.condition(then_branch, scope)
                } else if let Some(else_branch) = else_branch {
                    self.condition(else_branch, scope)
                } else {
                    Ok(false)
                }
            }
            AstNode::Block(items) if items.len() == 1 => self.condition(&items[0], scope),
            AstNode::Function { name, args, .. } if name == "not" && args.len() == 1 => {
                Ok(!self.condition(&args[0], scope)?)
            }
            _ => self.leaf(node, scope),
        }
    }

    fn leaf(&self, node: &AstNode, scope: &dyn Scope) -> Result<bool, ExpressionError> {
        let part;
        let references = if std::ptr::eq(node, &*self.ast) {
            &*self.references
        } else {
            let mut found = references::collect(node, &self.source).references;
            // A guard anywhere in the condition speaks for the same path everywhere in it.
            for reference in &mut found {
                reference.guarded |= self
                    .references
                    .iter()
                    .any(|known| known.guarded && known.path == reference.path);
            }
            part = found;
            &part
        };
        if let Some(error) = self.first_missing(references, scope) {
            return Err(error);
        }
        let value = match plain::evaluate(node, scope) {
            Some(value) => Some(value),
            None => self.run(node, &self.data(references, scope), scope)?,
        };
        match value {
            Some(Value::Bool(result)) => Ok(result),
            Some(other) => Err(ExpressionError::new(
                "condition-not-boolean",
                format!("the condition gave {}, not true or false", describe(&other)),
            )
            .hint("compare it with something, or write `$exists(…)` or `$boolean(…)`")),
            None => Err(ExpressionError::new(
                "condition-gave-nothing",
                format!("the condition `{}` gave nothing", self.source),
            )
            .hint("a field of an item may be missing; write `$exists(…)` or a default with `??`")),
        }
    }

    fn first_missing(
        &self,
        references: &[Reference],
        scope: &dyn Scope,
    ) -> Option<ExpressionError> {
        references
            .iter()
            .filter(|reference| !reference.guarded)
            .find_map(|reference| {
                let Found::Missing(at) = find(scope, &reference.path) else {
                    return None;
                };
                let name = reference.path[..=at].join(".");
                let message = if at == 1 && reference.path[0] == "steps" {
                    format!("step `{}` has no output here", reference.path[1])
                } else {
                    format!("field `{name}` is missing")
                };
                Some(ExpressionError {
                    offset: reference.offset,
                    ..ExpressionError::new("missing-field", message).hint(format!(
                        "if that may happen, write `$exists({name})` or a default: `{} ?? …`",
                        reference.dotted()
                    ))
                })
            })
    }

    /// Only what is read goes over to JSONata.
    pub(super) fn data(&self, references: &[Reference], scope: &dyn Scope) -> JValue {
        let mut root = Map::new();
        let mut paths: Vec<&[String]> = references.iter().map(|one| one.path.as_slice()).collect();
        // Shorter paths first: a whole object covers its fields.
        paths.sort_by_key(|path| path.len());
        for path in paths {
            if let Found::Value(value, reached) = find(scope, path) {
                insert(&mut root, &path[..reached], value.into_owned());
            }
        }
        JValue::from(Value::Object(root))
    }

    pub(super) fn run(
        &self,
        node: &AstNode,
        data: &JValue,
        scope: &dyn Scope,
    ) -> Result<Option<Value>, ExpressionError> {
        let options = EvaluatorOptions {
            timeout_ms: Some(TIME_LIMIT_MS),
            max_stack_depth: Some(500),
            max_sequence_length: Some(SEQUENCE_LIMIT),
            ..EvaluatorOptions::default()
        };
        // The tree is walked: compiling it to bytecode first costs more than an evaluation saves.
        let result = if self.needs_bindings {
            let mut evaluator = Evaluator::with_options(bindings(data), options);
            override_impure(&mut evaluator, scope).and_then(|()| evaluator.evaluate(node, data))
        } else {
            Evaluator::with_options(Context::new(), options).evaluate(node, data)
        };
        let value = result.map_err(|error| runtime_error(&error))?;
        if value.is_undefined() {
            return Ok(None);
        }
        if value.is_function() {
            return Err(ExpressionError::new(
                "function-result",
                "the expression gives a function, not a value",
            )
            .hint("call it: write `$name(…)`"));
        }
        serde_json::to_value(&value).map(Some).map_err(|error| {
            ExpressionError::new("not-a-value", format!("the result cannot be kept: {error}"))
        })
    }
}

fn insert(root: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((last, parents)) = path.split_last() else {
        return;
    };
    let mut map = root;
    for name in parents {
        let slot = map
            .entry(name.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(inner) = slot else { return };
        map = inner;
    }
    map.entry(last.clone()).or_insert(value);
}

/// `$input`, `$steps` … beside the bare names, because a bare name means something else inside a predicate.
fn bindings(data: &JValue) -> Context {
    let mut context = Context::new();
    if let Some(map) = data.as_object() {
        for (name, value) in map {
            context.bind(name.clone(), value.clone());
        }
    }
    context
}

fn override_impure(evaluator: &mut Evaluator, scope: &dyn Scope) -> Result<(), EvaluatorError> {
    let now = scope.now();
    let seed = scope.seed();
    let drawn = std::rc::Rc::new(Cell::new(0u64));
    let draw = move || {
        drawn.set(drawn.get() + 1);
        mix(seed ^ drawn.get().wrapping_mul(0x9E37_79B9_7F4A_7C15))
    };
    let draw_again = draw.clone();
    evaluator.register_fn_override("now", move |args: &[JValue]| {
        if args.is_empty() {
            Ok(JValue::string(iso_instant(now)))
        } else {
            Err(EvaluatorError::EvaluationError(
                "T0410: `$now` takes no picture here: write `$fromMillis($millis(), picture)`"
                    .to_owned(),
            ))
        }
    })?;
    evaluator.register_fn_override("millis", move |_: &[JValue]| Ok(JValue::Number(now as f64)))?;
    evaluator.register_fn_override("random", move |_: &[JValue]| {
        Ok(JValue::Number((draw() >> 11) as f64 / (1u64 << 53) as f64))
    })?;
    let uuid = move |_: &[JValue]| {
        let (high, low) = (draw_again(), draw_again());
        Ok(JValue::string(format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )))
    };
    evaluator.register_fn("uuid", uuid)?;
    evaluator.register_fn_override("eval", |_: &[JValue]| {
        Err(EvaluatorError::EvaluationError(
            "D3120: `$eval` does not exist here".to_owned(),
        ))
    })
}

/// splitmix64: spreads a seed.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// An instant as ISO 8601 with milliseconds.
pub fn iso_instant(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at)
        .map(|stamp| format!("{stamp:.3}"))
        .unwrap_or_else(|_| at.to_string())
}

fn runtime_error(error: &EvaluatorError) -> ExpressionError {
    let message = error.message();
    let code = error.code().unwrap_or("expression").to_owned();
    let text = message
        .strip_prefix(&format!("{code}:"))
        .unwrap_or(message)
        .trim();
    let mut sentence = text.to_owned();
    if let Some(first) = sentence.get_mut(0..1) {
        first.make_ascii_lowercase();
    }
    let hint = match code.as_str() {
        "D1012" => Some(format!(
            "an expression may take {TIME_LIMIT_MS} ms; move the work into a `SQL query` step"
        )),
        "T1005" | "T1006" => {
            Some("functions begin with `$`: `$sum(…)`, `$count(…)`, `$exists(…)`".to_owned())
        }
        "T2001" | "T2002" | "T2009" | "T2010" => Some(
            "numbers that are texts are made numbers with `$number(…)`, and back with `$string(…)`"
                .to_owned(),
        ),
        _ => None,
    };
    ExpressionError {
        code,
        message: sentence,
        hint,
        offset: None,
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(value) => format!("the number `{value}`"),
        Value::String(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// The expression with the values that it read and what it gave, for the log.
pub fn evaluation_of(expression: &Expression, scope: &dyn Scope, result: &Value) -> Evaluation {
    let mut read = Map::new();
    for reference in expression.references() {
        if let Found::Value(value, _) = find(scope, &reference.path) {
            read.insert(reference.dotted(), brief(&value));
        }
    }
    Evaluation {
        expression: expression.source().to_owned(),
        read,
        result: brief(result),
    }
}

/// `value` short enough for a log: long texts are cut, long lists counted, tables named.
pub fn brief(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > 200 => {
            Value::String(format!("{}…", text.chars().take(200).collect::<String>()))
        }
        Value::Array(items) if items.len() > 20 => {
            Value::String(format!("a list of {}", items.len()))
        }
        Value::Array(items) => Value::Array(items.iter().map(brief).collect()),
        Value::Object(map) if map.contains_key("$type") => {
            let rows = map
                .get("rows")
                .map(|rows| format!(" of {rows} rows"))
                .unwrap_or_default();
            let kind = map.get("$type").and_then(Value::as_str).unwrap_or("value");
            Value::String(format!("a {kind}{rows}"))
        }
        Value::Object(map) if map.len() > 30 => {
            Value::String(format!("an object of {} fields", map.len()))
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), brief(value)))
                .collect(),
        ),
        _ => value.clone(),
    }
}
