//! Which triggers act: activated explicitly, one revision of a workflow at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use baton_core::document::Workflow;
use baton_core::trigger::{TriggerKind, TriggerSpec};
use baton_store::{Activation, ActivationState, NewActivation};
use serde_json::Value;

use super::{Triggers, dispatch, not_active, registry, schedule};
use crate::error::EngineError;
use crate::notice::EngineNotice;

/// Triggers to activate.
#[derive(Debug, Clone)]
pub struct Activate {
    /// The definition, exactly as it is to act.
    pub workflow: Arc<Workflow>,
    /// File that it comes from.
    pub path: Option<PathBuf>,
    /// Folder that relative paths start from.
    pub work_dir: PathBuf,
    /// Input that every run gets, before what a trigger says.
    pub input: Option<Value>,
    /// Only these; `None`: all that it has.
    pub only: Option<Vec<String>>,
    /// Who.
    pub by: String,
}

impl Triggers {
    /// Activates the triggers of a workflow in place of all that it had, and gives their revision. From now on they
    /// run this definition, whatever becomes of the file.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] if it has none, one of them could not act, or workflows would start one another in a
    /// circle; [`EngineError::Invalid`] if the workflow cannot run.
    pub async fn activate(&self, new: Activate) -> Result<u32, EngineError> {
        let shared = &self.shared;
        let Activate {
            workflow,
            path,
            work_dir,
            input,
            only,
            by,
        } = new;
        let specs = specs(&workflow, only.as_deref())?;
        let path = path.map(|path| path.display().to_string());
        let all = shared.store.activations().await?;
        if let Some(other) = all
            .iter()
            .find(|known| known.workflow == workflow.id && known.path != path)
        {
            let known = other.path.as_deref().unwrap_or("a document without a file");
            return Err(refused(
                "other-file",
                format!(
                    "the triggers of `{}` are active from `{known}`",
                    workflow.id
                ),
            ));
        }
        self.refuse_circles(&all, &workflow.id, &specs).await?;
        let plan = shared.plan(&workflow)?;
        shared.keep_definition(&plan).await?;
        // What the former revision still owes is recorded under it.
        for known in all.iter().filter(|known| known.workflow == workflow.id) {
            self.look_now(known).await?;
        }
        let now = shared.clock.now();
        let position = shared.store.log_position().await?;
        let triggers = specs
            .iter()
            .map(|spec| {
                let cursor = match spec.kind {
                    TriggerKind::WorkflowFinished(_) => position,
                    TriggerKind::Schedule { .. }
                    | TriggerKind::File(_)
                    | TriggerKind::Webhook(_)
                    | TriggerKind::Manual => now,
                };
                (spec.id.clone(), spec.kind_word().to_owned(), cursor)
            })
            .collect();
        let revision = shared
            .store
            .activate(NewActivation {
                workflow: workflow.id.clone(),
                workflow_name: workflow.name.clone(),
                digest: plan.digest().to_owned(),
                path,
                work_dir: work_dir.display().to_string(),
                input,
                triggers,
                by,
                at: now,
            })
            .await?;
        self.changed();
        for spec in &specs {
            dispatch::kick(shared, &workflow.id, &spec.id);
        }
        Ok(revision)
    }

    /// Takes back a trigger, or all of a workflow. Firings that wait start nothing any more; runs go on.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] if it is not active.
    pub async fn deactivate(
        &self,
        workflow: &str,
        trigger: Option<&str>,
        by: &str,
    ) -> Result<(), EngineError> {
        let meant = self.meant(workflow, trigger).await?;
        let now = self.shared.clock.now();
        self.shared
            .store
            .activation_put(workflow, trigger, ActivationState::Off, by, now, None)
            .await?;
        self.changed();
        for activation in meant {
            dispatch::kick(&self.shared, workflow, &activation.trigger);
        }
        Ok(())
    }

    /// Lets a trigger, or all of a workflow, wait until it is resumed. What it recorded and did not start waits too.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] if it is not active.
    pub async fn pause(
        &self,
        workflow: &str,
        trigger: Option<&str>,
        by: &str,
    ) -> Result<(), EngineError> {
        for activation in self.meant(workflow, trigger).await? {
            self.look_now(&activation).await?;
            let now = self.shared.clock.now();
            let cursor = (activation.kind == "schedule").then_some(now);
            let name = Some(activation.trigger.as_str());
            self.shared
                .store
                .activation_put(workflow, name, ActivationState::Paused, by, now, cursor)
                .await?;
        }
        self.changed();
        Ok(())
    }

    /// Lets a paused trigger act again. What the clock passed in the meantime is recorded as skipped.
    ///
    /// # Errors
    ///
    /// [`EngineError::Refused`] if it is not active.
    pub async fn resume(
        &self,
        workflow: &str,
        trigger: Option<&str>,
        by: &str,
    ) -> Result<(), EngineError> {
        let shared = &self.shared;
        for activation in self.meant(workflow, trigger).await? {
            if activation.state != ActivationState::Paused {
                continue;
            }
            let now = shared.clock.now();
            if activation.kind == "schedule"
                && let Ok(registered) = registry::load(shared, &activation).await?
            {
                let passed = schedule::while_paused(&registered, now);
                shared
                    .store
                    .record(passed, Some((&activation, now)))
                    .await?;
            }
            let name = Some(activation.trigger.as_str());
            shared
                .store
                .activation_put(workflow, name, ActivationState::Active, by, now, None)
                .await?;
        }
        self.changed();
        for activation in self.meant(workflow, trigger).await? {
            dispatch::kick(shared, workflow, &activation.trigger);
        }
        Ok(())
    }

