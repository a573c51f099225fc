//! Values and types of DuckDB, as JSON and as the types of our tables.

use duckdb::types::{TimeUnit, Value as Cell};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use serde_json::{Number, Value};

/// The type of a column as [`baton_core::table::Column`] names it.
pub(crate) fn column_kind(duck_type: &str) -> &'static str {
    let base = duck_type.split('(').next().unwrap_or(duck_type).trim();
    if duck_type.ends_with(']') {
        return "json";
    }
    match base {
        "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT" | "HUGEINT" | "UTINYINT" | "USMALLINT"
        | "UINTEGER" | "UBIGINT" | "UHUGEINT" => "integer",
        "DECIMAL" if duck_type.ends_with(",0)") => "integer",
        "FLOAT" | "DOUBLE" | "DECIMAL" => "number",
        "BOOLEAN" => "boolean",
        "DATE" => "date",
        "BLOB" | "GEOMETRY" => "binary",
        "JSON" | "STRUCT" | "MAP" => "json",
        other if other.starts_with("TIMESTAMP") => "timestamp",
        _ => "text",
    }
}

/// What people call a type.
pub(crate) fn shown_type(kind: &str) -> &str {
    match kind {
        "integer" => "whole number",
        other => other,
    }
}

/// The column `name` in a form that a Parquet file keeps without loss.
pub(crate) fn storable(name: &str, duck_type: &str) -> String {
    let name = super::quote_name(name);
    // Parquet has no 128-bit integers: DuckDB would store them as floating point.
    let base = duck_type.split('(').next().unwrap_or(duck_type);
    match base {
        "HUGEINT" => format!("CAST({name} AS DECIMAL(38, 0)) AS {name}"),
        "UHUGEINT" | "BIT" | "UNION" | "BIGNUM" | "\"NULL\"" | "NULL" => {
            format!("CAST({name} AS VARCHAR) AS {name}")
        }
        _ => name,
    }
}

/// A cell as JSON. `kind` is the type of its column, empty if it is not known.
pub(crate) fn to_json(cell: Cell, kind: &str) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Boolean(value) => value.into(),
        Cell::TinyInt(value) => value.into(),
        Cell::SmallInt(value) => value.into(),
        Cell::Int(value) => value.into(),
        Cell::BigInt(value) => value.into(),
        Cell::HugeInt(value) => wide(i64::try_from(value).ok(), || value.to_string()),
        Cell::UHugeInt(value) => wide(i64::try_from(value).ok(), || value.to_string()),
        Cell::UTinyInt(value) => value.into(),
        Cell::USmallInt(value) => value.into(),
        Cell::UInt(value) => value.into(),
        Cell::UBigInt(value) => value.into(),
        // The shortest text that means the same 32-bit number, not its 64-bit neighbour.
        Cell::Float(value) => float(value.to_string().parse().unwrap_or(f64::from(value))),
        Cell::Double(value) => float(value),
        Cell::Decimal(value) => decimal(&value.to_string()),
        Cell::Timestamp(unit, value) => timestamp(unit, value),
        Cell::Text(text) if kind == "json" => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        Cell::Text(text) | Cell::Enum(text) => text.into(),
        Cell::Blob(bytes) | Cell::Geometry(bytes) => hex(&bytes).into(),
        Cell::Date32(days) => date(days),
        Cell::Time64(unit, value) => time(unit.to_micros(value)),
        Cell::Interval {
            months,
            days,
            nanos,
        } => interval(months, days, nanos).into(),
        Cell::List(cells) | Cell::Array(cells) => {
            cells.into_iter().map(|cell| to_json(cell, "")).collect()
        }
        Cell::Struct(fields) => {
            let fields = fields
                .iter()
                .map(|(name, cell)| (name.clone(), to_json(cell.clone(), "")));
            Value::Object(fields.collect())
        }
        Cell::Map(entries) => {
            let entries = entries.iter().map(|(key, cell)| {
                let key = match to_json(key.clone(), "") {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                (key, to_json(cell.clone(), ""))
            });
            Value::Object(entries.collect())
        }
        Cell::Union(cell) => to_json(*cell, kind),
        other => format!("{other:?}").into(),
    }
}

fn wide(small: Option<i64>, text: impl FnOnce() -> String) -> Value {
    small.map_or_else(|| text().into(), Value::from)
}

fn float(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)
}

fn decimal(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(whole) => whole.into(),
        Err(_) if !text.contains('.') => text.into(),
        Err(_) => text.parse().map_or_else(|_| text.into(), float),
    }
}

fn date(days: i32) -> Value {
    Date::constant(1970, 1, 1)
        .checked_add(jiff::Span::new().days(days))
        .map_or_else(
            |_| format!("{days} days since 1970-01-01").into(),
            |date| date.to_string().into(),
        )
}

fn time(micros: i64) -> Value {
    Time::midnight()
        .checked_add(jiff::Span::new().microseconds(micros))
        .map_or_else(|_| micros.into(), |time| time.to_string().into())
}

/// Without a zone: DuckDB keeps what was written, or UTC.
fn timestamp(unit: TimeUnit, value: i64) -> Value {
    let instant = match unit {
        TimeUnit::Second => Timestamp::from_second(value),
        TimeUnit::Millisecond => Timestamp::from_millisecond(value),
        TimeUnit::Microsecond => Timestamp::from_microsecond(value),
        TimeUnit::Nanosecond => {
            Ok(Timestamp::from_nanosecond(i128::from(value)).unwrap_or_default())
        }
    };
    instant.map_or_else(
        |_| unit.to_micros(value).into(),
        |instant| {
            instant
                .to_zoned(jiff::tz::TimeZone::UTC)
                .datetime()
                .to_string()
                .into()
        },
    )
}

fn interval(months: i32, days: i32, nanos: i64) -> String {
    let seconds = nanos / 1_000_000_000;
    let time = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let mut parts = Vec::new();
    if months != 0 {
        parts.push(format!("{months} months"));
    }
    if days != 0 {
        parts.push(format!("{days} days"));
    }
    if nanos != 0 || parts.is_empty() {
        parts.push(time);
    }
    parts.join(" ")
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    for byte in bytes {
        // Writing into a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
