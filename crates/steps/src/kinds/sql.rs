//! Asks a question of tables in SQL.

use std::path::PathBuf;

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::{Text, With, shown};
use crate::duck::{self, Query, Session, Source, import};
use crate::kind::{About, Kind, TABLE_OUTPUT};
use crate::overview::shorten;
use crate::{TaskContext, TaskOutput};

/// What the step hands on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Shape {
    /// A table.
    #[default]
    Table,
    /// A list of objects.
    Rows,
    /// The first cell.
    Value,
}

/// The settings of `sql`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The tables that the query may use, by the names it uses.
    #[serde(default)]
    tables: With,
    /// One `SELECT` (or `WITH`, `FROM`, `PIVOT`, `SUMMARIZE`, `DESCRIBE`).
    query: Text,
    /// Values for `$name` in the query.
    #[serde(default)]
    params: With,
    /// What the step hands on.
    #[serde(default)]
    result: Shape,
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "SQL",
        summary: "Filters, joins and summarises tables with a query.",
        category: Category::Data,
        icon: "database",
        ports: Ports::Plain,
        output: TABLE_OUTPUT,
    };

    fn effect(_: &With) -> Effect {
        Effect::Pure
    }

    fn summary(with: &With) -> String {
        let query = shown(with, "query");
        shorten(&query.split_whitespace().collect::<Vec<_>>().join(" "), 40)
    }

    async fn run(config: Config, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let Config { tables, query, params, result } = config;
        let query = single(&query)?;
        let mut sources = Vec::new();
        for (name, value) in &tables {
            sources.push((name.clone(), Source::new(cx, &format!("tables.{name}"), value)?));
        }
        let mut files: Vec<PathBuf> = sources.iter().filter_map(|(_, source)| source.files()).collect();
        let kept = duck::table_file(&cx.artifacts)?;
        files.push(kept.to_path_buf());
        let output = duck::run(cx, files, move |session| {
            for (name, source) in &sources {
                import(session, name, source)?;
            }
            let written = Query::written(&query.text, &params);
            session.prepare(&written)?;
            let query = if query.is_report { written.wrapped("FROM (", ")") } else { written };
            session.execute(query.wrapped(&format!("CREATE TEMP TABLE {RESULT} AS"), ""))?;
            match result {
                Shape::Table => Ok(session.keep(RESULT, &kept)?.to_value()),
                Shape::Rows => rows(session),
                Shape::Value => value(session),
            }
        })
        .await?;
        Ok(TaskOutput::new(output))
    }
}

/// Name of the table that holds the result until it is handed on.
const RESULT: &str = "\"result of the query\"";

fn rows(session: &Session) -> Result<Value, StepError> {
    let limit = session.limits().list_rows;
    let count = session.cell(&*format!("SELECT count(*) FROM {RESULT}"))?.as_u64().unwrap_or_default();
    if count > limit {
        return Err(StepError::permanent(
            "too-many-rows",
            format!("the query gives {count} rows; at most {limit} are handed on as a list"),
        )
        .hint("hand on a table instead, or add a `LIMIT`"));
    }
    let columns = session.columns(RESULT)?;
    let rows = session.rows(&*format!("FROM {RESULT}"), &columns)?;
    Ok(rows.into_iter().map(|row| Value::Object(duck::objects(&columns, row))).collect())
}

fn value(session: &Session) -> Result<Value, StepError> {
    let columns = session.columns(RESULT)?;
    let rows = session.rows(&*format!("FROM {RESULT} LIMIT 1"), &columns)?;
    Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).unwrap_or(Value::Null))
}

/// One statement, without its semicolon.
struct Single {
    text: String,
    /// `SUMMARIZE` and `DESCRIBE` stand only in parentheses inside other statements.
    is_report: bool,
}

fn single(query: &str) -> Result<Single, StepError> {
    let mut text = query.trim_end();
    let bare = without_quotes(text);
    let statements: Vec<&str> =
        bare.split(';').map(str::trim).filter(|statement| !statement.is_empty()).collect();
    let first = match statements.as_slice() {
        [] => return Err(StepError::permanent("sql", "the query is empty").hint("write a `SELECT`")),
        [one] => *one,
        many => {
            return Err(StepError::permanent(
                "sql",
                format!("the query holds {} statements; it must be one", many.len()),
            )
            .hint("use a step for each, or `WITH` for what the last one needs"));
        }
    };
    if let Some(end) = bare.find(';') {
        text = &text[..end];
    }
    let word: String =
        first.trim_start_matches('(').trim_start().chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    let word = word.to_uppercase();
    match word.as_str() {
        "SELECT" | "WITH" | "FROM" | "PIVOT" | "UNPIVOT" | "VALUES" | "TABLE" | "SUMMARIZE" | "DESCRIBE" => {
            let is_report = matches!(word.as_str(), "SUMMARIZE" | "DESCRIBE");
            Ok(Single { text: text.to_owned(), is_report })
        }
        _ => Err(StepError::permanent("sql", format!("a query cannot begin with `{word}`"))
            .hint("it only asks: begin with `SELECT`, `WITH`, `FROM`, `PIVOT`, `SUMMARIZE` or `DESCRIBE`")),
    }
}

/// Whether `text` holds a `;` that is syntax, not part of a text or comment.
pub(crate) fn has_semicolon(text: &str) -> bool {
    without_quotes(text).contains(';')
}

/// The text with quoted parts and comments replaced by spaces, byte for byte, so that what is left is syntax.
fn without_quotes(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    let mut blank = |from: usize, to: usize| {
        for byte in &mut out[from..to.min(bytes.len())] {
            *byte = b' ';
        }
    };
    let find = |from: usize, what: &[u8]| {
        bytes[from.min(bytes.len())..]
            .windows(what.len())
            .position(|window| window == what)
            .map_or(bytes.len(), |found| from + found + what.len())
    };
    while at < bytes.len() {
        let end = match (bytes[at], bytes.get(at + 1)) {
            (b'\'', _) => find(at + 1, b"'"),
            (b'"', _) => find(at + 1, b"\""),
            (b'-', Some(b'-')) => find(at, b"\n"),
            (b'/', Some(b'*')) => find(at + 2, b"*/"),
            (b'$', _) => {
                let tag = bytes[at + 1..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
                if bytes.get(at + 1 + tag) == Some(&b'$') {
                    let mark = &bytes[at..at + tag + 2];
                    find(at + mark.len(), mark)
                } else {
                    at += 1;
                    continue;
                }
            }
            _ => {
                at += 1;
                continue;
            }
        };
        blank(at, end);
        at = end;
    }
    // Whole characters were replaced: what is left is still UTF-8.
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "../tests/sql.rs"]
mod tests;
