//! A table as an Excel file.

use std::path::Path;

use baton_core::error::StepError;
use baton_core::table::Column;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, XlsxError};
use serde_json::Value;

use crate::duck::Session;

/// The most rows of a sheet, the header included.
const MOST_ROWS: u64 = 1_048_576;
/// The most characters of a cell.
const MOST_CHARS: usize = 32_767;

/// Writes the rows of `relation` to `path`.
pub(crate) fn write(
    session: &Session,
    relation: &str,
    path: &Path,
    sheet: Option<&str>,
    quote_formulas: bool,
) -> Result<u64, StepError> {
    let columns = session.columns(relation)?;
    let rows = session
        .cell(&*format!("SELECT count(*) FROM {relation}"))?
        .as_u64()
        .unwrap_or_default();
    if rows >= MOST_ROWS || columns.len() > 16_384 {
        return Err(StepError::permanent(
            "too-many-rows",
            format!("an Excel sheet holds 1,048,575 rows and 16,384 columns; the table has {rows} and {}", columns.len()),
        )
        .hint("write `csv` or `parquet`, or fewer rows"));
    }
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    if let Some(name) = sheet {
        page.set_name(name).map_err(|error| {
            StepError::permanent(
                "config",
                format!("`{name}` cannot be the name of a sheet: {error}"),
            )
        })?;
    }
    let header = Format::new().set_bold();
    let look = Look {
        date: Format::new().set_num_format("yyyy-mm-dd"),
        timestamp: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        // Shows a text that looks like a formula as the text it is, also after an edit.
        quoted: Format::new().set_quote_prefix(),
        quote_formulas,
    };
    for (index, column) in (0u16..).zip(&columns) {
        page.write_string_with_format(0, index, &column.name, &header)
            .map_err(|error| failed(&error))?;
    }
    page.set_freeze_panes(1, 0)
        .map_err(|error| failed(&error))?;
    let mut at = 0u32;
    session.each_row(&*format!("FROM {relation}"), &columns, |row| {
        at += 1;
        if at.is_multiple_of(10_000) {
            session.check()?;
        }
        for ((index, column), value) in (0u16..).zip(&columns).zip(&row) {
            look.write(page, at, index, column, value)
                .map_err(|error| failed(&error))?;
        }
        Ok(())
    })?;
    book.save(path).map_err(|error| failed(&error))?;
    Ok(rows)
}

struct Look {
    date: Format,
    timestamp: Format,
    quoted: Format,
    quote_formulas: bool,
}

impl Look {
    fn write(
        &self,
        page: &mut rust_xlsxwriter::Worksheet,
        row: u32,
        column: u16,
        kind: &Column,
        value: &Value,
    ) -> Result<(), XlsxError> {
        let text = match value {
            Value::Null => return Ok(()),
            Value::Bool(value) => return page.write_boolean(row, column, *value).map(|_| ()),
            Value::Number(number) => match number.as_f64() {
                // Beyond this, Excel would show another number.
                Some(value) if value.abs() < 9e15 => {
                    return page.write_number(row, column, value).map(|_| ());
                }
                _ => number.to_string(),
            },
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let moment = match kind.kind.as_str() {
            "date" => Some(&self.date),
            "timestamp" => Some(&self.timestamp),
            _ => None,
        };
        let parsed = moment.zip(ExcelDateTime::parse_from_str(text.trim_end_matches('Z')).ok());
        if let Some((format, moment)) = parsed {
            return page
                .write_datetime_with_format(row, column, &moment, format)
                .map(|_| ());
        }
        let text: String = text.chars().take(MOST_CHARS).collect();
        // A text is always written as a text, never as a formula.
        if self.quote_formulas && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
            page.write_string_with_format(row, column, text, &self.quoted)
                .map(|_| ())
        } else {
            page.write_string(row, column, text).map(|_| ())
        }
    }
}

fn failed(error: &XlsxError) -> StepError {
    StepError::new("file", format!("could not write the Excel file: {error}"))
}
