//! Every event in plain words, with its reason.

use baton_core::Millis;
use baton_core::document::Workflow;
use baton_core::duration;
use baton_core::error::StepError;
use baton_core::machine::{
    DISK, Decision, EdgeResolution, Evaluation, Event, IterationOutcome, Logged, Outcome, Passed,
    STOPPING, Settlement, SkipReason,
};
use serde_json::Value;

/// The event in plain words; steps are called what `workflow` calls them.
pub fn sentence(workflow: &Workflow, logged: &Logged) -> String {
    let title = |step: &str| title(workflow, step);
    match &logged.event {
        Event::RunStarted { by, parent, .. } => match (parent, by) {
            (Some(parent), _) => format!(
                "The run started for {} of run {}.",
                title(&parent.step),
                short(&parent.run)
            ),
            (None, Some(by)) => format!("The run was started ({by})."),
            (None, None) => "The run started.".to_owned(),
        },
        Event::StepSkipped { step, reason, .. } => {
            format!("{} was skipped: {}.", title(step), skip_reason(reason))
        }
        Event::StepStarted {
            step,
            attempt,
            error,
            ..
        } => {
            let what = if *attempt > 1 {
                format!("{} started again (attempt {attempt})", title(step))
            } else {
                format!("{} started", title(step))
            };
            match error {
                Some(error) => format!("{what}, because of: {}.", error.message),
                None => format!("{what}."),
            }
        }
        Event::StepResumed { step, attempt, .. } => format!(
            "Baton came back after an interruption and carries {} out again (attempt {attempt}).",
            title(step)
        ),
        Event::StepOutcomeUnknown { step, .. } => format!(
            "Baton stopped while {} was being carried out; nobody knows whether it acted. A person is asked.",
            title(step)
        ),
        Event::StepOutcomeSettled { step, by, answer } => {
            let what = match answer {
                Settlement::Done { .. } => "it was done",
                Settlement::NotDone => "it was not done",
                Settlement::RunAgain => "it is to be carried out again",
            };
            format!("{by} said about {}: {what}.", title(step))
        }
        Event::StepAttemptFailed {
            step,
            attempt,
            error,
            retry_at,
            because,
            output,
            ..
        } => {
            let what = if output.is_some() {
                format!(
                    "The output of {} was not good enough (attempt {attempt})",
                    title(step)
                )
            } else {
                format!(
                    "{} failed (attempt {attempt}): {}",
                    title(step),
                    error.message
                )
            };
            format!(
                "{what}{}{}.",
                evaluated(because.as_ref()),
                again(logged.at, *retry_at)
            )
        }
        Event::StepSucceeded {
            step,
            port,
            because,
            passed,
            edges,
            ..
        } => {
            let what = match passed {
                Some(Passed::Disabled) => {
                    format!("{} is switched off and was passed over", title(step))
                }
                Some(Passed::Pinned) => format!(
                    "{} was not carried out: its pinned output was used",
                    title(step)
                ),
                None => format!("{} is done", title(step)),
            };
            let port = port
                .as_ref()
                .map(|port| format!(" and chose `{port}`"))
                .unwrap_or_default();
            format!(
                "{what}{port}{}.{}",
                evaluated(because.last()),
                edge_words(edges)
            )
        }
        Event::StepFailed {
            step,
            error,
            handled,
            edges,
            ..
        } => format!(
            "{} failed: {}{}.{}",
            title(step),
            error.message,
            if *handled {
                "; an error path takes over"
            } else {
                ""
            },
            edge_words(edges),
        ),
        Event::StepCancelRequested { step, reason } => {
            format!("{} was told to stop: {}.", title(step), reason)
        }
        Event::StepCancelled { step, reason, .. } => {
            format!("{} was stopped: {}.", title(step), reason)
        }
        Event::LateResultIgnored { step, .. } => format!(
            "A late result of {} arrived and was not used: the attempt it belongs to is over.",
            title(step)
        ),
        Event::WaitStarted { step, until } => {
            format!("{} waits until {}.", title(step), instant(*until))
        }
        Event::EventAwaited {
            step,
            event,
            key,
            until,
        } => format!(
            "{} waits for the event `{event}`{}{}.",
            title(step),
            with_key(key),
            until
                .map(|until| format!(", until {}", instant(until)))
                .unwrap_or_default(),
        ),
        Event::EventReceived { event, key, .. } => {
            format!("The event `{event}`{} arrived.", with_key(key))
        }
        Event::ApprovalRequested { step, question } => {
            let to = if question.to.is_empty() {
                "someone".to_owned()
            } else {
                question.to.join(", ")
            };
            let until = question
                .expires_at
                .map(|at| format!(", until {}", instant(at)));
            format!("{} asks {to}{}.", title(step), until.unwrap_or_default())
        }
        Event::BudgetExceeded(exceeded) => format!(
            "The run stands still: {}. It goes on where it is once more is allowed.",
            exceeded.sentence()
        ),
        Event::BudgetRaised { budget, limit, by } => {
            format!("{by} allowed more: {} from now on.", budget.words(*limit))
        }
        Event::ApprovalReminded { step } => {
            format!("{} reminded those who were asked.", title(step))
        }
        Event::ApprovalEscalated { step, to } => {
            format!(
                "{} was not answered in time and now asks {} as well.",
                title(step),
                to.join(", ")
            )
        }
        Event::ApprovalDecided {
            step,
            by,
            decision,
            comment,
            ..
        } => {
            let what = match decision {
                Decision::Approved => "approved",
                Decision::Rejected => "rejected",
                Decision::Submitted => "filled in",
            };
            let comment = comment.as_deref().filter(|words| !words.trim().is_empty());
            let comment = comment
                .map(|words| format!(": “{words}”"))
                .unwrap_or_else(|| ".".to_owned());
            format!("{by} {what} {}{comment}", title(step))
        }
        Event::ChildRequested { step, workflow, .. } => {
            format!(
                "{} runs the workflow `{workflow}` and waits for it.",
                title(step)
            )
        }
        Event::ItemsListed { step, count, .. } => {
            format!(
                "{} goes through {}.",
                title(step),
                counted(*count as usize, "item")
            )
        }
        Event::IterationStarted { step, index } => {
            format!("{}: round {} began.", title(step), index + 1)
        }
        Event::IterationEnded {
            step,
            index,
            outcome,
            error,
            because,
            next_at,
            ..
        } => {
            let what = match outcome {
                IterationOutcome::Succeeded => "is done".to_owned(),
                IterationOutcome::Failed => format!("failed{}", reason(error.as_ref())),
                IterationOutcome::Cancelled => "was stopped".to_owned(),
            };
            let next = next_at.map(|at| format!("; the next one begins at {}", instant(at)));
            format!(
                "{}: round {} {what}{}{}.",
                title(step),
                index + 1,
                evaluated(because.as_ref()),
                next.unwrap_or_default()
            )
        }
        Event::FailureStarted { scope, error } => {
            format!(
                "{} fails: {}. What still runs in it is stopped.",
                whole(workflow, scope),
                error.message
            )
        }
        Event::CompensationStarted { steps, .. } => {
            let names: Vec<String> = steps.iter().map(|step| title(step)).collect();
            format!(
                "What was done is taken back, last one first: {}.",
                names.join(", ")
            )
        }
        Event::UndoStarted { step, attempt, .. } if *attempt > 1 => {
            format!(
                "{} is being taken back again (attempt {attempt}).",
                title(step)
            )
        }
        Event::UndoStarted { step, .. } => format!("{} is being taken back.", title(step)),
        Event::UndoSucceeded { step, .. } => format!("{} was taken back.", title(step)),
        Event::UndoFailed {
            step,
            error,
            retry_at,
        } => format!(
            "{} could not be taken back: {}{}.",
            title(step),
            error.message,
            again(logged.at, *retry_at)
        ),
        Event::CompensationEnded { failed, .. } if failed.is_empty() => {
            "Everything was taken back.".to_owned()
        }
        Event::CompensationEnded { failed, .. } => {
            let names: Vec<String> = failed.iter().map(|step| title(step)).collect();
            format!(
                "Not everything could be taken back: {} stayed as it was.",
                names.join(", ")
            )
        }
        Event::CancelRequested { by, reason, undo } => {
            let reason = reason.as_deref().filter(|words| !words.trim().is_empty());
            let reason = reason.map(|words| format!(": {words}")).unwrap_or_default();
            let undo = if *undo {
                ", taking back what was done"
            } else {
                ""
            };
            format!("{by} stopped the run{undo}{reason}.")
        }
        Event::RunPaused { by } if by == DISK => {
            "The run was paused: the disk of the data folder is nearly full.".to_owned()
        }
        Event::RunPaused { by } if by == STOPPING => {
            "The run was paused: Baton was about to stop.".to_owned()
        }
        Event::RunPaused { by } => format!("{by} paused the run: no further step starts."),
        Event::RunResumed { by } if by == DISK => {
            "There is room on the disk again: the run goes on.".to_owned()
        }
        Event::RunResumed { by } if by == STOPPING => {
            "Baton was started again: the run goes on.".to_owned()
        }
        Event::RunResumed { by } => format!("{by} let the run go on."),
        Event::TimerFired { .. } => "A time that the run waited for has come.".to_owned(),
        Event::HostResumed { gap_ms } => format!(
            "The computer slept or Baton was stopped for {}; time limits were put off by as much.",
            duration::format_ms(*gap_ms)
        ),
        Event::RetryHurried { step, by } => {
            format!(
                "{by} asked for the next attempt of {} at once.",
                title(step)
            )
        }
        Event::StepLogged { step, message, .. } => format!("{}: {message}", title(step)),
        Event::RunEnded {
            outcome,
            name,
            error,
            ..
        } => {
            let name = name
                .as_ref()
                .map(|name| format!(" as “{name}”"))
                .unwrap_or_default();
            match outcome {
                Outcome::Succeeded => format!("The run ended well{name}."),
                Outcome::Failed => format!("The run failed{name}{}.", reason(error.as_ref())),
                Outcome::Cancelled => format!("The run was stopped{name}."),
            }
        }
    }
}

