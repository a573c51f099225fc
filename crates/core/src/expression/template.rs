//! Texts and configurations that hold expressions.

use serde_json::{Map, Value};

use super::{Expression, ExpressionError, Scope};

const OPEN: &str = "{%";
const CLOSE: &str = "%}";

/// A text with `{% … %}` in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
    expressions: Vec<Expression>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// Index into `expressions`.
    Expression(usize),
}

impl Template {
    /// Whether `text` holds an expression at all.
    pub fn has_expression(text: &str) -> bool {
        text.contains(OPEN)
    }

    /// Parses a text.
    ///
    /// # Errors
    ///
    /// `template-not-closed`, or what [`Expression::parse`] says, with the place in the whole text.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parts = Vec::new();
        let mut expressions = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(OPEN) {
            let before = text.len() - rest.len() + open;
            let inner_at = open + OPEN.len();
            let Some(length) = rest[inner_at..].find(CLOSE) else {
                return Err(ExpressionError {
                    offset: Some(text[..before].chars().count()),
                    ..ExpressionError::new("template-not-closed", "`{%` has no closing `%}`")
                });
            };
            if open > 0 {
                parts.push(Part::Text(rest[..open].to_owned()));
            }
            let inner = &rest[inner_at..inner_at + length];
            let lead = inner.len() - inner.trim_start().len();
            let expression = Expression::parse(inner).map_err(|mut error| {
                let start = text[..before + OPEN.len() + lead].chars().count();
                error.offset = Some(start + error.offset.unwrap_or(0));
                error
            })?;
            parts.push(Part::Expression(expressions.len()));
            expressions.push(expression);
            rest = &rest[inner_at + length + CLOSE.len()..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        // Space around a single expression is not text: the value keeps its type.
        if expressions.len() == 1
            && parts.iter().all(|part| match part {
                Part::Text(text) => text.trim().is_empty(),
                Part::Expression(_) => true,
            })
        {
            parts = vec![Part::Expression(0)];
        }
        Ok(Self { parts, expressions })
    }

    /// The expressions, in order.
    pub fn expressions(&self) -> &[Expression] {
        &self.expressions
    }

    /// The value of the text.
    ///
    /// # Errors
    ///
    /// What [`Expression::evaluate`] says.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, ExpressionError> {
        if let [Part::Expression(only)] = self.parts.as_slice() {
            return self.expressions[*only].evaluate(scope);
        }
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Expression(index) => match self.expressions[*index].evaluate(scope)? {
                    Value::String(value) => text.push_str(&value),
                    Value::Null => {}
                    other => text.push_str(&other.to_string()),
                },
            }
        }
        Ok(Value::String(text))
    }
}

/// The source of a condition, written bare or as one `{% … %}`.
pub fn condition_source(text: &str) -> &str {
    let trimmed = text.trim();
    trimmed
        .strip_prefix(OPEN)
        .and_then(|rest| rest.strip_suffix(CLOSE))
        .filter(|inner| !inner.contains(OPEN))
        .unwrap_or(trimmed)
        .trim()
}

/// A configuration with its expressions parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum Config {
    /// Nothing to evaluate.
    Plain(Value),
    /// A text with expressions.
    Template(Template),
    /// A list with expressions somewhere.
    List(Vec<Self>),
    /// An object with expressions somewhere.
    Object(Vec<(String, Self)>),
}

impl Config {
    /// Parses every text in `value`.
    ///
    /// # Errors
    ///
    /// The first text that does not parse, and its path (`rules[2].when`).
    pub fn parse(value: &Value) -> Result<Self, (String, ExpressionError)> {
        Ok(match value {
            Value::String(text) if Template::has_expression(text) => {
                Self::Template(Template::parse(text).map_err(|error| (String::new(), error))?)
            }
            Value::Array(items) => {
                let parsed = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| {
                        Self::parse(item).map_err(|(path, error)| (format!("[{at}]{path}"), error))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                if parsed.iter().all(|item| matches!(item, Self::Plain(_))) {
                    Self::Plain(value.clone())
                } else {
                    Self::List(parsed)
                }
            }
            Value::Object(map) => {
                let parsed = map
                    .iter()
                    .map(|(key, item)| {
                        Self::parse(item)
                            .map(|item| (key.clone(), item))
                            .map_err(|(path, error)| (format!(".{key}{path}"), error))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                if parsed
                    .iter()
                    .all(|(_, item)| matches!(item, Self::Plain(_)))
                {
                    Self::Plain(value.clone())
                } else {
                    Self::Object(parsed)
                }
            }
            _ => Self::Plain(value.clone()),
        })
    }

    /// The configuration with every expression replaced by its value.
    ///
    /// # Errors
    ///
    /// What [`Expression::evaluate`] says, and the path of the field.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, (String, ExpressionError)> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Template(template) => template
                .evaluate(scope)
                .map_err(|error| (String::new(), error))?,
            Self::List(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| {
                        item.evaluate(scope)
                            .map_err(|(path, error)| (format!("[{at}]{path}"), error))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Self::Object(fields) => {
                let mut map = Map::with_capacity(fields.len());
                for (key, item) in fields {
                    let value = item
                        .evaluate(scope)
                        .map_err(|(path, error)| (format!(".{key}{path}"), error))?;
                    map.insert(key.clone(), value);
                }
                Value::Object(map)
            }
        })
    }
}
