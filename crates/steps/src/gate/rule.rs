//! One rule of a quality gate, and the SQL that finds the rows that break it.

use baton_core::duration::parse_ms;
use baton_core::error::StepError;
use baton_core::table::Column;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::config::Text;
use crate::duck::{names, quote_name, quote_text};
use crate::safe_path::{distance, quoted};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Check {
    NotNull,
    Unique,
    Range,
    Pattern,
    Allowed,
    Length,
    RowCount,
    Freshness,
    Expression,
}

impl Check {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NotNull => "not_null",
            Self::Unique => "unique",
            Self::Range => "range",
            Self::Pattern => "pattern",
            Self::Allowed => "allowed",
            Self::Length => "length",
            Self::RowCount => "row_count",
            Self::Freshness => "freshness",
            Self::Expression => "expression",
        }
    }

    /// Looks at the table as a whole, not at rows.
    pub(crate) const fn is_of_table(self) -> bool {
        matches!(self, Self::RowCount | Self::Freshness)
    }
}

/// What a broken rule means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Severity {
    /// The gate fails.
    #[default]
    Block,
    /// The gate warns.
    Warn,
    /// The rows are set apart, the rest goes on.
    Quarantine,
}

impl Severity {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Warn => "warn",
            Self::Quarantine => "quarantine",
        }
    }
}

/// A rule.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    /// What is looked at.
    pub(crate) check: Check,
    /// The column.
    #[serde(default)]
    pub(crate) column: Option<String>,
    /// Several columns, for `unique` and `not_null`.
    #[serde(default)]
    columns: Vec<String>,
    /// The smallest value, length or number of rows.
    #[serde(default)]
    min: Option<Value>,
    /// The largest value, length or number of rows.
    #[serde(default)]
    max: Option<Value>,
    /// A regular expression that the whole text fits.
    #[serde(default)]
    pattern: Option<String>,
    /// The values that may occur.
    #[serde(default)]
    allowed: Vec<Value>,
    /// A condition on a row, in SQL.
    #[serde(default)]
    expression: Option<Text>,
    /// How old the newest value may be.
    #[serde(default)]
    max_age: Option<String>,
    /// The instant that the age is counted from.
    #[serde(default)]
    as_of: Option<String>,
    /// What a broken rule means.
    #[serde(default)]
    pub(crate) severity: Severity,
    /// The name of the rule in reports.
    #[serde(default)]
    name: Option<String>,
}

impl Rule {
    /// The name in reports.
    pub(crate) fn title(&self) -> String {
        if let Some(name) = self.name.as_deref().filter(|name| !name.trim().is_empty()) {
            return name.trim().to_owned();
        }
        let columns = self.column_names();
        let check = self.check.name().replace('_', " ");
        if columns.is_empty() {
            check
        } else {
            format!("{} {check}", columns.join(", "))
        }
    }

