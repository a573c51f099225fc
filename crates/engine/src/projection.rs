//! What lists show of a run, kept up to date event by event: here, and of runs elsewhere whose log is read.

use std::collections::BTreeMap;

use baton_core::Millis;
use baton_core::document::Workflow;
use baton_core::error::StepError;
use baton_core::machine::{Event, Logged, Outcome, Question, Run, Status};
use baton_store::{QuestionChanges, QuestionRow, RunRow};
use serde_json::{Value, json};

/// The part of a run's row and of the questions that follows from its events alone.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    pub(crate) started_at: Millis,
    pub(crate) ended_at: Option<Millis>,
    pub(crate) by: Option<String>,
    pub(crate) steps_done: u32,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) outcome_name: Option<String>,
    pub(crate) error: Option<StepError>,
    questions: BTreeMap<String, QuestionRow>,
}

impl Projection {
    /// As it was kept beside the events: they are written together.
    pub(crate) fn kept(row: &RunRow, questions: Vec<QuestionRow>) -> Self {
        Self {
            started_at: row.started_at,
            ended_at: row.ended_at,
            by: row.by.clone(),
            steps_done: row.steps_done,
            outcome: None,
            outcome_name: row.outcome.clone(),
            error: row.error.clone(),
            questions: questions
                .into_iter()
                .map(|question| (question.step.clone(), question))
                .collect(),
        }
    }

    /// Takes `logged` into account and notes in `changes` what it means for the open questions.
    pub fn apply(
        &mut self,
        run: &str,
        workflow: &Workflow,
        logged: &Logged,
        changes: &mut QuestionChanges,
    ) {
        match &logged.event {
            Event::RunStarted { by, .. } => {
                self.started_at = logged.at;
                self.by.clone_from(by);
            }
            Event::RunEnded {
                outcome,
                name,
                error,
                ..
            } => {
                self.ended_at = Some(logged.at);
                self.outcome = Some(*outcome);
                self.outcome_name.clone_from(name);
                self.error.clone_from(error);
                for step in std::mem::take(&mut self.questions).into_keys() {
                    close(changes, step);
                }
            }
            Event::StepSkipped { step, .. }
            | Event::StepSucceeded { step, .. }
            | Event::StepFailed { step, .. }
            | Event::StepCancelled { step, .. } => {
                if !step.contains('/') {
                    self.steps_done += 1;
                }
                self.close(step, changes);
            }
            Event::ApprovalRequested { step, question } => {
                self.put(
                    QuestionRow {
                        run: run.to_owned(),
                        step: step.clone(),
                        question: serde_json::to_value(question).unwrap_or_default(),
                        asked_at: logged.at,
                        answers: json!([]),
                        is_outcome: false,
                    },
                    changes,
                );
            }
            Event::ApprovalEscalated { step, to } => {
                if let Some(mut row) = self.questions.get(step).cloned() {
                    if let Some(known) = row.question.get_mut("to").and_then(Value::as_array_mut) {
                        known.extend(to.iter().cloned().map(Value::String));
                    }
                    self.put(row, changes);
                }
            }
            Event::ApprovalDecided {
                step, by, decision, ..
            } => {
                if let Some(mut row) = self.questions.get(step).cloned() {
                    if let Some(answers) = row.answers.as_array_mut() {
                        answers.push(json!({ "by": by, "decision": decision }));
                    }
                    self.put(row, changes);
                }
            }
            Event::StepOutcomeUnknown { step, attempt, .. } => {
                let question = outcome_question(workflow, step, *attempt);
                self.put(
                    QuestionRow {
                        run: run.to_owned(),
                        step: step.clone(),
                        question: serde_json::to_value(question).unwrap_or_default(),
                        asked_at: logged.at,
                        answers: json!([]),
                        is_outcome: true,
                    },
                    changes,
                );
            }
            Event::StepOutcomeSettled { step, .. } => self.close(step, changes),
            _ => {}
        }
    }

    /// What is asked now, by the path of the step.
    pub fn questions(&self) -> impl Iterator<Item = &QuestionRow> {
        self.questions.values()
    }

