//! Checks a table against rules, sets bad rows apart, and chooses the way on.

use std::path::PathBuf;

use baton_core::error::StepError;
use baton_core::step_kind::{Category, Effect, Ports};
use baton_core::table::{Column, TableRef};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tempfile::TempPath;

use crate::config::With;
use crate::duck::{self, Query, Session, Source, import, names, quote_name, quote_path, quote_text};
use crate::gate::{Rule, Severity};
use crate::kind::{About, Kind};
use crate::overview::counted;
use crate::{TaskContext, TaskOutput};

/// The settings of `quality_gate`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    /// The table.
    table: Value,
    /// The rules.
    rules: Vec<Rule>,
}

pub(crate) struct Step;

impl Kind for Step {
    type Config = Config;

    const ABOUT: About = About {
        title: "Quality gate",
        summary: "Checks a table against rules, sets bad rows apart, and chooses the way on.",
        category: Category::Quality,
        icon: "shield-check",
        ports: Ports::Fixed(&[("pass", "Pass"), ("warn", "Warn"), ("fail", "Fail")]),
        output: &[
            ("table", "the rows that were not set apart"),
            ("quarantine", "the rows that were, with the names of their rules in `_rule`"),
            ("checks", "each rule with how often it was broken, and examples"),
            ("rows", "number of rows that go on"),
            ("quarantined", "number of rows set apart"),
            ("blocked", "names of the broken rules that block"),
            ("warnings", "names of the broken rules that warn"),
        ],
    };

    fn effect(_: &With) -> Effect {
        Effect::Pure
    }

    fn summary(with: &With) -> String {
        counted(with, "rules", "rule", "rules")
    }

    async fn run(config: Config, cx: &TaskContext) -> Result<TaskOutput, StepError> {
        let Config { table, rules } = config;
        let source = Source::new(cx, "table", &table)?;
        let clean = duck::table_file(&cx.artifacts)?;
        let quarantine = duck::table_file(&cx.artifacts)?;
        let mut files: Vec<PathBuf> = source.files().into_iter().collect();
        files.extend([clean.to_path_buf(), quarantine.to_path_buf()]);
        let report = duck::run(cx, files, move |session| {
            import(session, "input", &source)?;
            let gate = Gate::look(session, rules)?;
            gate.judge(session, &source, &clean, &quarantine)
        })
        .await?;
        Ok(report)
    }
}

/// Names of the columns that the gate adds while it works; no table has such.
const ROW: &str = "baton:row";

fn flag(index: usize) -> String {
    quote_name(&format!("baton:rule:{index}"))
}

/// The table with one flag per rule and row.
struct Gate {
    rules: Vec<Rule>,
    columns: Vec<Column>,
    flagged: String,
}

