//! A run of a cluster, put together from what is told of it: the same machine, the same views.

use std::sync::Arc;

use baton_core::Millis;
use baton_core::error::StepError;
use baton_core::machine::{self, Logged, Plan, Run, Wait};
use baton_engine::Projection;
use baton_sidecar::{Closed, Listening, Mark, Told};
use baton_store::{QuestionChanges, QuestionRow, RunRow};
use serde_json::{Map, Value};

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::evidence;
use crate::history::{self, History};

/// A run with its whole log.
#[derive(Debug)]
pub(super) struct Shown {
    id: String,
    history: History,
    log: Vec<Logged>,
    run: Run,
    projection: Projection,
    last: Around,
}

/// What is known of a run besides its log.
#[derive(Debug, Clone)]
pub(super) struct Around {
    pub(super) mark: Mark,
    pub(super) started_at: Millis,
    pub(super) listening: Listening,
    pub(super) is_untaken: bool,
    pub(super) trouble: Option<String>,
    pub(super) closed: Option<Closed>,
}

/// A question that a run asks, and what is known about it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) row: QuestionRow,
    pub(super) evidence: Map<String, Value>,
}

/// What became of a run by what was told.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) events: Vec<Logged>,
    /// What was known is no longer so: everything is to be read again.
    pub(super) is_replaced: bool,
}

impl Shown {
    /// A run that was told as a whole.
    pub(super) fn begin(app: &App, mut told: Told) -> Result<Self, ApiError> {
        let workflow = told.definition.take().ok_or_else(|| {
            ApiError::new(
                Code::TargetDiffers,
                format!("the definition of run `{}` was not told", told.run),
            )
        })?;
        let plan = history::plan_of(app, &told.run, &workflow)?;
        let mut shown = Self {
            id: told.run.clone(),
            run: Run::new(plan.clone()),
            history: History::new(plan),
            log: Vec::new(),
            projection: Projection::default(),
            last: Around::of(&told),
        };
        shown.take(told)?;
        Ok(shown)
    }

    /// Takes what is new into account.
    pub(super) fn take(&mut self, told: Told) -> Result<Changed, ApiError> {
        let mark = &self.last.mark;
        if told.mark.part == mark.part && told.mark.length < mark.length {
            // It was on its way when more was told.
            return Ok(Changed::default());
        }
        let known = self.run.seq();
        let is_replaced = told.from < known;
        if told.from > known {
            return Err(ApiError::new(
                Code::TargetDiffers,
                format!(
                    "of run `{}`, events {} to {} were not told",
                    self.id,
                    known + 1,
                    told.from
                ),
            )
            .hint("look at the run again"));
        }
        self.last = Around::of(&told);
        if is_replaced {
            self.go_back(told.from)?;
        }
        for logged in &told.events {
            machine::apply(&mut self.run, logged).map_err(|error| {
                let message = format!(
                    "event {} of run `{}` cannot follow the ones before it: {error}",
                    logged.seq, self.id
                );
                ApiError::new(Code::TargetDiffers, message)
                    .hint("look at it with the build that its workers have")
            })?;
            self.project(logged);
        }
        self.log.extend(told.events.iter().cloned());
        Ok(Changed {
            events: told.events,
            is_replaced,
        })
    }

    fn go_back(&mut self, seq: u32) -> Result<(), ApiError> {
        self.log.retain(|logged| logged.seq <= seq);
        self.history.forget_after(seq);
        self.run = Arc::unwrap_or_clone(self.history.in_log(&self.log, seq)?);
        self.projection = Projection::default();
        for logged in std::mem::take(&mut self.log) {
            self.project(&logged);
            self.log.push(logged);
        }
        Ok(())
    }

    fn project(&mut self, logged: &Logged) {
        let plan = self.history.plan().clone();
        let mut changes = QuestionChanges::default();
        self.projection
            .apply(&self.id, plan.workflow(), logged, &mut changes);
    }

    pub(super) fn around(&self) -> &Around {
        &self.last
    }

    pub(super) fn plan(&self) -> &Arc<Plan> {
        self.history.plan()
    }

    pub(super) fn log(&self) -> &[Logged] {
        &self.log
    }

    pub(super) fn run(&self) -> &Run {
        &self.run
    }

    /// The run as it was after event `seq`.
    pub(super) fn at(&self, seq: u32) -> Result<Arc<Run>, ApiError> {
        self.history.in_log(&self.log, seq)
    }

    /// The row for lists, as its log says.
    pub(super) fn base(&self) -> RunRow {
        self.projection.row(&self.id, &self.run)
    }

    /// The row for lists, as the run is now.
    pub(super) fn row(&self, queue: &str) -> RunRow {
        self.last.finish(self.base(), queue)
    }