    /// The row of `run`, which saw the same events. Where it came from is not in them.
    pub fn row(&self, id: &str, run: &Run) -> RunRow {
        let plan = run.plan();
        let workflow = plan.workflow();
        RunRow {
            id: id.to_owned(),
            workflow: workflow.id.clone(),
            workflow_name: workflow.name.clone(),
            digest: plan.digest().to_owned(),
            status: status_word(run.status(), self.outcome).to_owned(),
            outcome: self.outcome_name.clone(),
            started_at: self.started_at,
            ended_at: self.ended_at,
            by: self.by.clone(),
            seq: run.seq(),
            steps_done: self.steps_done,
            steps_total: u32::try_from(workflow.steps.len()).unwrap_or(u32::MAX),
            waiting_for: run.waiting_for(),
            error: self.error.clone(),
            ..RunRow::default()
        }
    }

    fn put(&mut self, row: QuestionRow, changes: &mut QuestionChanges) {
        changes.put.retain(|other| other.step != row.step);
        changes.closed.retain(|step| *step != row.step);
        changes.put.push(row.clone());
        self.questions.insert(row.step.clone(), row);
    }

    fn close(&mut self, step: &str, changes: &mut QuestionChanges) {
        if let Some((step, _)) = self.questions.remove_entry(step) {
            close(changes, step);
        }
    }
}

/// The word for lists.
fn status_word(status: Status, outcome: Option<Outcome>) -> &'static str {
    match (outcome, status) {
        (Some(Outcome::Succeeded), _) => "succeeded",
        (Some(Outcome::Failed), _) => "failed",
        (Some(Outcome::Cancelled), _) => "cancelled",
        (None, Status::Waiting) => "waiting",
        (None, Status::Paused) => "paused",
        (None, Status::Running | Status::Ended) => "running",
    }
}

fn close(changes: &mut QuestionChanges, step: String) {
    changes.put.retain(|row| row.step != step);
    changes.closed.push(step);
}

/// What a person is asked about an interrupted step that may have acted.
fn outcome_question(workflow: &Workflow, path: &str, attempt: u32) -> Question {
    let id = path.rsplit('/').next().unwrap_or(path);
    let id = id.split('[').next().unwrap_or(id);
    let title = workflow.find_step(id).map_or(id, |step| step.title());
    Question {
        kind: "outcome".to_owned(),
        title: title.to_owned(),
        text: Some(format!(
            "Baton stopped while `{title}` was being carried out (attempt {attempt}). Did it act?"
        )),
        to: Vec::new(),
        evidence: serde_json::Map::new(),
        evidence_digest: String::new(),
        quorum: 1,
        expires_at: None,
        remind_every_ms: None,
        escalate_at: None,
        escalate_to: Vec::new(),
        schema: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(projection: &mut Projection, event: Event) -> QuestionChanges {
        let mut changes = QuestionChanges::default();
        let workflow = Workflow::new("test", "Test");
        projection.apply(
            "r",
            &workflow,
            &Logged {
                seq: 1,
                at: 7,
                event,
            },
            &mut changes,
        );
        changes
    }

    #[test]
    fn an_interrupted_step_asks_until_it_is_settled() {
        let mut projection = Projection::default();
        let step = "send".to_owned();
        let asked = apply(
            &mut projection,
            Event::StepOutcomeUnknown {
                step: step.clone(),
                attempt: 2,
                epoch: 3,
            },
        );
        assert_eq!(asked.put.len(), 1);
        assert!(asked.put[0].is_outcome);
        let closed = apply(
            &mut projection,
            Event::StepOutcomeSettled {
                step: step.clone(),
                by: "kim".to_owned(),
                answer: baton_core::machine::Settlement::NotDone,
            },
        );
        assert_eq!(closed.closed, [step]);
    }

    #[test]
    fn only_steps_of_the_top_level_are_counted() {
        let mut projection = Projection::default();
        for step in ["a", "each[0]/b", "c"] {
            let event = Event::StepCancelled {
                step: step.to_owned(),
                reason: String::new(),
                edges: Vec::new(),
            };
            apply(&mut projection, event);
        }
        assert_eq!(projection.steps_done, 2);
    }
}