/// What people call the step at `path`, with the rounds of the loops around it.
pub(crate) fn title(workflow: &Workflow, path: &str) -> String {
    let id = path.rsplit('/').next().unwrap_or(path);
    let name = workflow.find_step(id).map_or(id, |step| step.title());
    let rounds: Vec<String> = path
        .split('/')
        .filter_map(|part| {
            let (container, index) = part.strip_suffix(']')?.split_once('[')?;
            let is_loop = workflow
                .find_step(container)
                .is_some_and(|step| step.kind != "scope");
            let index: u64 = index.parse().ok()?;
            is_loop.then(|| format!("round {}", index + 1))
        })
        .collect();
    if rounds.is_empty() {
        format!("“{name}”")
    } else {
        format!("“{name}” ({})", rounds.join(", "))
    }
}

fn whole(workflow: &Workflow, scope: &str) -> String {
    match scope
        .rsplit('/')
        .next()
        .and_then(|part| part.split('[').next())
    {
        None | Some("") => "The run".to_owned(),
        Some(_) => {
            let path = scope.rsplit_once('[').map_or(scope, |(path, _)| path);
            title(workflow, path)
        }
    }
}

fn skip_reason(reason: &SkipReason) -> &'static str {
    match reason {
        SkipReason::NoEdgeTaken => "no path led to it",
        SkipReason::NotAllTaken => "it needs every path that leads to it, and one was not taken",
        SkipReason::TooFewTaken => "too few of the paths that lead to it can still be taken",
        SkipReason::Ended => "what it belongs to ended before",
        SkipReason::LostRace => "another branch was faster",
    }
}

