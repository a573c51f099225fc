//! Sheets of Excel and OpenDocument files, read into a table of the session.

use baton_core::error::StepError;
use calamine::{Data, DataType, Range, Reader, open_workbook_auto};
use duckdb::appender_params_from_iter;
use duckdb::types::{TimeUnit, Value as Cell};

use crate::duck::{Session, quote_name};
use crate::safe_path::{SafePath, quoted};

/// Reads `sheet` (the first one if absent) with its names in row `header_row` (from 1; 0 for none) and gives the
/// name of the table that holds it.
pub(crate) fn read(
    session: &Session,
    path: &SafePath,
    sheet: Option<&str>,
    header_row: u32,
    all_text: bool,
) -> Result<&'static str, StepError> {
    let broken = |error: &dyn std::fmt::Display| {
        let name = path.shown();
        StepError::permanent(
            "file-format",
            format!("`{name}` cannot be read as a spreadsheet: {error}"),
        )
        .hint("open it in a spreadsheet program and save it anew, or choose the right format")
    };
    let mut book = open_workbook_auto(path.full()).map_err(|error| broken(&error))?;
    let names = book.sheet_names();
    let sheet = match sheet {
        None => names
            .first()
            .cloned()
            .ok_or_else(|| broken(&"it has no sheet"))?,
        Some(wanted) => names
            .iter()
            .find(|name| name.as_str() == wanted)
            .cloned()
            .ok_or_else(|| {
                StepError::permanent(
                    "sheet-not-found",
                    format!("`{}` has no sheet `{wanted}`", path.shown()),
                )
                .hint(format!("it has {}", quoted(&names)))
            })?,
    };
    let range = book
        .worksheet_range(&sheet)
        .map_err(|error| broken(&error))?;
    session.check()?;
    fill(session, &range, header_row as usize, all_text).map_err(|error| match error {
        Wrong::Empty => StepError::permanent(
            "empty-sheet",
            format!("the sheet `{sheet}` has no row {header_row}"),
        )
        .hint("choose another sheet or header row"),
        Wrong::Step(error) => error,
    })?;
    Ok("sheet")
}

enum Wrong {
    Empty,
    Step(StepError),
}

impl From<StepError> for Wrong {
    fn from(error: StepError) -> Self {
        Self::Step(error)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Number,
    Boolean,
    Date,
    Timestamp,
    Text,
}

impl Kind {
    const fn sql(self) -> &'static str {
        match self {
            Self::Integer => "BIGINT",
            Self::Number => "DOUBLE",
            Self::Boolean => "BOOLEAN",
            Self::Date => "DATE",
            Self::Timestamp => "TIMESTAMP",
            Self::Text => "VARCHAR",
        }
    }

    /// The kind of a column that holds both.
    const fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Integer, Self::Integer) => Self::Integer,
            (Self::Integer | Self::Number, Self::Integer | Self::Number) => Self::Number,
            (Self::Boolean, Self::Boolean) => Self::Boolean,
            (Self::Date, Self::Date) => Self::Date,
            (Self::Date | Self::Timestamp, Self::Date | Self::Timestamp) => Self::Timestamp,
            _ => Self::Text,
        }
    }
}

