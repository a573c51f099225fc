//! Reading a workflow file.
//!
//! [`parse`] fails only where nothing could be shown: no JSON, no object, no `steps`, or a file beyond the
//! limits. Everything else becomes a [`Problem`] beside a document that holds what was there.

mod fields;
mod json;
mod read;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::workflow::{FORMAT, Retry, Workflow};
use crate::problem::Problem;

/// The largest file that is opened, in bytes.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;
/// The largest number of steps in one document, bodies included.
pub const MAX_STEPS: usize = 100_000;
/// How deep objects and lists may stand in one another.
const MAX_DEPTH: usize = 128;

/// A document as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The document, with placeholders where something was missing.
    pub workflow: Workflow,
    /// What did not fit, in document order.
    pub problems: Vec<Problem>,
    /// The format of the file, if it is newer than [`FORMAT`]: open it read-only.
    pub newer: Option<u32>,
}

/// Why a text is no workflow at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Stable name, kebab-case: `not-json`, `no-steps`, `too-large` …
    pub code: &'static str,
    /// What is wrong: lower case, no full stop, values in backticks.
    pub message: String,
    /// The way out.
    pub hint: Option<String>,
    /// Line in the text, from 1, if the error has a place.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
}

impl ParseError {
    fn new(code: &'static str, message: impl Into<String>, hint: &str) -> Self {
        Self {
            code,
            message: message.into(),
            hint: Some(hint.to_owned()),
            line: None,
            column: None,
        }
    }
}

/// Reads a workflow from the bytes of a file.
///
/// # Errors
///
/// Those of [`parse`], and `not-utf8` with the place of the first wrong byte.
pub fn parse_bytes(bytes: &[u8]) -> Result<Parsed, ParseError> {
    refuse_large(bytes.len())?;
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        ParseError {
            line: u32::try_from(line).ok(),
            ..ParseError::new(
                "not-utf8",
                "the file is not UTF-8 text",
                "save it again with the encoding UTF-8; pictures and spreadsheets cannot be opened as workflows",
            )
        }
    })?;
    parse(text)
}

/// Reads a workflow from its text. A byte order mark and CRLF line ends are tolerated.
///
/// # Errors
///
/// * `not-json` – the text is not JSON; line and column say where.
/// * `not-an-object`, `no-steps` – it is JSON, but no workflow.
/// * `too-large`, `too-deep`, `too-many-steps` – it is beyond what is opened.
pub fn parse(text: &str) -> Result<Parsed, ParseError> {
    refuse_large(text.len())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (value, duplicates) = json::read(text)?;
    let (workflow, problems) = read::workflow(value)?;
    let newer = (workflow.format > FORMAT).then_some(workflow.format);
    Ok(Parsed {
        problems: duplicates.into_iter().chain(problems).collect(),
        workflow,
        newer,
    })
}

fn refuse_large(bytes: usize) -> Result<(), ParseError> {
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(ParseError::new(
        "too-large",
        format!(
            "the file has {} MB, more than the {} MB that are opened",
            bytes >> 20,
            MAX_BYTES >> 20
        ),
        "keep data in files of its own and read them with a step",
    ))
}

/// As lenient as [`parse`]: a document on its way between the window and the core may hold fields of the wrong
/// type, and must arrive with them.
impl<'de> Deserialize<'de> for Workflow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        read::workflow(value)
            .map(|(workflow, _)| workflow)
            .map_err(de::Error::custom)
    }
}

/// What does not fit in a document that did not come from a text: fields of the wrong type wait in `rest` until
/// someone corrects them, and are reported each time.
pub fn misfits(workflow: &Workflow) -> Vec<Problem> {
    if !has_rest(workflow) {
        return Vec::new();
    }
    let value = serde_json::to_value(workflow).unwrap_or_default();
    read::workflow(value)
        .map(|(_, problems)| problems)
        .unwrap_or_default()
}

fn has_rest(workflow: &Workflow) -> bool {
    let mut found = !workflow.rest.is_empty()
        || workflow
            .about
            .as_ref()
            .is_some_and(|about| !about.rest.is_empty())
        || workflow
            .limits
            .as_ref()
            .is_some_and(|limits| !limits.rest.is_empty())
        || workflow.edges.iter().any(|edge| !edge.rest.is_empty())
        || workflow.notes.iter().any(|note| !note.rest.is_empty());
    workflow.each_step(|step, _| {
        let of_retry =
            |retry: &Option<Retry>| retry.as_ref().is_some_and(|retry| !retry.rest.is_empty());
        found |= !step.rest.is_empty()
            || of_retry(&step.retry)
            || step
                .undo
                .as_ref()
                .is_some_and(|undo| !undo.rest.is_empty() || of_retry(&undo.retry))
            || step.body.as_ref().is_some_and(|body| {
                !body.rest.is_empty() || body.edges.iter().any(|edge| !edge.rest.is_empty())
            });
    });
    found
}
