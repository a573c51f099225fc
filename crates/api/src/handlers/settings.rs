//! Settings.

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::runs::Settings;

/// The key that all settings are kept under.
const SETTINGS: &str = "settings";

/// Settings of this person on this machine.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn settings_get(app: &App, _: Nothing) -> Result<Settings, ApiError> {
    settings_of(app).await
}

/// A user of a server has settings of their own.
fn key(app: &App) -> String {
    match app.caller().user() {
        Some(user) => format!("{SETTINGS}:{}", user.to_ascii_lowercase()),
        None => SETTINGS.to_owned(),
    }
}

pub(crate) async fn settings_of(app: &App) -> Result<Settings, ApiError> {
    let kept = app.store().setting(&key(app)).await?;
    let settings = kept
        .map(serde_json::from_value)
        .transpose()
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "the settings cannot be read and start anew");
            None
        });
    Ok(settings.unwrap_or_default())
}

/// Changes the settings that are given.
///
/// # Errors
///
/// If the store does not take them.
pub async fn settings_set(app: &App, request: Settings) -> Result<Settings, ApiError> {
    let old = settings_of(app).await?;
    let settings = Settings {
        theme: request.theme.or(old.theme),
        wheel: request.wheel.or(old.wheel),
        direction: request.direction.or(old.direction),
        panels: request.panels.or(old.panels),
        person: request.person.or(old.person),
        daily_backup: request.daily_backup.or(old.daily_backup),
    };
    let value = serde_json::to_value(&settings)
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    app.store().setting_put(&key(app), &value).await?;
    if app.caller().user().is_none() {
        app.name_person(settings.person.clone());
    }
    Ok(settings)
}
