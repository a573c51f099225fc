//! The listener while it is wanted: hooks are switched on, and at least one trigger of the kind acts.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use baton_core::Millis;
use baton_core::trigger::{TriggerKind, WebhookSettings};
use baton_store::ActivationState;
use tokio::sync::watch;

use super::hooks::{HookCounts, HookName, Hooks, Taker};
use super::limits::Limits;
use super::listener::Listener;
use super::post::Post;
use super::proof::{LEAST_SECRET, WINDOW_MS};
use super::routes::PREFIX;
use crate::error::EngineError;
use crate::notice::EngineNotice;
use crate::shared::Shared;
use crate::triggers::{Triggers, lock, registry};

/// How long what did not work is left alone.
const AGAIN_MS: i64 = 5_000;
/// How often requests whose window is over are forgotten.
const FORGET_MS: i64 = 10 * 60_000;

/// Where hooks listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookAddress {
    /// The address of this machine; loopback unless a person chose another.
    pub ip: IpAddr,
    /// The port; 0 for a random one.
    pub port: u16,
}

impl Default for WebhookAddress {
    fn default() -> Self {
        Self {
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
        }
    }
}

/// How hooks stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookState {
    /// Where they are wanted; `None`: they are switched off.
    pub wanted: Option<WebhookAddress>,
    /// Where they listen.
    pub listening: Option<SocketAddr>,
    /// Why they do not, though they should.
    pub trouble: Option<String>,
    /// All hooks, by their path.
    pub hooks: Vec<HookState>,
    /// Requests that reached no hook.
    pub strays: HookCounts,
}

/// How a hook stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookState {
    /// Id of the workflow.
    pub workflow: String,
    /// Id of the trigger.
    pub trigger: String,
    /// The path of its address.
    pub path: String,
    /// What it was set up with.
    pub settings: WebhookSettings,
    /// The environment variable that holds its secret.
    pub variable: String,
    /// Whether that variable holds enough to be a secret.
    pub has_secret: bool,
    /// What became of its requests since it was set up here.
    pub counts: HookCounts,
}

/// What the engine knows of hooks.
#[derive(Debug)]
pub(in crate::triggers) struct Webhooks {
    hooks: Arc<Hooks>,
    wanted: watch::Sender<Option<WebhookAddress>>,
    stands: watch::Sender<(Option<SocketAddr>, Option<String>)>,
    /// Triggers whose trouble was told from here.
    told: Mutex<BTreeSet<HookName>>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            hooks: Arc::default(),
            wanted: watch::Sender::new(None),
            stands: watch::Sender::new((None, None)),
            told: Mutex::default(),
        }
    }
}

impl Triggers {
    /// Switches hooks on at an address, or off. Nothing listens before a trigger of the kind acts.
    pub fn listen_for_webhooks(&self, address: Option<WebhookAddress>) {
        let wanted = &self.shared.triggers.webhooks.wanted;
        wanted.send_if_modified(|wanted| std::mem::replace(wanted, address) != address);
    }

    /// How hooks stand.
    pub fn webhooks(&self) -> WebhookState {
        let webhooks = &self.shared.triggers.webhooks;
        let (listening, trouble) = webhooks.stands.borrow().clone();
        let hooks = webhooks.hooks.all().into_iter().map(|hook| HookState {
            workflow: hook.name.workflow.clone(),
            trigger: hook.name.trigger.clone(),
            path: format!("{PREFIX}{}", hook.settings.path),
            variable: baton_steps::Secrets::variable(&hook.settings.secret),
            has_secret: (self.shared.secrets)
                .find(&hook.settings.secret)
                .is_some_and(|value| value.len() >= LEAST_SECRET),
            settings: hook.settings.clone(),
            counts: hook.counts(),
        });
        WebhookState {
            wanted: *webhooks.wanted.borrow(),
            listening,
            trouble,
            hooks: hooks.collect(),
            strays: webhooks.hooks.strays(),
        }
    }

