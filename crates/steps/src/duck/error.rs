//! What DuckDB says, as our errors: what, where, and what may have been meant.

use baton_core::error::StepError;
use serde_json::{Value, json};

use crate::kind::cancelled;

/// An error of DuckDB. `written` is the query of a person that positions refer to.
pub(crate) fn explain(error: &duckdb::Error, written: Option<&str>) -> StepError {
    let text = match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    };
    // An error inside an operation may carry text around the JSON.
    let parsed = text
        .find('{')
        .and_then(|at| serde_json::from_str::<Value>(&text[at..]).ok());
    let field = |name: &str| {
        parsed
            .as_ref()
            .and_then(|parsed| parsed.get(name)?.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let (kind, message) = match &parsed {
        Some(_) => (field("exception_type"), field("exception_message")),
        None => split_plain(&text),
    };
    match kind.to_lowercase().as_str() {
        "interrupt" => return cancelled(),
        "out of memory" => return out_of_memory(&message),
        "permission" => return no_access(&message),
        _ => {}
    }
    let (first, candidates) = split_candidates(&message);
    let mut error = StepError::permanent("sql", lower_first(&first));
    let mut details = json!({ "kind": kind });
    let position = field("position").parse::<usize>().ok();
    if let (Some(sql), Some(position)) = (written, position) {
        let (line, column) = place(sql, position);
        error.message = format!("{} (line {line}, column {column})", error.message);
        details["position"] = json!(position);
        details["line"] = json!(line);
        details["column"] = json!(column);
    }
    let candidates = if candidates.is_empty() {
        field("candidates")
    } else {
        candidates
    };
    if !candidates.is_empty() {
        error = error.hint(format!("did you mean {}?", candidates.replace('"', "`")));
        details["candidates"] = json!(candidates.replace('"', ""));
    }
    error.details(details)
}

fn split_plain(text: &str) -> (String, String) {
    match text.split_once(" Error: ") {
        Some((kind, message)) if kind.len() < 40 => (kind.to_owned(), message.to_owned()),
        _ => (String::new(), text.to_owned()),
    }
}

fn out_of_memory(message: &str) -> StepError {
    let first = message.lines().next().unwrap_or_default();
    StepError::permanent(
        "out-of-memory",
        format!("the table operation needs too much memory: {first}"),
    )
    .hint("read fewer columns, filter earlier, or raise the memory limit in the settings")
}

fn no_access(message: &str) -> StepError {
    let first = message.lines().next().unwrap_or_default();
    StepError::permanent(
        "sql-locked",
        format!(
            "a query reaches only its own tables: {}",
            lower_first(first)
        ),
    )
    .hint("read files with the step `Read table` and hand the table on")
}

/// The sentence, and the names that DuckDB proposes.
fn split_candidates(message: &str) -> (String, String) {
    let mut sentence = Vec::new();
    let mut candidates = String::new();
    for line in message.lines() {
        let proposal = [
            "Candidate bindings: ",
            "Did you mean ",
            "Candidate functions:",
            "Candidate tables: ",
        ]
        .iter()
        .find_map(|mark| line.trim().strip_prefix(mark));
        match proposal {
            Some(names) => candidates = names.trim_end_matches('?').trim().to_owned(),
            None if line.starts_with("LINE ") => break,
            None if !line.trim().is_empty() => sentence.push(line.trim()),
            None => {}
        }
    }
    (sentence.join(" "), candidates)
}

/// In the style of our messages: lower case, no full stop, values in backticks.
pub(crate) fn lower_first(text: &str) -> String {
    let text = text.trim().trim_end_matches(['.', '!']).replace('"', "`");
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return text;
    };
    // `SELECT …` stays; `Referenced column …` becomes lower case.
    if chars.clone().next().is_some_and(char::is_lowercase) {
        first.to_lowercase().chain(chars).collect()
    } else {
        text
    }
}

/// Line and column, from 1, of the byte `position`.
fn place(sql: &str, position: usize) -> (usize, usize) {
    let before = &sql.as_bytes()[..position.min(sql.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    (
        line,
        String::from_utf8_lossy(&before[start..]).chars().count() + 1,
    )
}
