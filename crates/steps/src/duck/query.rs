//! A statement with named parameters.

use std::borrow::Cow;

use baton_core::error::StepError;
use duckdb::Statement;
use serde_json::{Map, Value};

use super::explain;
use crate::safe_path::quoted;

/// A statement, the values of its parameters, and whether a person wrote it.
#[derive(Debug, Clone)]
pub(crate) struct Query<'q> {
    sql: Cow<'q, str>,
    params: Option<&'q Map<String, Value>>,
    /// What the person wrote, if positions in errors should refer to it.
    written: Option<&'q str>,
}

impl<'q> From<&'q str> for Query<'q> {
    fn from(sql: &'q str) -> Self {
        Self {
            sql: Cow::Borrowed(sql),
            params: None,
            written: None,
        }
    }
}

impl<'q> Query<'q> {
    /// What a person wrote.
    pub(crate) fn written(sql: &'q str, params: &'q Map<String, Value>) -> Self {
        Self {
            sql: Cow::Borrowed(sql),
            params: Some(params),
            written: Some(sql),
        }
    }

    /// The same inside a larger statement of ours.
    pub(crate) fn wrapped(&self, before: &str, after: &str) -> Self {
        let sql = format!("{before}\n{}\n{after}", self.sql);
        Self {
            sql: Cow::Owned(sql),
            params: self.params,
            written: None,
        }
    }

    pub(crate) fn sql(&self) -> &str {
        &self.sql
    }

    pub(crate) fn explain(&self, error: &duckdb::Error) -> StepError {
        explain(error, self.written)
    }

    /// Gives each parameter of `statement` its value.
    pub(crate) fn bind(&self, statement: &mut Statement<'_>) -> Result<(), StepError> {
        for index in 1..=statement.parameter_count() {
            let name = statement
                .parameter_name(index)
                .map_err(|error| self.explain(&error))?;
            let value = self
                .params
                .and_then(|params| params.get(&name))
                .ok_or_else(|| {
                    let known: Vec<&String> = self.params.into_iter().flat_map(Map::keys).collect();
                    let hint = match known.as_slice() {
                        [] => format!("add `{name}` to the parameters"),
                        known => {
                            format!("there is {}; add `{name}` to the parameters", quoted(known))
                        }
                    };
                    StepError::permanent("sql", format!("the parameter `${name}` has no value"))
                        .hint(hint)
                })?;
            bind(statement, index, value).map_err(|error| self.explain(&error))?;
        }
        Ok(())
    }
}

fn bind(statement: &mut Statement<'_>, index: usize, value: &Value) -> duckdb::Result<()> {
    match value {
        Value::Null => statement.raw_bind_parameter(index, duckdb::types::Null),
        Value::Bool(value) => statement.raw_bind_parameter(index, value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => statement.raw_bind_parameter(index, value),
            // Expressions compute in floating point: 3.0 is meant as 3.
            (None, Some(value)) if value.fract() == 0.0 && value.abs() < 9e15 => {
                statement.raw_bind_parameter(index, value as i64)
            }
            (None, value) => statement.raw_bind_parameter(index, value.unwrap_or_default()),
        },
        Value::String(value) => statement.raw_bind_parameter(index, value),
        list_or_object => statement.raw_bind_parameter(index, list_or_object.to_string()),
    }
}

/// `text` as an SQL text.
pub(crate) fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `name` as the name of a column or table.
pub(crate) fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
