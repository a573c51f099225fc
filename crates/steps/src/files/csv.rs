//! CSV as it is: the separator and the rows are taken at their word, only types are inferred.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use baton_core::error::StepError;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::duck::{Session, column_kind, quote_name, quote_path, quote_text, shown_type};
use crate::safe_path::SafePath;

/// What happens to rows with too few or too many values, or with a value that does not fit its column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum BadRows {
    /// The step fails and names the line.
    #[default]
    Fail,
    /// They are left out, and counted in the log.
    Skip,
    /// Missing values are null.
    Fill,
}

/// How a CSV file is read.
#[derive(Debug, Clone)]
pub(crate) struct CsvOptions {
    pub(crate) delimiter: Option<String>,
    pub(crate) quote: String,
    pub(crate) header: bool,
    pub(crate) all_text: bool,
    pub(crate) null_values: Vec<String>,
    pub(crate) bad_rows: BadRows,
}

/// How many rows decide about types.
const SAMPLE: u32 = 100_000;

impl CsvOptions {
    /// The rows of the UTF-8 file `file` as a relation. `path` is its name for people.
    pub(crate) fn relation(
        &self,
        session: &Session,
        path: &SafePath,
        file: &Path,
    ) -> Result<String, StepError> {
        let failed = |error: std::io::Error| path.failed("read", &error);
        let is_packed = path
            .full()
            .to_string_lossy()
            .to_lowercase()
            .ends_with(".gz")
            || path
                .full()
                .to_string_lossy()
                .to_lowercase()
                .ends_with(".zst");
        let delimiter = match &self.delimiter {
            Some(given) => delimiter(given)?,
            None if is_packed => ",".to_owned(),
            None => find_delimiter(file).map_err(failed)?.to_string(),
        };
        let options = self.options(&delimiter);
        let with = |more: &str| format!("read_csv({}, {options}{more})", quote_path(file));
        let relation = with("");
        if self.all_text {
            let relation = with(", all_varchar = true");
            return match session.types(&relation) {
                Ok(_) => Ok(relation),
                Err(error) => Err(self.explain(&error, path, file, &delimiter)),
            };
        }
        let types = session
            .types(&relation)
            .map_err(|error| self.explain(&error, path, file, &delimiter))?;
        let codes = codes(session, &types, &with(", all_varchar = true"))?;
        if codes.is_empty() {
            return Ok(relation);
        }
        let types: Vec<String> = codes
            .iter()
            .map(|name| format!("{}: 'VARCHAR'", quote_text(name)))
            .collect();
        Ok(with(&format!(", types = {{{}}}", types.join(", "))))
    }

    fn options(&self, delimiter: &str) -> String {
        let nulls: Vec<String> = std::iter::once("")
            .chain(self.null_values.iter().map(String::as_str))
            .map(quote_text)
            .collect();
        let bad_rows = match self.bad_rows {
            BadRows::Fail => "",
            BadRows::Skip => ", ignore_errors = true, store_rejects = true",
            BadRows::Fill => ", null_padding = true, parallel = false",
        };
        format!(
            "delim = {}, quote = {quote}, escape = {quote}, header = {}, skip = 0, nullstr = [{}], \
             sample_size = {SAMPLE}{bad_rows}",
            quote_text(delimiter),
            self.header,
            nulls.join(", "),
            quote = quote_text(&self.quote),
        )
    }

    /// How many rows were left out, and some of them.
    pub(crate) fn skipped(&self, session: &Session) -> Result<Option<String>, StepError> {
        if self.bad_rows != BadRows::Skip {
            return Ok(None);
        }
        let lines = session.rows(
            "SELECT line, min(error_message) FROM reject_errors GROUP BY line ORDER BY line",
            &[],
        )?;
        if lines.is_empty() {
            return Ok(None);
        }
        let shown: Vec<String> = lines
            .iter()
            .take(10)
            .map(|row| row[0].to_string())
            .collect();
        let more = if lines.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let rows = crate::overview::number(lines.len(), "bad row", "bad rows");
        Ok(Some(format!(
            "left out {rows}: lines {}{more}",
            shown.join(", ")
        )))
    }

    /// An error of DuckDB about the file, in our words.
    pub(crate) fn explain(
        &self,
        error: &StepError,
        path: &SafePath,
        file: &Path,
        delimiter: &str,
    ) -> StepError {
        if error.code != "sql" {
            return error.clone();
        }
        let quote = self.quote.bytes().next();
        if let Ok(Some(bad)) = find_ragged(file, delimiter, quote) {
            let Ragged {
                line,
                found,
                expected,
            } = bad;
            let values = crate::overview::number(found, "value", "values");
            return StepError::permanent(
                "bad-row",
                format!(
                    "line {line} of `{}` has {values} instead of {expected}",
                    path.shown()
                ),
            )
            .hint("correct the file, or choose what happens to bad rows: `skip` or `fill`")
            .details(json!({ "line": line, "found": found, "expected": expected }));
        }
        if let Some(error) = conversion(&error.message, path) {
            return error;
        }
        let short = error
            .message
            .split("Possible")
            .next()
            .unwrap_or(&error.message)
            .trim();
        StepError::permanent(
            "file-format",
            format!("`{}` cannot be read as CSV: {short}", path.shown()),
        )
        .hint("check separator, quote and header, or read all columns as text")
    }