    /// Returns once hooks listen, and where; or why they cannot.
    pub async fn webhooks_listening(&self) -> Result<SocketAddr, String> {
        let mut stands = self.shared.triggers.webhooks.stands.subscribe();
        let found = stands
            .wait_for(|(listening, trouble)| listening.is_some() || trouble.is_some())
            .await;
        match found.as_deref() {
            Ok((Some(address), _)) => Ok(*address),
            Ok((None, Some(trouble))) => Err(trouble.clone()),
            Ok((None, None)) | Err(_) => Err("hooks are no longer looked after".to_owned()),
        }
    }
}

/// Looks after hooks until the engine closes.
pub(in crate::triggers) async fn watch(shared: Arc<Shared>) {
    let webhooks = &shared.triggers.webhooks;
    let mut changes = shared.triggers.changes.subscribe();
    let mut wanted = webhooks.wanted.subscribe();
    let taker: Arc<dyn Taker> = Arc::new(Post {
        shared: shared.clone(),
    });
    let mut listener: Option<(WebhookAddress, Listener)> = None;
    let mut forget_at: Millis = shared.clock.now();
    loop {
        changes.mark_unchanged();
        let address = *wanted.borrow_and_update();
        let mut again = FORGET_MS;
        match hooks(&shared).await {
            Ok(hooks) => {
                if !listen(
                    &shared,
                    &mut listener,
                    address.filter(|_| !hooks.is_empty()),
                    &taker,
                )
                .await
                {
                    again = AGAIN_MS;
                }
                tell(&shared, &taker, &hooks, address.is_some()).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the triggers of hooks cannot be read");
                again = AGAIN_MS;
            }
        }
        let now = shared.clock.now();
        if now >= forget_at {
            // Twice the window: clocks may be off in both directions.
            match shared.store.hook_requests_forget(now - 2 * WINDOW_MS).await {
                Ok(_) => forget_at = now + FORGET_MS,
                Err(error) => tracing::warn!(%error, "old requests were not forgotten"),
            }
        }
        tokio::select! {
            () = shared.closing.cancelled() => break,
            changed = changes.changed() => if changed.is_err() { break },
            changed = wanted.changed() => if changed.is_err() { break },
            () = shared.clock.sleep_for(again) => {}
        }
    }
    if let Some((_, listener)) = listener {
        listener.stop().await;
    }
}

/// A hook that is wanted, and what is wrong with it.
struct Wanted {
    name: HookName,
    trouble: Option<String>,
}

/// Puts all hooks to their addresses. Those of paused triggers stay, and say that they are paused.
async fn hooks(shared: &Arc<Shared>) -> Result<Vec<Wanted>, EngineError> {
    let hooks = &shared.triggers.webhooks.hooks;
    let mut wanted = Vec::new();
    let mut names = BTreeSet::new();
    for activation in shared.store.activations().await? {
        if activation.kind != "webhook" || activation.state == ActivationState::Off {
            continue;
        }
        let Ok(registered) = registry::load(shared, &activation).await? else {
            continue;
        };
        let TriggerKind::Webhook(settings) = &registered.spec.kind else {
            continue;
        };
        let name = HookName {
            workflow: activation.workflow.clone(),
            trigger: activation.trigger.clone(),
            revision: activation.revision,
        };
        names.insert((name.workflow.clone(), name.trigger.clone()));
        let trouble = put(shared, &name, settings);
        wanted.push(Wanted { name, trouble });
    }
    for hook in hooks.all() {
        let HookName {
            workflow, trigger, ..
        } = &hook.name;
        if !names.contains(&(workflow.clone(), trigger.clone())) {
            hooks.remove(workflow, trigger);
        }
    }
    Ok(wanted)
}

