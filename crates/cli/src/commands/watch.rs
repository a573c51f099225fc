//! `baton run --watch`: the triggers of one file act as long as this process runs.

use std::collections::BTreeMap;
use std::path::Path;

use baton_api::baton_core::document;
use baton_api::catalog::Nothing;
use baton_api::runs::{RunStatus, RunSummary};
use baton_api::triggers::{
    FiringLine, FiringStatus, FiringsListed, TriggerActivate, TriggerActivated, TriggerFirings,
    TriggerListed, TriggerName,
};
use baton_api::workflows::WorkflowTrust;
use baton_api::{ApiError, AppConfig, BackendEvent, Code, Member};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::args::Run;
use crate::commands::follow::Interrupts;
use crate::commands::run::refuse_problems;
use crate::commands::triggers::shown::{firing_line, trigger_lines};
use crate::exit::Exit;
use crate::out::Out;
use crate::session;
use crate::source;
use crate::trouble::Trouble;
use crate::words::{duration, run_status};

/// Firings that are read at once.
const PAGE: u32 = 500;

pub(crate) async fn run(args: Run, data: Option<&Path>, mut out: Out) -> Result<Exit, Trouble> {
    let source = source::read(&args.file)?;
    refuse_problems(&source)?;
    let input = args
        .input
        .as_deref()
        .map(source::json_argument)
        .transpose()?;
    let work_dir = args.work.as_deref().map(source::absolute).transpose()?;
    let shown = |path: &Path| path.display().to_string();
    let request = TriggerActivate {
        path: source.path.as_deref().map(shown),
        document: Some(source.parsed.workflow),
        triggers: None,
        input,
        work_dir: work_dir.as_deref().map(shown),
    };
    let mut interrupts = Interrupts::listen().map_err(Trouble::io("Ctrl-C cannot be noticed"))?;
    let config = AppConfig {
        act_on_triggers: true,
        ..session::config(data)?
    };
    let member = Member::join(config).await?;
    let result = watch(&member, request, args.json, &mut interrupts, &mut out).await;
    member.shutdown().await;
    result
}

async fn watch(
    member: &Member,
    request: TriggerActivate,
    is_json: bool,
    interrupts: &mut Interrupts,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let mut events = member.subscribe();
    let document = request.document.as_ref();
    let workflow = document.map(|document| document.id.clone());
    let workflow = workflow.unwrap_or_default();
    let digest = document.map(document::digest).unwrap_or_default();
    let listed: TriggerListed = member.ask("trigger_list", &Nothing {}).await?;
    if listed
        .triggers
        .iter()
        .any(|known| known.workflow == workflow)
    {
        let message = format!("the triggers of `{workflow}` are active already");
        return Err(ApiError::new(Code::Conflict, message)
            .hint(
                "`baton serve` lets them act; or take them back first: `baton triggers deactivate`",
            )
            .into());
    }
    // Whoever types the name of a file here trusts it, as with `baton run`.
    let _: Nothing = member
        .ask("workflow_trust", &WorkflowTrust { digest })
        .await?;
    let activated: TriggerActivated = member.ask("trigger_activate", &request).await?;
    if is_json {
        out.json(&json!({ "activated": activated }));
    } else {
        for trigger in &activated.triggers {
            trigger_lines(trigger, out);
        }
        out.line("Ctrl-C ends");
    }
    out.flush();
    let mut view = View {
        workflow: workflow.clone(),
        is_json,
        seen: BTreeMap::new(),
    };
    // Firings of an earlier activation are no news.
    view.firings(member, None).await?;
    loop {
        let event = tokio::select! {
            () = interrupts.next() => break,
            event = events.recv() => event,
        };
        match event {
            Ok(BackendEvent::TriggersChanged | BackendEvent::Lagged)
            | Err(RecvError::Lagged(_)) => {
                view.firings(member, Some(&mut *out)).await?;
            }
            Ok(BackendEvent::RunAdvanced { summary, .. })
                if summary.workflow == view.workflow && summary.ended_at.is_some() =>
            {
                view.ended(&summary, out);
            }
            Ok(_) => {}
            Err(RecvError::Closed) => break,
        }
        out.flush();
    }
    let all = TriggerName {
        workflow,
        trigger: None,
    };
    match member.ask::<_, Nothing>("trigger_deactivate", &all).await {
        Ok(Nothing {}) => {}
        // Someone took them back in the meantime.
        Err(error) if error.code == Code::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    if !is_json {
        out.line("The triggers are taken back; runs that were not over go on at the next start");
    }
    Ok(Exit::Success)
}

struct View {
    workflow: String,
    is_json: bool,
    /// What was shown of each firing.
    seen: BTreeMap<i64, FiringStatus>,
}

impl View {
    /// Shows firings that are new or came to something else; without `out`, only notes them.
    async fn firings(
        &mut self,
        member: &Member,
        mut out: Option<&mut Out>,
    ) -> Result<(), ApiError> {
        let request = TriggerFirings {
            workflow: Some(self.workflow.clone()),
            limit: Some(PAGE),
            ..TriggerFirings::default()
        };
        let listed: FiringsListed = member.ask("trigger_firings", &request).await?;
        for firing in listed.firings.into_iter().rev() {
            let before = self.seen.insert(firing.id, firing.status);
            if before != Some(firing.status)
                && let Some(out) = out.as_deref_mut()
            {
                self.firing(&firing, out);
            }
        }
        Ok(())
    }

    fn firing(&self, firing: &FiringLine, out: &mut Out) {
        if self.is_json {
            out.json(&json!({ "firing": firing }));
        } else {
            firing_line(firing, out);
        }
    }

    fn ended(&self, run: &RunSummary, out: &mut Out) {
        if self.is_json {
            out.json(&json!({ "run": run }));
            return;
        }
        let (icon, word, tone) = run_status(run.status);
        let state = out.tone(tone, &format!("{icon} {word}"));
        let took = duration(run.ended_at.unwrap_or(run.started_at) - run.started_at);
        let mut line = format!("  run {} {state} after {took}", run.number);
        if run.status == RunStatus::Failed
            && let Some(error) = &run.error
        {
            line.push_str(&format!(": {}", error.message));
        }
        out.line(&line);
    }
}