impl Gate {
    /// Evaluates all rules in one pass and keeps the result beside the session, so that memory does not matter.
    fn look(session: &Session, rules: Vec<Rule>) -> Result<Self, StepError> {
        let columns = session.columns("input")?;
        let row = quote_name(ROW);
        let mut flags = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let broken = rule.broken(&columns, &row)?;
            if let Some(written) = rule.written() {
                check_expression(session, rule, written)?;
            }
            flags.push(format!("coalesce({broken}, false) AS {}", flag(index)));
        }
        let scratch = quote_path(&session.scratch());
        let flags: String = flags.iter().map(|flag| format!(", {flag}")).collect();
        session.execute(&*format!(
            "COPY (SELECT *{flags} FROM (SELECT row_number() OVER () AS {row}, * FROM input)) \
             TO {scratch} (FORMAT parquet, USE_TMP_FILE false)"
        ))?;
        Ok(Self { rules, columns, flagged: format!("read_parquet({scratch})") })
    }

    fn judge(
        &self,
        session: &Session,
        source: &Source,
        clean: &TempPath,
        quarantine: &TempPath,
    ) -> Result<TaskOutput, StepError> {
        let counts = self.counts(session)?;
        let mut checks = Vec::new();
        let mut blocked: Vec<String> = Vec::new();
        let mut warnings: Vec<String> = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let (failed, examples) = if rule.check.is_of_table() {
                self.look_at_table(session, rule)?
            } else {
                let failed = counts[index];
                (failed, if failed > 0 { self.examples(session, index, rule)? } else { Vec::new() })
            };
            if failed > 0 {
                match rule.severity {
                    Severity::Block => blocked.push(rule.title()),
                    Severity::Warn => warnings.push(rule.title()),
                    Severity::Quarantine => {}
                }
            }
            let columns = rule.column_names();
            checks.push(json!({
                "name": rule.title(),
                "check": rule.check.name(),
                "column": if columns.is_empty() { Value::Null } else { columns.join(", ").into() },
                "severity": rule.severity.name(),
                "failed": failed,
                "examples": examples,
                "passed": failed == 0,
            }));
        }
        let (clean, quarantine) = self.split(session, source, clean, quarantine)?;
        let port = if !blocked.is_empty() {
            "fail"
        } else if !warnings.is_empty() {
            "warn"
        } else {
            "pass"
        };
        Ok(TaskOutput {
            port: Some(port.to_owned()),
            ..TaskOutput::new(json!({
                "table": clean.to_value(),
                "quarantine": quarantine.to_value(),
                "checks": checks,
                "rows": clean.rows,
                "quarantined": quarantine.rows,
                "blocked": blocked,
                "warnings": warnings,
            }))
        })
    }

    /// How many rows break each rule.
    fn counts(&self, session: &Session) -> Result<Vec<u64>, StepError> {
        if self.rules.is_empty() {
            return Ok(Vec::new());
        }
        let sums: Vec<String> =
            (0..self.rules.len()).map(|index| format!("count(*) FILTER ({})", flag(index))).collect();
        let sql = format!("SELECT {} FROM {}", sums.join(", "), self.flagged);
        let row = session.rows(&*sql, &[])?.into_iter().next().unwrap_or_default();
        Ok(row.iter().map(|cell| cell.as_u64().unwrap_or_default()).collect())
    }

    /// The first rows that break a rule: their number and the values that the rule looks at.
    fn examples(&self, session: &Session, index: usize, rule: &Rule) -> Result<Vec<Value>, StepError> {
        let looked_at = rule.column_names();
        let columns: Vec<Column> = self
            .columns
            .iter()
            .filter(|column| looked_at.is_empty() || looked_at.contains(&column.name.as_str()))
            .cloned()
            .collect();
        let list = names(columns.iter().map(|column| column.name.as_str()));
        let sql = format!(
            "SELECT {list}, {row} FROM {} WHERE {} ORDER BY {row} LIMIT 5",
            self.flagged,
            flag(index),
            row = quote_name(ROW),
        );
        let rows = session.rows(&*sql, &columns)?;
        Ok(rows
            .into_iter()
            .map(|mut row| {
                let number = row.pop().unwrap_or_default();
                let value = match row.len() {
                    1 => row.pop().unwrap_or_default(),
                    _ => Value::Object(duck::objects(&columns, row)),
                };
                json!({ "row": number, "value": value })
            })
            .collect())
    }

    fn look_at_table(&self, session: &Session, rule: &Rule) -> Result<(u64, Vec<Value>), StepError> {
        let sql = rule.broken_table("input", &self.columns)?;
        let row = session.rows(&*sql, &[])?.into_iter().next().unwrap_or_default();
        let is_broken = row.first() == Some(&Value::Bool(true));
        let found = row.get(1).cloned().unwrap_or_default();
        Ok(if is_broken { (1, vec![json!({ "value": found })]) } else { (0, Vec::new()) })
    }

    /// The rows that go on and those that are set apart.
    fn split(
        &self,
        session: &Session,
        source: &Source,
        clean: &TempPath,
        quarantine: &TempPath,
    ) -> Result<(TableRef, TableRef), StepError> {
        let apart: Vec<usize> = (0..self.rules.len())
            .filter(|index| self.rules[*index].severity == Severity::Quarantine)
            .collect();
        let flags: Vec<String> = apart.iter().map(|index| flag(*index)).collect();
        let is_bad = if flags.is_empty() { "false".to_owned() } else { flags.join(" OR ") };
        let rules: Vec<String> = apart
            .iter()
            .map(|index| {
                format!("CASE WHEN {} THEN {} END", flag(*index), quote_text(&self.rules[*index].title()))
            })
            .collect();
        let rule = if rules.is_empty() {
            "CAST(NULL AS VARCHAR)".to_owned()
        } else {
            format!("concat_ws(', ', {})", rules.join(", "))
        };
        let list = names(self.columns.iter().map(|column| column.name.as_str()));
        let row = quote_name(ROW);
        let flagged = &self.flagged;
        let name = self.free_name("_rule");
        let quarantine = session.keep(
            &format!(
                "(SELECT {list}, {rule} AS {} FROM {flagged} WHERE {is_bad} ORDER BY {row})",
                quote_name(&name)
            ),
            quarantine,
        )?;
        // Nothing is set apart: the table goes on as it came.
        if let (Source::Table(table, _), 0) = (source, quarantine.rows) {
            return Ok((table.clone(), quarantine));
        }
        let clean = session
            .keep(&format!("(SELECT {list} FROM {flagged} WHERE NOT ({is_bad}) ORDER BY {row})"), clean)?;
        Ok((clean, quarantine))
    }

    fn free_name(&self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.columns.iter().any(|column| column.name == name) {
            name.push('_');
        }
        name
    }
}

/// A condition that a person wrote is one expression: nothing in it may end the query around it.
fn check_expression(session: &Session, rule: &Rule, written: &str) -> Result<(), StepError> {
    let none = Map::new();
    let named = |error: StepError| StepError {
        message: format!("the rule `{}`: {}", rule.title(), error.message),
        ..error
    };
    if super::sql::has_semicolon(written) {
        return Err(named(StepError::permanent("sql", "a condition holds no `;`")));
    }
    let alone = Query::written(written, &none).wrapped("SELECT CAST((", ") AS BOOLEAN) FROM input LIMIT 0");
    session.prepare(&alone).map_err(named)
}

#[cfg(test)]
#[path = "../tests/quality_gate.rs"]
mod tests;