    fn changed(&self) {
        self.shared.triggers.changed();
        self.shared.tell(EngineNotice::TriggersChanged);
    }

    /// The activations that a request means.
    async fn meant(
        &self,
        workflow: &str,
        trigger: Option<&str>,
    ) -> Result<Vec<Activation>, EngineError> {
        let all = self.shared.store.activations().await?;
        let meant: Vec<Activation> = all
            .into_iter()
            .filter(|known| {
                known.workflow == workflow && trigger.is_none_or(|trigger| known.trigger == trigger)
            })
            .collect();
        match (meant.is_empty(), trigger) {
            (false, _) => Ok(meant),
            (true, Some(trigger)) => Err(not_active(workflow, trigger)),
            (true, None) => Err(refused(
                "not-active",
                format!("no trigger of `{workflow}` is active"),
            )),
        }
    }

    /// Records what the clock owes a schedule by now, if triggers act here.
    async fn look_now(&self, activation: &Activation) -> Result<(), EngineError> {
        if self.is_acting()
            && activation.state == ActivationState::Active
            && activation.kind == "schedule"
            && let Ok(registered) = registry::load(&self.shared, activation).await?
        {
            schedule::tick(&self.shared, &registered).await?;
        }
        Ok(())
    }

    /// Workflows whose ends start one another would never come to rest.
    async fn refuse_circles(
        &self,
        all: &[Activation],
        workflow: &str,
        specs: &[TriggerSpec],
    ) -> Result<(), EngineError> {
        // Whose end starts a workflow.
        let mut starters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for known in all {
            if known.workflow == workflow || known.kind != "workflow_finished" {
                continue;
            }
            if let Ok(registered) = registry::load(&self.shared, known).await?
                && let TriggerKind::WorkflowFinished(finished) = &registered.spec.kind
            {
                let of = starters.entry(known.workflow.clone()).or_default();
                of.insert(finished.workflow.clone());
            }
        }
        for spec in specs {
            if let TriggerKind::WorkflowFinished(finished) = &spec.kind {
                let of = starters.entry(workflow.to_owned()).or_default();
                of.insert(finished.workflow.clone());
            }
        }
        let Some(circle) = circle(&starters, workflow) else {
            return Ok(());
        };
        let names: Vec<String> = circle.iter().map(|name| format!("`{name}`")).collect();
        Err(refused(
            "trigger-circle",
            format!(
                "the end of {} would start `{workflow}` again, without end",
                names.join(" and of ")
            ),
        ))
    }
}

/// The workflows whose ends lead from `workflow` to itself.
fn circle(starters: &BTreeMap<String, BTreeSet<String>>, workflow: &str) -> Option<Vec<String>> {
    let mut open = vec![vec![workflow.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        let Some(before) = path.last().and_then(|at| starters.get(at)) else {
            continue;
        };
        for starter in before {
            if starter == workflow {
                return Some(path);
            }
            if seen.insert(starter.clone()) {
                let mut longer = path.clone();
                longer.push(starter.clone());
                open.push(longer);
            }
        }
    }
    None
}

/// The triggers to activate, each able to act.
fn specs(workflow: &Workflow, only: Option<&[String]>) -> Result<Vec<TriggerSpec>, EngineError> {
    for name in only.unwrap_or_default() {
        if !workflow.triggers.iter().any(|trigger| trigger.id == *name) {
            return Err(refused(
                "no-trigger",
                format!("`{}` has no trigger `{name}`", workflow.name),
            ));
        }
    }
    let mut specs = Vec::new();
    for trigger in &workflow.triggers {
        if only.is_some_and(|only| !only.contains(&trigger.id)) {
            continue;
        }
        let (spec, troubles) = TriggerSpec::read(trigger);
        match spec {
            Some(spec) => specs.push(spec),
            None => {
                let why = troubles.into_iter().find(|trouble| !trouble.is_warning);
                let why = why.map_or_else(
                    || "its `input` cannot be read".to_owned(),
                    |trouble| trouble.message,
                );
                return Err(refused(
                    "trigger-setting",
                    format!("the trigger `{}` cannot act: {why}", trigger.id),
                ));
            }
        }
    }
    if specs.is_empty() {
        return Err(refused(
            "no-trigger",
            format!("`{}` has no trigger", workflow.name),
        ));
    }
    Ok(specs)
}

fn refused(code: &str, message: String) -> EngineError {
    EngineError::Refused {
        code: code.to_owned(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_are_found_whatever_their_length() {
        let of = |pairs: &[(&str, &str)]| {
            let mut starters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (workflow, starter) in pairs {
                starters
                    .entry((*workflow).to_owned())
                    .or_default()
                    .insert((*starter).to_owned());
            }
            starters
        };
        assert_eq!(circle(&of(&[("a", "a")]), "a"), Some(vec!["a".to_owned()]));
        assert_eq!(circle(&of(&[("a", "b"), ("b", "c")]), "a"), None);
        let three = circle(&of(&[("a", "b"), ("b", "c"), ("c", "a")]), "a").unwrap();
        assert_eq!(three, ["a", "b", "c"]);
        // A circle of others is not this one's.
        assert_eq!(circle(&of(&[("a", "b"), ("b", "b")]), "a"), None);
    }
}