    /// The columns that the rule names.
    pub(crate) fn column_names(&self) -> Vec<&str> {
        let several = self.columns.iter().map(String::as_str);
        self.column
            .as_deref()
            .into_iter()
            .chain(several)
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// A condition that is true for the rows that break the rule. `columns` are those of the table; the text is put
    /// into a query that has the row number in `row`.
    pub(crate) fn broken(&self, columns: &[Column], row: &str) -> Result<String, StepError> {
        let named = self.known(columns)?;
        let one = || named.first().copied().ok_or_else(|| self.lacks("a column"));
        Ok(match self.check {
            Check::NotNull => {
                one()?;
                let nulls: Vec<String> = named
                    .iter()
                    .map(|column| format!("{} IS NULL", quote_name(&column.name)))
                    .collect();
                nulls.join(" OR ")
            }
            Check::Unique => {
                one()?;
                let list = names(named.iter().map(|column| column.name.as_str()));
                let present: Vec<String> = named
                    .iter()
                    .map(|column| format!("{} IS NOT NULL", quote_name(&column.name)))
                    .collect();
                // The first of equals stands; the others repeat it.
                format!(
                    "{} AND row_number() OVER (PARTITION BY {list} ORDER BY {row}) > 1",
                    present.join(" AND ")
                )
            }
            Check::Range => self.range(one()?)?,
            Check::Pattern => {
                let pattern = self.pattern.as_deref().filter(|text| !text.is_empty());
                let pattern = pattern.ok_or_else(|| self.lacks("a pattern"))?;
                let column = quote_name(&one()?.name);
                format!(
                    "NOT regexp_full_match(CAST({column} AS VARCHAR), {})",
                    quote_text(pattern)
                )
            }
            Check::Allowed => {
                if self.allowed.is_empty() {
                    return Err(self.lacks("the allowed values"));
                }
                let column = quote_name(&one()?.name);
                let values: Vec<String> = self
                    .allowed
                    .iter()
                    .map(|value| quote_text(&Text::of(value)))
                    .collect();
                format!("CAST({column} AS VARCHAR) NOT IN ({})", values.join(", "))
            }
            Check::Length => {
                let column = quote_name(&one()?.name);
                self.between(&format!("length(CAST({column} AS VARCHAR))"))?
            }
            Check::Expression => {
                let condition = self
                    .expression
                    .as_deref()
                    .map(str::trim)
                    .filter(|text| !text.is_empty());
                let condition = condition.ok_or_else(|| self.lacks("a condition"))?;
                // On a line of its own: the condition may end in a comment.
                format!("NOT (\n{condition}\n)")
            }
            Check::RowCount | Check::Freshness => "false".to_owned(),
        })
    }

    /// The condition as a person wrote it, for errors.
    pub(crate) fn written(&self) -> Option<&str> {
        self.expression
            .as_deref()
            .filter(|_| self.check == Check::Expression)
    }

    /// A query whose only cell is true if the table as a whole breaks the rule, and an example.
    pub(crate) fn broken_table(
        &self,
        table: &str,
        columns: &[Column],
    ) -> Result<String, StepError> {
        if self.severity == Severity::Quarantine {
            return Err(StepError::permanent(
                "config",
                format!(
                    "the rule `{}` looks at the whole table: it cannot quarantine rows",
                    self.title()
                ),
            )
            .hint("let it block or warn"));
        }
        if self.check == Check::RowCount {
            return Ok(format!(
                "SELECT {}, n FROM (SELECT count(*) AS n FROM {table})",
                self.between("n")?
            ));
        }
        let named = self.known(columns)?;
        let column = named.first().ok_or_else(|| self.lacks("a column"))?;
        let age = self
            .max_age
            .as_deref()
            .ok_or_else(|| self.lacks("the greatest age"))?;
        let age = parse_ms(age).map_err(|message| StepError::permanent("config", message))?;
        let as_of = self
            .as_of
            .as_deref()
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                self.lacks("the instant that the age is counted from")
                    .hint("`{% run.startedAt %}` is the start of the run")
            })?;
        let column = quote_name(&column.name);
        Ok(format!(
            "SELECT newest IS NULL OR newest < CAST({} AS TIMESTAMPTZ)::TIMESTAMP - to_milliseconds({age}), newest \
             FROM (SELECT max(CAST({column} AS TIMESTAMP)) AS newest FROM {table})",
            quote_text(as_of)
        ))
    }

    fn range(&self, column: &Column) -> Result<String, StepError> {
        let name = quote_name(&column.name);
        let is_numeric = [&self.min, &self.max]
            .into_iter()
            .flatten()
            .all(Value::is_number);
        match column.kind.as_str() {
            // A text that is no number is out of every range of numbers.
            "text" if is_numeric => {
                let number = format!("TRY_CAST({name} AS DOUBLE)");
                Ok(format!(
                    "{name} IS NOT NULL AND ({number} IS NULL OR {})",
                    self.between(&number)?
                ))
            }
            _ => self.between(&name),
        }
    }

    fn between(&self, value: &str) -> Result<String, StepError> {
        let limit = |limit: &Value| match limit {
            Value::Number(number) => number.to_string(),
            // Compared as what the column holds: a date with a date.
            other => quote_text(&Text::of(other)),
        };
        let present = |limit: &&Value| !limit.is_null() && limit.as_str() != Some("");
        let below = self
            .min
            .as_ref()
            .filter(present)
            .map(|min| format!("{value} < {}", limit(min)));
        let above = self
            .max
            .as_ref()
            .filter(present)
            .map(|max| format!("{value} > {}", limit(max)));
        let parts: Vec<String> = below.into_iter().chain(above).collect();
        if parts.is_empty() {
            return Err(self.lacks("a smallest or largest value"));
        }
        Ok(format!("({})", parts.join(" OR ")))
    }

    fn known<'c>(&self, columns: &'c [Column]) -> Result<Vec<&'c Column>, StepError> {
        self.column_names()
            .into_iter()
            .map(|name| {
                columns.iter().find(|column| column.name == name).ok_or_else(|| {
                    let mut near: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                    near.sort_by_key(|known| distance(&known.to_lowercase(), &name.to_lowercase()));
                    StepError::permanent(
                        "unknown-column",
                        format!("the rule `{}` names the column `{name}`, which the table does not have", self.title()),
                    )
                    .hint(format!("the table has {}", quoted(&near)))
                })
            })
            .collect()
    }

    fn lacks(&self, what: &str) -> StepError {
        StepError::permanent(
            "config",
            format!("the rule `{}` lacks {what}", self.title()),
        )
    }
}
