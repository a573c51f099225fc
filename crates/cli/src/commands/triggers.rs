//! `baton triggers`: what starts runs without a person.

use std::collections::BTreeMap;
use std::path::Path;

use baton_api::Code;
use baton_api::baton_core::document;
use baton_api::catalog::Nothing;
use baton_api::triggers::{
    FiringLine, FiringStatus, FiringsListed, TriggerActivate, TriggerActivated, TriggerFire,
    TriggerFirings, TriggerListed, TriggerName,
};
use baton_api::webhooks::WebhookView;
use baton_api::workflows::WorkflowTrust;

use crate::commands::follow::Follow;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::{DATABASE, Session, data_dir};
use crate::source;
use crate::trigger_args::{
    Came, TriggerNamed, Triggers, TriggersActivate, TriggersCommand, TriggersFire, TriggersFirings,
    TriggersList,
};
use crate::trouble::Trouble;

mod next;
pub(crate) mod shown;

use shown::{firing_line, trigger_lines};

pub(crate) async fn run(
    args: Triggers,
    data: Option<&Path>,
    mut out: Out,
) -> Result<Exit, Trouble> {
    match args.what {
        TriggersCommand::List(args) => list(&args, data, &mut out).await,
        TriggersCommand::Activate(args) => activate(args, data, &mut out).await,
        TriggersCommand::Deactivate(args) => {
            change("trigger_deactivate", "Taken back", args, data, &mut out).await
        }
        TriggersCommand::Pause(args) => {
            change("trigger_pause", "Paused", args, data, &mut out).await
        }
        TriggersCommand::Resume(args) => {
            change("trigger_resume", "Resumed", args, data, &mut out).await
        }
        TriggersCommand::Fire(args) => fire(args, data, out).await,
        TriggersCommand::Firings(args) => firings(args, data, &mut out).await,
        TriggersCommand::Next(args) => next::run(args, data, &mut out).await,
    }
}

/// To look only; nothing if there is no folder yet. Whoever owns the folder is asked: it knows whether triggers act.
async fn look(data: Option<&Path>) -> Result<Option<Session>, Trouble> {
    let folder = data_dir(data)?;
    if !folder.join(DATABASE).exists() {
        return Ok(None);
    }
    if let Ok(Some(_)) = baton_api::owner::owner_of(&folder).await {
        return Session::open(data).await.map(Some);
    }
    Session::look(data).await.map(Some)
}

async fn all(data: Option<&Path>) -> Result<(TriggerListed, Option<WebhookView>), Trouble> {
    let Some(session) = look(data).await? else {
        let none = TriggerListed {
            triggers: Vec::new(),
            is_acting: false,
        };
        return Ok((none, None));
    };
    let all = async {
        let listed = session.call("trigger_list", &Nothing {}).await?;
        let hooks = session.call("webhook_get", &Nothing {}).await?;
        Ok::<_, Trouble>((listed, Some(hooks)))
    };
    let all = all.await;
    session.close().await;
    all
}

async fn list(args: &TriggersList, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let (listed, hooks) = all(data).await?;
    if args.json {
        out.json(&listed);
        return Ok(Exit::Success);
    }
    if listed.triggers.is_empty() {
        out.line(
            "No trigger is active: `baton triggers activate FILE` activates those of a workflow",
        );
        return Ok(Exit::Success);
    }
    for trigger in &listed.triggers {
        trigger_lines(trigger, out);
    }
    let has_hooks = listed
        .triggers
        .iter()
        .any(|trigger| trigger.kind == "webhook");
    if let Some(hooks) = hooks.filter(|hooks| has_hooks && hooks.is_on) {
        out.line(&format!(
            "Hooks are called at http://{}:{}/hooks/…; `baton rpc webhook_get` shows what they took and refused",
            hooks.ip, hooks.port
        ));
    }
    out.line(NOT_ACTING);
    Ok(Exit::Success)
}

const NOT_ACTING: &str =
    "They fire while the window, `baton serve` or `baton run --watch` is up on this data folder";