fn fill(
    session: &Session,
    range: &Range<Data>,
    header_row: usize,
    all_text: bool,
) -> Result<(), Wrong> {
    // The range starts at the first used cell; rows are counted as people see them.
    let above = range.start().map_or(0, |(row, _)| row as usize);
    let mut rows = range.rows().skip(header_row.saturating_sub(1 + above));
    let header = if header_row > 0 {
        Some(rows.next().ok_or(Wrong::Empty)?)
    } else {
        None
    };
    let names = names(header, range.width());
    let rows: Vec<&[Data]> = rows
        .filter(|row| row.iter().any(|cell| !cell.is_empty()))
        .collect();
    if names.is_empty() {
        return Err(Wrong::Empty);
    }
    let kinds: Vec<Kind> = (0..names.len())
        .map(|column| {
            let kinds = rows.iter().filter_map(|row| kind(&row[column]));
            if all_text {
                Kind::Text
            } else {
                kinds.reduce(Kind::with).unwrap_or(Kind::Text)
            }
        })
        .collect();
    let columns: Vec<String> = names
        .iter()
        .zip(&kinds)
        .map(|(name, kind)| format!("{} {}", quote_name(name), kind.sql()))
        .collect();
    session.execute(&*format!("CREATE TABLE sheet ({})", columns.join(", ")))?;
    let wrong = |error: duckdb::Error| Wrong::Step(crate::duck::explain(&error, None));
    let mut appender = session.connection().appender("sheet").map_err(wrong)?;
    for row in rows {
        let cells = row
            .iter()
            .zip(&kinds)
            .map(|(cell, kind)| convert(cell, *kind));
        appender
            .append_row(appender_params_from_iter(cells))
            .map_err(wrong)?;
    }
    appender.flush().map_err(wrong)
}

fn names(header: Option<&[Data]>, width: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(width);
    for column in 0..width {
        let given = header
            .and_then(|cells| cells.get(column))
            .map(text)
            .unwrap_or_default();
        let given = given.trim();
        let base = if given.is_empty() {
            format!("column{}", column + 1)
        } else {
            given.to_owned()
        };
        let mut name = base.clone();
        let mut copy = 1;
        while names.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            copy += 1;
            name = format!("{base}_{copy}");
        }
        names.push(name);
    }
    names
}

fn kind(cell: &Data) -> Option<Kind> {
    Some(match cell {
        Data::Empty | Data::Error(_) => return None,
        Data::Int(_) => Kind::Integer,
        // Excel knows only floating point: whole numbers are meant as such.
        Data::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Kind::Integer,
        Data::Float(_) => Kind::Number,
        Data::Bool(_) => Kind::Boolean,
        Data::DateTime(value) if value.is_duration() => Kind::Text,
        Data::DateTime(value) if value.as_f64().fract() == 0.0 => Kind::Date,
        Data::DateTime(_) => Kind::Timestamp,
        _ => Kind::Text,
    })
}

fn convert(cell: &Data, kind: Kind) -> Cell {
    match (cell, kind) {
        (Data::Empty | Data::Error(_), _) => Cell::Null,
        (Data::Int(value), Kind::Integer) => Cell::BigInt(*value),
        (Data::Float(value), Kind::Integer) => Cell::BigInt(*value as i64),
        (Data::Int(value), Kind::Number) => Cell::Double(*value as f64),
        (Data::Float(value), Kind::Number) => Cell::Double(*value),
        (Data::Bool(value), Kind::Boolean) => Cell::Boolean(*value),
        (Data::DateTime(_), Kind::Date | Kind::Timestamp) => {
            micros(cell).map_or(Cell::Null, |micros| {
                if kind == Kind::Date {
                    Cell::Date32(
                        i32::try_from(micros.div_euclid(86_400_000_000)).unwrap_or_default(),
                    )
                } else {
                    Cell::Timestamp(TimeUnit::Microsecond, micros)
                }
            })
        }
        (cell, _) => Cell::Text(text(cell)),
    }
}

/// Microseconds since 1970 of a date.
fn micros(cell: &Data) -> Option<i64> {
    Some(cell.as_datetime()?.and_utc().timestamp_micros())
}

fn text(cell: &Data) -> String {
    match cell {
        Data::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            (*value as i64).to_string()
        }
        Data::DateTime(value) if !value.is_duration() => cell.as_datetime().map_or_else(
            || cell.to_string(),
            |moment| moment.format("%Y-%m-%dT%H:%M:%S").to_string(),
        ),
        Data::Empty | Data::Error(_) => String::new(),
        other => other.to_string(),
    }
}
