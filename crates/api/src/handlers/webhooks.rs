//! Where hooks listen: kept as a setting of this machine, and followed at once.

use std::net::IpAddr;

use baton_core::trigger::Proof;
use baton_engine::triggers::webhook::{HookCounts, WebhookAddress, WebhookState};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::webhooks::{HookRefused, HookView, WebhookSet, WebhookView};

/// The key that it is kept under.
const WEBHOOKS: &str = "webhooks";
/// The port until a person chooses another.
const PORT: u16 = 8787;

/// As it is kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Kept {
    is_on: bool,
    port: u16,
    ip: IpAddr,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            is_on: false,
            port: PORT,
            ip: WebhookAddress::default().ip,
        }
    }
}

async fn kept(app: &App) -> Result<Kept, ApiError> {
    let kept = app.store().setting(WEBHOOKS).await?;
    let kept = kept.map(serde_json::from_value).transpose();
    Ok(kept
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "the setting of hooks cannot be read: they are off");
            None
        })
        .unwrap_or_default())
}

/// Has hooks listen where they should.
pub(crate) async fn listen_for_webhooks(app: &App) -> Result<(), ApiError> {
    let Some(engine) = app.running_engine() else {
        return Ok(());
    };
    let kept = kept(app).await?;
    let address = match app.webhook_port() {
        Some(port) => Some(WebhookAddress { ip: kept.ip, port }),
        None => kept.is_on.then_some(WebhookAddress {
            ip: kept.ip,
            port: kept.port,
        }),
    };
    engine.triggers().listen_for_webhooks(address);
    Ok(())
}

/// How hooks stand.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn webhook_get(app: &App, _: Nothing) -> Result<WebhookView, ApiError> {
    let kept = kept(app).await?;
    let state = match app.running_engine() {
        Some(engine) => engine.triggers().webhooks(),
        None => WebhookState::default(),
    };
    let listening = state.listening.map(|address| format!("http://{address}"));
    let hooks = state.hooks.into_iter().map(|hook| HookView {
        url: listening
            .as_ref()
            .map(|base| format!("{base}{}", hook.path)),
        auth: match &hook.settings.proof {
            Proof::Hmac { .. } => "hmac".to_owned(),
            Proof::Header { .. } => "header".to_owned(),
        },
        header: match &hook.settings.proof {
            Proof::Hmac { signature, .. } => signature.clone(),
            Proof::Header { name } => name.clone(),
        },
        timestamp_header: match &hook.settings.proof {
            Proof::Hmac { timestamp, .. } => Some(timestamp.clone()),
            Proof::Header { .. } => None,
        },
        variable: hook.variable,
        has_secret: hook.has_secret,
        per_minute: hook.settings.per_minute,
        most_waiting: hook.settings.most_waiting,
        workflow: hook.workflow,
        trigger: hook.trigger,
        path: hook.path,
        accepted: count(hook.counts.accepted),
        duplicates: count(hook.counts.duplicates),
        refused: refused(&hook.counts),
    });
    Ok(WebhookView {
        hooks: hooks.collect(),
        is_on: state.wanted.is_some() || kept.is_on,
        port: kept.port,
        ip: kept.ip.to_string(),
        port_of_this_start: app.webhook_port(),
        listening,
        trouble: state.trouble,
        strays: refused(&state.strays),
    })
}

fn count(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn refused(counts: &HookCounts) -> Vec<HookRefused> {
    let refused = counts.refused.iter();
    refused
        .map(|(code, refusals)| HookRefused {
            code: (*code).to_owned(),
            count: count(refusals.count),
            last_at: refusals.last_at,
            message: refusals.last.clone(),
        })
        .collect()
}

/// Changes where hooks listen, at once and for every later start.
///
/// # Errors
///
/// [`Code::BadRequest`] if the address is none; else if the store does not take it.
pub async fn webhook_set(app: &App, request: WebhookSet) -> Result<WebhookView, ApiError> {
    app.engine()?;
    let old = kept(app).await?;
    let ip = match &request.ip {
        None => old.ip,
        Some(text) => text.trim().parse().map_err(|_| {
            ApiError::new(
                Code::BadRequest,
                format!("`{text}` is no address of this machine"),
            )
            .hint("write `127.0.0.1` for this machine alone, or an address of it in your network")
        })?,
    };
    let new = Kept {
        is_on: request.is_on.unwrap_or(old.is_on),
        port: request.port.unwrap_or(old.port),
        ip,
    };
    let value = serde_json::to_value(new)
        .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
    app.store().setting_put(WEBHOOKS, &value).await?;
    listen_for_webhooks(app).await?;
    webhook_get(app, Nothing {}).await
}
