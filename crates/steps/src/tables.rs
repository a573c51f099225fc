//! Pages of tables, for looking at them without moving them.

use baton_core::error::StepError;
use baton_core::table::Column;
use serde_json::{Map, Value, json};

use crate::duck::{self, Query, quote_name, quote_path};
use crate::safe_path::quoted;
use crate::{Artifacts, Limits, Secrets, TaskContext};

/// The most rows of a page.
pub const PAGE_LIMIT: u32 = 1_000;

/// Some rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows of this page, each with one value per column.
    pub rows: Vec<Vec<Value>>,
    /// How many rows there are in all, after the search.
    pub total: u64,
}

/// Rows `offset` to `offset + limit` of the table `artifact`, sorted by a column (`true` for descending) and only those
/// in which some column holds the text `search`, upper and lower case alike.
///
/// # Errors
///
/// If there is no such artifact, it is not a table, or has no such column.
pub async fn page(
    artifacts: &Artifacts,
    artifact: &str,
    offset: u64,
    limit: u32,
    sort: Option<(&str, bool)>,
    search: Option<&str>,
) -> Result<Page, StepError> {
    let path = artifacts
        .path(artifact)
        .map_err(|error| StepError::permanent("artifact", error.to_string()))?;
    if !path.is_file() {
        return Err(
            StepError::permanent("artifact-missing", "the table is gone")
                .hint("its artifact was deleted: run the step that made it again"),
        );
    }
    let cx = looking(artifacts);
    let sort = sort.map(|(column, is_descending)| (column.to_owned(), is_descending));
    let search = search
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(str::to_lowercase);
    duck::run(&cx, vec![path.clone()], move |session| {
        let table = format!("read_parquet({})", quote_path(&path));
        let columns = session.columns(&table)?;
        let mut params = Map::new();
        let filter = search.map_or_else(String::new, |text| {
            params.insert("search".to_owned(), json!(text));
            let holds = |column: &Column| {
                let name = quote_name(&column.name);
                format!("contains(lower(CAST({name} AS VARCHAR)), $search)")
            };
            format!(
                "WHERE {}",
                columns.iter().map(holds).collect::<Vec<_>>().join(" OR ")
            )
        });
        let order = match sort {
            None => String::new(),
            Some((column, is_descending)) => {
                if !columns.iter().any(|known| known.name == column) {
                    let names: Vec<&str> =
                        columns.iter().map(|column| column.name.as_str()).collect();
                    return Err(StepError::permanent(
                        "unknown-column",
                        format!("there is no column `{column}`"),
                    )
                    .hint(format!("the table has {}", quoted(&names))));
                }
                let direction = if is_descending { "DESC" } else { "ASC" };
                format!("ORDER BY {} {direction} NULLS LAST", quote_name(&column))
            }
        };
        let count = format!("SELECT count(*) FROM {table} {filter}");
        let total = session
            .cell(Query::written(&count, &params))?
            .as_u64()
            .unwrap_or_default();
        let limit = limit.min(PAGE_LIMIT);
        let sql = format!("FROM {table} {filter} {order} LIMIT {limit} OFFSET {offset}");
        let rows = session.rows(Query::written(&sql, &params), &columns)?;
        Ok(Page {
            columns,
            rows,
            total,
        })
    })
    .await
}

/// A context for work that is no task.
fn looking(artifacts: &Artifacts) -> TaskContext {
    let (log, _) = tokio::sync::mpsc::unbounded_channel();
    TaskContext {
        work_dir: artifacts.dir().to_path_buf(),
        artifacts: artifacts.clone(),
        cancel: tokio_util::sync::CancellationToken::new(),
        key: String::new(),
        run: String::new(),
        limits: Limits {
            memory_mb: 512,
            ..Limits::default()
        },
        log,
        temp_dir: artifacts.dir().join("tmp"),
        secrets: Secrets::new(|_| None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, sample_data};

    async fn airports() -> (Bench, String) {
        let bench = Bench::new();
        let path = sample_data().join("airports.csv");
        let table = bench.run("read_table", json!({ "path": path })).await;
        let hash = table["artifact"].as_str().unwrap().to_owned();
        (bench, hash)
    }

    #[tokio::test]
    async fn a_page_is_some_rows_of_all() {
        let (bench, hash) = airports().await;
        let page = page(&bench.cx.artifacts, &hash, 1, 2, None, None)
            .await
            .unwrap();
        assert_eq!((page.total, page.rows.len()), (3_376, 2));
        assert_eq!(page.rows[0][0], "00R");
        assert_eq!(page.columns[6].kind, "number");
    }

    #[tokio::test]
    async fn a_page_is_sorted_and_searched() {
        let (bench, hash) = airports().await;
        let page = page(
            &bench.cx.artifacts,
            &hash,
            0,
            5,
            Some(("name", true)),
            Some("HILO"),
        )
        .await
        .unwrap();
        let names: Vec<&str> = page
            .rows
            .iter()
            .map(|row| row[1].as_str().unwrap())
            .collect();
        let mut sorted = names.clone();
        sorted.sort_by(|a, b| b.cmp(a));
        assert_eq!(names, sorted);
        assert!(page.total >= 1 && page.total < 10, "{}", page.total);
    }

    #[tokio::test]
    async fn a_wrong_column_or_artifact_is_an_error() {
        let (bench, hash) = airports().await;
        let artifacts = &bench.cx.artifacts;
        let error = page(artifacts, &hash, 0, 5, Some(("nome", false)), None)
            .await
            .unwrap_err();
        assert!(error.hint.unwrap().contains("`name`"));
        let missing = "0".repeat(64);
        let error = page(artifacts, &missing, 0, 5, None, None)
            .await
            .unwrap_err();
        assert_eq!(error.code, "artifact-missing");
        assert!(page(artifacts, "../../x", 0, 5, None, None).await.is_err());
    }
}