fn evaluated(because: Option<&Evaluation>) -> String {
    let Some(Evaluation {
        expression,
        read,
        result,
    }) = because
    else {
        return String::new();
    };
    let values: Vec<String> = read
        .iter()
        .take(6)
        .map(|(name, value)| format!("{name} = {}", brief(value)))
        .collect();
    let values = if values.is_empty() {
        String::new()
    } else {
        format!(" with {}", values.join(", "))
    };
    format!(
        ", because `{}` gave {}{values}",
        shorten(expression.trim(), 120),
        brief(result)
    )
}

fn edge_words(edges: &[EdgeResolution]) -> String {
    let broken = edges.iter().find_map(|edge| {
        let error = edge.error.as_ref()?;
        Some(format!(
            " The condition of `{}` could not be decided: {}.",
            edge.edge, error.message
        ))
    });
    let refused: Vec<String> = edges
        .iter()
        .filter(|edge| !edge.taken && edge.because.is_some())
        .map(|edge| {
            format!(
                " The path `{}` was not taken{}.",
                edge.edge,
                evaluated(edge.because.as_ref())
            )
        })
        .collect();
    format!("{}{}", broken.unwrap_or_default(), refused.concat())
}

fn again(now: Millis, retry_at: Option<Millis>) -> String {
    match retry_at {
        Some(at) if at > now => format!(
            "; the next attempt begins in {}",
            duration::format_ms(at - now)
        ),
        Some(_) => "; the next attempt begins at once".to_owned(),
        None => String::new(),
    }
}

