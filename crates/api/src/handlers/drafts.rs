//! Edits that were not saved.

use baton_core::document;
use baton_store::DraftRow;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::ApiError;
use crate::workflows::{Draft, DraftKey, DraftList, DraftPut};

/// Keeps an edit, durable when it answers.
///
/// # Errors
///
/// If the store does not take it.
pub async fn draft_put(app: &App, request: DraftPut) -> Result<Nothing, ApiError> {
    let DraftPut {
        key,
        document,
        base,
    } = request;
    let text = document::print(&document);
    app.store()
        .draft_put(&key, base.as_deref(), &text, app.now())
        .await?;
    Ok(Nothing {})
}

/// Forgets unsaved edits.
///
/// # Errors
///
/// If the store does not take it.
pub async fn draft_discard(app: &App, request: DraftKey) -> Result<Nothing, ApiError> {
    app.store().draft_discard(&request.key).await?;
    Ok(Nothing {})
}

/// Edits that were not saved, newest first.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn draft_list(app: &App, _: Nothing) -> Result<DraftList, ApiError> {
    let rows = app.store().draft_list().await?;
    Ok(DraftList {
        drafts: rows.into_iter().filter_map(draft).collect(),
    })
}

/// The draft with this key.
pub(crate) async fn find(app: &App, key: &str) -> Result<Option<Draft>, ApiError> {
    let rows = app.store().draft_list().await?;
    Ok(rows.into_iter().find(|row| row.key == key).and_then(draft))
}

fn draft(row: DraftRow) -> Option<Draft> {
    match document::parse(&row.document) {
        Ok(parsed) => Some(Draft {
            key: row.key,
            document: parsed.workflow,
            at: row.at,
            base: row.base,
        }),
        Err(error) => {
            tracing::error!(key = row.key, %error, "a draft cannot be read; it is left in the data folder");
            None
        }
    }
}