    /// The separator of `file`.
    pub(crate) fn delimiter_of(&self, file: &Path) -> String {
        let given = self
            .delimiter
            .as_deref()
            .and_then(|given| delimiter(given).ok());
        given.unwrap_or_else(|| {
            find_delimiter(file).map_or_else(|_| ",".to_owned(), |c| c.to_string())
        })
    }
}

/// Whole numbers that are names: `00501` must not become 501.
fn codes(
    session: &Session,
    types: &[(String, String)],
    as_text: &str,
) -> Result<Vec<String>, StepError> {
    let whole: Vec<&String> = types
        .iter()
        .filter(|(_, kind)| column_kind(kind) == "integer")
        .map(|(name, _)| name)
        .collect();
    if whole.is_empty() {
        return Ok(Vec::new());
    }
    let tests: Vec<String> = whole
        .iter()
        .map(|name| {
            format!(
                "coalesce(bool_or(regexp_matches({}, '^[+-]?0[0-9]')), false)",
                quote_name(name)
            )
        })
        .collect();
    let sql = format!(
        "SELECT {} FROM (FROM {as_text} LIMIT {SAMPLE})",
        tests.join(", ")
    );
    let found = session
        .rows(&*sql, &[])?
        .into_iter()
        .next()
        .unwrap_or_default();
    Ok(whole
        .into_iter()
        .zip(found)
        .filter(|(_, is_code)| is_code == &json!(true))
        .map(|(name, _)| name.clone())
        .collect())
}

/// The separator that a person wrote.
pub(crate) fn delimiter(given: &str) -> Result<String, StepError> {
    let meant = match given {
        "tab" | "\\t" | "\t" => "\t",
        "comma" => ",",
        "semicolon" => ";",
        "pipe" => "|",
        "space" => " ",
        other => other,
    };
    if meant.chars().count() == 1 && meant.is_ascii() && !matches!(meant, "\n" | "\r" | "\"") {
        return Ok(meant.to_owned());
    }
    Err(
        StepError::permanent("config", format!("`{given}` cannot separate values"))
            .hint("give one character, such as `,` or `;`, or `tab`"),
    )
}

/// The separator that the first line holds most often.
fn find_delimiter(file: &Path) -> std::io::Result<char> {
    let mut first = Vec::new();
    BufReader::new(File::open(file)?)
        .take(1024 * 1024)
        .read_until(b'\n', &mut first)?;
    let mut is_quoted = false;
    let mut counts = [(',', 0), (';', 0), ('\t', 0), ('|', 0)];
    for byte in first {
        if byte == b'"' {
            is_quoted = !is_quoted;
        }
        if let Some((_, count)) = counts
            .iter_mut()
            .find(|(mark, _)| !is_quoted && *mark == char::from(byte))
        {
            *count += 1;
        }
    }
    // The first of equals wins: the comma.
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    Ok(best.map_or(',', |(mark, count)| if *count == 0 { ',' } else { *mark }))
}

struct Ragged {
    line: usize,
    found: usize,
    expected: usize,
}

/// The first row that does not have as many values as the first one. Only asked for after DuckDB has refused the
/// file: it reads everything once more.
fn find_ragged(file: &Path, delimiter: &str, quote: Option<u8>) -> std::io::Result<Option<Ragged>> {
    let mark = delimiter.bytes().next().unwrap_or(b',');
    let mut reader = BufReader::with_capacity(1024 * 1024, File::open(file)?);
    let mut row = Vec::new();
    let (mut line, mut start, mut expected) = (0, 1, None);
    let mut is_quoted = false;
    let mut found = 1;
    loop {
        row.clear();
        if reader.read_until(b'\n', &mut row)? == 0 {
            return Ok(None);
        }
        line += 1;
        for byte in &row {
            if Some(*byte) == quote {
                is_quoted = !is_quoted;
            } else if *byte == mark && !is_quoted {
                found += 1;
            }
        }
        if is_quoted {
            continue;
        }
        let is_blank = start == line && row.trim_ascii().is_empty();
        let expected = *expected.get_or_insert(found);
        if found != expected && !is_blank {
            return Ok(Some(Ragged {
                line: start,
                found,
                expected,
            }));
        }
        start = line + 1;
        found = 1;
    }
}

/// A value that does not fit the type of its column.
fn conversion(message: &str, path: &SafePath) -> Option<StepError> {
    let after = |mark: &str| message.split_once(mark).map(|(_, rest)| rest);
    let line: String = after("on Line: ")?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let column = after("converting column `")?.split('`').next()?;
    let value = after("convert string `")?.split('`').next()?;
    let kind = after("` to '")?.split('\'').next()?;
    let kind = shown_type(column_kind(kind));
    Some(
        StepError::permanent(
            "bad-row",
            format!(
                "line {line} of `{}`: `{value}` in column `{column}` is no {kind}",
                path.shown()
            ),
        )
        .hint(format!(
            "read all columns as text, make `{value}` a null value, or skip bad rows"
        ))
        .details(json!({ "line": line.parse::<u64>().ok(), "column": column, "value": value })),
    )
}