fn reason(error: Option<&StepError>) -> String {
    error
        .map(|error| format!(": {}", error.message))
        .unwrap_or_default()
}

fn with_key(key: &Value) -> String {
    if key.is_null() {
        String::new()
    } else {
        format!(" with the key {}", brief(key))
    }
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 {
        format!("1 {thing}")
    } else {
        format!("{count} {thing}s")
    }
}

fn brief(value: &Value) -> String {
    match value {
        Value::String(text) => format!("“{}”", shorten(text, 40)),
        other => format!("`{}`", shorten(&other.to_string(), 40)),
    }
}

fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let start: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{start}…")
}

/// The first characters of the id of a run.
fn short(run: &str) -> &str {
    run.get(..8).unwrap_or(run)
}

fn instant(at: Millis) -> String {
    match jiff::Timestamp::from_millisecond(at) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{at} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_core::document::{Body, Step};

    fn workflow() -> Workflow {
        let inner = Step {
            id: "score".into(),
            name: Some("Score".into()),
            ..Step::default()
        };
        let each = Step {
            id: "each".into(),
            kind: "for_each".into(),
            body: Some(Body {
                steps: vec![inner],
                ..Body::default()
            }),
            ..Step::default()
        };
        Workflow {
            steps: vec![each],
            ..Workflow::new("w", "W")
        }
    }

    fn say(event: Event) -> String {
        sentence(
            &workflow(),
            &Logged {
                seq: 1,
                at: 1_000,
                event,
            },
        )
    }

    #[test]
    fn steps_in_loops_say_in_which_round() {
        let event = Event::UndoSucceeded {
            step: "each[3]/score".into(),
            output: Value::Null,
        };
        assert_eq!(say(event), "“Score” (round 4) was taken back.");
    }

    #[test]
    fn a_failed_attempt_says_when_the_next_one_begins() {
        let event = Event::StepAttemptFailed {
            step: "each[0]/score".into(),
            attempt: 1,
            epoch: 1,
            error: StepError::new("timeout", "it did not end within 2s"),
            retry_at: Some(3_000),
            because: None,
            output: None,
        };
        assert_eq!(
            say(event),
            "“Score” (round 1) failed (attempt 1): it did not end within 2s; the next attempt begins in 2s."
        );
    }

    #[test]
    fn a_decision_gives_its_reason() {
        let because = Evaluation {
            expression: "steps.score.value > 0.7".into(),
            read: serde_json::Map::from_iter([("steps.score.value".to_owned(), Value::from(0.9))]),
            result: Value::Bool(true),
        };
        let event = Event::StepSucceeded {
            step: "each".into(),
            attempt: 1,
            epoch: 1,
            port: Some("high".into()),
            output: Value::Null.into(),
            because: vec![because],
            passed: None,
            edges: Vec::new(),
        };
        assert_eq!(
            say(event),
            "“each” is done and chose `high`, because `steps.score.value > 0.7` gave `true` with steps.score.value = `0.9`."
        );
    }
}