async fn activate(
    args: TriggersActivate,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let source = source::read(&args.file)?;
    let input = args
        .input
        .as_deref()
        .map(source::json_argument)
        .transpose()?;
    let work_dir = args.work.as_deref().map(source::absolute).transpose()?;
    let shown = |path: &Path| path.display().to_string();
    let digest = document::digest(&source.parsed.workflow);
    let request = TriggerActivate {
        path: source.path.as_deref().map(shown),
        document: Some(source.parsed.workflow),
        triggers: (!args.only.is_empty()).then_some(args.only),
        input,
        work_dir: work_dir.as_deref().map(shown),
    };
    let session = Session::open(data).await?;
    let activated = async {
        if args.trust {
            let _: Nothing = session
                .call("workflow_trust", &WorkflowTrust { digest })
                .await?;
        }
        let activated: TriggerActivated = session.call("trigger_activate", &request).await?;
        let listed: TriggerListed = session.call("trigger_list", &Nothing {}).await?;
        Ok::<_, Trouble>((activated, listed.is_acting))
    };
    let activated = activated.await;
    session.close().await;
    let (activated, is_acting) = activated.map_err(|trouble| match trouble.error().code {
        Code::Untrusted => trouble.hint("`--trust` trusts this version with it"),
        _ => trouble,
    })?;
    if args.json {
        out.json(&activated);
        return Ok(Exit::Success);
    }
    let count = activated.triggers.len();
    let plural = if count == 1 { "" } else { "s" };
    out.line(&format!(
        "✓ {count} trigger{plural} of `{}` active, revision {}",
        activated.workflow, activated.revision
    ));
    for trigger in &activated.triggers {
        trigger_lines(trigger, out);
    }
    if !is_acting {
        out.line(NOT_ACTING);
    }
    Ok(Exit::Success)
}

/// The id of a workflow, given itself or as a file.
fn workflow_id(named: &str) -> Result<String, Trouble> {
    let path = Path::new(named);
    if path.extension().is_some_and(|ending| ending == "json") || path.is_file() {
        return Ok(source::read(path)?.parsed.workflow.id);
    }
    Ok(named.to_owned())
}

async fn change(
    command: &str,
    done: &str,
    args: TriggerNamed,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let request = TriggerName {
        workflow: workflow_id(&args.workflow)?,
        trigger: args.trigger,
    };
    let session = Session::open(data).await?;
    let changed: Result<Nothing, Trouble> = session.call(command, &request).await;
    session.close().await;
    changed?;
    if args.json {
        out.json(&request);
        return Ok(Exit::Success);
    }
    out.line(&match request.trigger {
        Some(trigger) => format!("✓ {done}: `{trigger}` of `{}`", request.workflow),
        None => format!("✓ {done}: all triggers of `{}`", request.workflow),
    });
    Ok(Exit::Success)
}

async fn fire(args: TriggersFire, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let request = TriggerFire {
        workflow: workflow_id(&args.workflow)?,
        trigger: args.trigger,
        saved: args.saved,
        input: args
            .input
            .as_deref()
            .map(source::json_argument)
            .transpose()?,
        key: None,
    };
    let session = Session::open(data).await?;
    let result = carry_out(&session, request, args.json, out).await;
    session.close().await;
    result
}

async fn carry_out(
    session: &Session,
    request: TriggerFire,
    is_json: bool,
    mut out: Out,
) -> Result<Exit, Trouble> {
    let fired: FiringLine = session.call("trigger_fire", &request).await?;
    let run = match (fired.status, &fired.run) {
        (FiringStatus::Started, Some(run)) => run.clone(),
        (status, _) => {
            told(&fired, is_json, &mut out);
            return Ok(match status {
                FiringStatus::Pending | FiringStatus::Queued => Exit::Waiting,
                FiringStatus::Started => Exit::Success,
                FiringStatus::Skipped | FiringStatus::Missed | FiringStatus::Failed => {
                    Exit::Failure
                }
            });
        }
    };
    let view = session.find_run(&run).await?;
    let follow = Follow::new(out, is_json, view.document);
    let member = session.member()?;
    let carried_out = member.follow(&run, BTreeMap::new(), 0, |logged| follow.see(logged));
    follow.until(member, carried_out).await
}

fn told(fired: &FiringLine, is_json: bool, out: &mut Out) {
    if is_json {
        out.json(fired);
    } else {
        firing_line(fired, out);
    }
}

async fn firings(
    args: TriggersFirings,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let workflow = args.workflow.as_deref().map(workflow_id).transpose()?;
    let request = TriggerFirings {
        workflow,
        trigger: args.trigger,
        status: args.status.map(status),
        limit: Some(args.limit),
        offset: None,
    };
    let listed = match look(data).await? {
        None => FiringsListed {
            firings: Vec::new(),
            total: 0,
        },
        Some(session) => {
            let listed: Result<FiringsListed, Trouble> =
                session.call("trigger_firings", &request).await;
            session.close().await;
            listed?
        }
    };
    if args.json {
        out.json(&listed);
        return Ok(Exit::Success);
    }
    if listed.firings.is_empty() {
        out.line("Nothing has fired");
        return Ok(Exit::Success);
    }
    for firing in &listed.firings {
        firing_line(firing, out);
    }
    if listed.total as usize > listed.firings.len() {
        out.line(&format!("{} of {}", listed.firings.len(), listed.total));
    }
    Ok(Exit::Success)
}

fn status(came: Came) -> FiringStatus {
    match came {
        Came::Pending => FiringStatus::Pending,
        Came::Queued => FiringStatus::Queued,
        Came::Started => FiringStatus::Started,
        Came::Skipped => FiringStatus::Skipped,
        Came::Missed => FiringStatus::Missed,
        Came::Failed => FiringStatus::Failed,
    }
}