    /// What it asks people.
    pub(super) fn asked(&self) -> Vec<Asked> {
        if self.last.closed.is_some() {
            return Vec::new();
        }
        let questions = self.projection.questions().cloned();
        questions
            .map(|row| Asked {
                evidence: match row.is_outcome {
                    true => evidence::in_log(&self.log, &row.step),
                    false => Map::new(),
                },
                row,
            })
            .collect()
    }

    /// The events that it waits for: name and key.
    pub(super) fn listens(&self) -> Vec<(String, Value)> {
        let open = self.run.open_steps();
        open.filter_map(|(_, step)| match &step.more()?.wait {
            Some(Wait::Event { event, key, .. }) => Some((event.clone(), key.clone())),
            _ => None,
        })
        .collect()
    }
}

impl Around {
    fn of(told: &Told) -> Self {
        Self {
            mark: told.mark.clone(),
            started_at: told.started_at,
            listening: told.listening.clone(),
            is_untaken: told.is_untaken,
            trouble: told.trouble.clone(),
            closed: told.closed.clone(),
        }
    }

    /// Adds to the row of a run what its log does not know.
    pub(super) fn finish(&self, mut row: RunRow, queue: &str) -> RunRow {
        if row.seq == 0 {
            // It has not begun.
            row.started_at = self.started_at;
            row.status = "running".to_owned();
        }
        close(&mut row, self.closed.as_ref());
        if row.ended_at.is_none() {
            row.waiting_for.splice(0..0, self.words(queue));
        }
        row
    }

    /// What stands in the way of a run that has not ended.
    fn words(&self, queue: &str) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(no_worker(&self.listening, self.is_untaken, queue));
        if let Some(trouble) = &self.trouble {
            words.push(format!("nobody can go on with it: {trouble}"));
        }
        words
    }
}

/// Why nobody carries on what waits in the queue, if so.
pub(super) fn no_worker(listening: &Listening, is_untaken: bool, queue: &str) -> Option<String> {
    if listening.runs == 0 {
        Some(format!(
            "no worker is listening on the task queue `{queue}`"
        ))
    } else if is_untaken {
        Some(format!(
            "no worker is listening on the task queue `{queue}`, or all of them are busy"
        ))
    } else {
        None
    }
}

/// A run that the cluster closed, and its machine did not end.
fn close(row: &mut RunRow, closed: Option<&Closed>) {
    let Some(closed) = closed.filter(|_| row.ended_at.is_none()) else {
        return;
    };
    row.ended_at = Some(closed.at);
    row.waiting_for.clear();
    let (word, why) = closed.how.split_once(": ").unwrap_or((&closed.how, ""));
    let (status, error) = match word {
        "terminated" => (
            "cancelled",
            Some(StepError::permanent(
                "terminated",
                match why {
                    "" => "it was ended at the cluster, and nothing was taken back".to_owned(),
                    why => {
                        format!("it was ended at the cluster, and nothing was taken back: {why}")
                    }
                },
            )),
        ),
        "timed-out" => (
            "failed",
            Some(StepError::permanent(
                "timed-out",
                "a time limit of the cluster passed, and nothing was taken back",
            )),
        ),
        "failed" => (
            "failed",
            Some(StepError::permanent(
                "cluster",
                match why {
                    "" => "it failed at the cluster".to_owned(),
                    why => format!("it failed at the cluster: {why}"),
                },
            )),
        ),
        other => (other, None),
    };
    row.status = status.to_owned();
    row.error = row.error.take().or(error);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_the_cluster_closed_has_ended_and_says_how() {
        let closed = |how: &str| Closed {
            how: how.to_owned(),
            at: 9,
        };
        let mut row = RunRow {
            waiting_for: vec!["kim".to_owned()],
            ..RunRow::default()
        };
        close(&mut row, Some(&closed("terminated: by hand")));
        assert_eq!((row.status.as_str(), row.ended_at), ("cancelled", Some(9)));
        assert!(row.waiting_for.is_empty());
        assert!(row.error.unwrap().message.ends_with("by hand"));
        // One that the machine ended stays as it is.
        let mut row = RunRow {
            status: "succeeded".to_owned(),
            ended_at: Some(3),
            ..RunRow::default()
        };
        close(&mut row, Some(&closed("succeeded")));
        assert_eq!((row.status.as_str(), row.ended_at), ("succeeded", Some(3)));
    }

    #[test]
    fn nobody_listening_is_said_before_anything_else() {
        let listening = |runs| Listening { runs, steps: 0 };
        let words = no_worker(&listening(0), true, "q").unwrap();
        assert_eq!(words, "no worker is listening on the task queue `q`");
        assert!(no_worker(&listening(1), true, "q").is_some());
        assert_eq!(no_worker(&listening(1), false, "q"), None);
    }
}