fn put(shared: &Shared, name: &HookName, settings: &WebhookSettings) -> Option<String> {
    let hooks = &shared.triggers.webhooks.hooks;
    let is_there = hooks
        .find(&settings.path)
        .is_some_and(|hook| hook.name == *name && hook.settings == *settings);
    if !is_there && let Err(other) = hooks.put(name.clone(), settings.clone(), shared.clock.now()) {
        return Some(format!(
            "webhook-path: `{PREFIX}{}` is the address of the trigger `{}` of `{}` already; choose another `path`",
            settings.path, other.trigger, other.workflow
        ));
    }
    let secret = &settings.secret;
    let variable = baton_steps::Secrets::variable(secret);
    match shared.secrets.find(secret) {
        None => Some(format!(
            "webhook-no-secret: the secret `{secret}` is not set, so every request is refused; set the environment variable \
             `{variable}` and start Baton again"
        )),
        Some(value) if value.len() < LEAST_SECRET => Some(format!(
            "webhook-no-secret: the secret `{secret}` is shorter than {LEAST_SECRET} bytes, so every request is refused; set a \
             longer one in `{variable}` and start Baton again"
        )),
        Some(_) => None,
    }
}

/// Sees to it that somebody listens where it is wanted, and nowhere else. `false`: it has to be tried again.
async fn listen(
    shared: &Arc<Shared>,
    listener: &mut Option<(WebhookAddress, Listener)>,
    wanted: Option<WebhookAddress>,
    taker: &Arc<dyn Taker>,
) -> bool {
    if listener.as_ref().map(|(at, _)| *at) == wanted {
        return true;
    }
    let webhooks = &shared.triggers.webhooks;
    if let Some((_, old)) = listener.take() {
        webhooks.stands.send_replace((None, None));
        old.stop().await;
    }
    let Some(at) = wanted else {
        webhooks.stands.send_replace((None, None));
        shared.tell(EngineNotice::TriggersChanged);
        return true;
    };
    let started = Listener::start(
        at.ip,
        at.port,
        webhooks.hooks.clone(),
        taker.clone(),
        shared.clock.clone(),
        Limits::default(),
    )
    .await;
    let stands = match started {
        Ok(new) => {
            let address = new.address();
            tracing::info!(%address, "hooks listen");
            *listener = Some((at, new));
            (Some(address), None)
        }
        Err(error) => {
            let trouble = format!(
                "webhook-port: hooks cannot listen on {}:{}: {}; choose another port",
                at.ip,
                at.port,
                why_not(&error)
            );
            tracing::warn!(trouble, "hooks do not listen");
            (None, Some(trouble))
        }
    };
    let is_listening = stands.0.is_some();
    webhooks.stands.send_replace(stands);
    shared.tell(EngineNotice::TriggersChanged);
    is_listening
}

/// Why a port cannot be listened on, for people.
fn why_not(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => "another program uses that port".to_owned(),
        ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        ErrorKind::PermissionDenied => {
            "this account may not use that port (most systems keep those below 1024 for themselves)"
                .to_owned()
        }
        _ => error.to_string().to_lowercase(),
    }
}

/// Says at each trigger what keeps its hook from being reached.
async fn tell(shared: &Shared, taker: &Arc<dyn Taker>, hooks: &[Wanted], is_on: bool) {
    let webhooks = &shared.triggers.webhooks;
    let not_listening = webhooks.stands.borrow().1.clone();
    for Wanted { name, trouble } in hooks {
        let trouble = match trouble {
            Some(trouble) => Some(trouble.clone()),
            None if !is_on => Some(
                "webhook-off: webhooks are switched off on this machine, so no request arrives; switch them on under Webhooks in \
                 the settings, or with `baton serve --webhooks PORT`"
                    .to_owned(),
            ),
            None => not_listening.clone(),
        };
        let was_told = lock(&webhooks.told).contains(name);
        match &trouble {
            Some(_) => lock(&webhooks.told).insert(name.clone()),
            None if was_told => lock(&webhooks.told).remove(name),
            None => continue,
        };
        taker.trouble(name, trouble).await;
    }
}
