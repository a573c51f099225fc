//! Edits that were not saved.

use baton_core::document;
use baton_store::DraftRow;

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::ApiError;
use crate::workflows::{Draft, DraftKey, DraftList, DraftPut};

/// Drafts of a user of a server are theirs alone: two people who edit the same file do not write over one another.
fn own(app: &App) -> String {
    app.caller()
        .user()
        .map(|user| format!("@{}/", user.to_ascii_lowercase()))
        .unwrap_or_default()
}

/// The key in the store.
pub(crate) fn kept_under(app: &App, key: &str) -> String {
    format!("{}{key}", own(app))
}

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
        .draft_put(&kept_under(app, &key), base.as_deref(), &text, app.now())
        .await?;
    Ok(Nothing {})
}

/// Forgets unsaved edits.
///
/// # Errors
///
/// If the store does not take it.
pub async fn draft_discard(app: &App, request: DraftKey) -> Result<Nothing, ApiError> {
    app.store()
        .draft_discard(&kept_under(app, &request.key))
        .await?;
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
        drafts: of(app, rows).filter_map(draft).collect(),
    })
}

/// Those of whoever asks, under the keys that they gave.
fn of(app: &App, rows: Vec<DraftRow>) -> impl Iterator<Item = DraftRow> + use<> {
    let own = own(app);
    rows.into_iter().filter_map(move |mut row| {
        let key = row.key.strip_prefix(&own)?.to_owned();
        // A path of the owner never begins like this.
        if own.is_empty() && key.starts_with('@') {
            return None;
        }
        row.key = key;
        Some(row)
    })
}

/// The draft with this key.
pub(crate) async fn find(app: &App, key: &str) -> Result<Option<Draft>, ApiError> {
    let rows = app.store().draft_list().await?;
    Ok(of(app, rows).find(|row| row.key == key).and_then(draft))
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
