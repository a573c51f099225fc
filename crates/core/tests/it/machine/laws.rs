//! Laws that hold for every run of every workflow under every outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_core::machine::{
    Action, Budget, Event, Input, Logged, Phase, Plan, Run, SnapshotError, Status, Touched, apply,
    pending, replay, restore, snapshot,
};
use proptest::prelude::*;
use serde_json::json;

use super::driver::{Host, drive, plan};
use super::generate::{Dice, document};

fn random_plan(seed: u64) -> Arc<Plan> {
    plan(&document(&mut Dice(seed)))
}

fn random_run(seed: u64) -> Host {
    let plan = random_plan(seed);
    let mut dice = Dice(seed ^ 0xABCD);
    let input = json!({ "n": dice.roll(3) });
    let mut host = Host::start(&plan, input);
    drive(&mut host, &mut dice);
    host
}

fn shown(action: &Action) -> String {
    format!("{action:?}")
}

/// Everything that can be seen of a run.
fn seen(run: &Run) -> String {
    let steps: Vec<String> = run
        .steps()
        .map(|(path, view)| format!("{path}: {:?}", view.state))
        .collect();
    let edges: Vec<String> = run
        .edges()
        .map(|(key, edge)| format!("{key}: {edge:?}"))
        .collect();
    format!(
        "{} {:?} {:?}\n{steps:#?}\n{edges:#?}\n{:?}\n{:?}",
        run.seq(),
        run.status(),
        run.ended(),
        pending(run),
        run.waiting_for()
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// No deadlock; when a run ended, every step of every opened graph has ended and every edge was resolved once.
    #[test]
    fn every_run_ends_with_every_edge_resolved_once(seed in any::<u64>()) {
        let host = random_run(seed);
        prop_assert_eq!(host.run.status(), Status::Ended);
        for (path, view) in host.run.steps() {
            prop_assert!(view.state.phase.is_ended(), "{} is {:?}", path, view.state.phase);
        }
        let mut resolved: BTreeMap<(String, String), u32> = BTreeMap::new();
        for logged in &host.log {
            let (step, edges) = match &logged.event {
                Event::StepSucceeded { step, edges, .. }
                | Event::StepFailed { step, edges, .. }
                | Event::StepSkipped { step, edges, .. }
                | Event::StepCancelled { step, edges, .. } => (step, edges),
                _ => continue,
            };
            let frame = step.rsplit_once('/').map_or("", |(frame, _)| frame);
            for edge in edges {
                *resolved.entry((frame.to_owned(), edge.edge.clone())).or_default() += 1;
            }
        }
        prop_assert!(resolved.values().all(|&times| times == 1), "{resolved:?}");
        prop_assert_eq!(resolved.len(), host.run.edges().count());
    }

    /// Two runs that saw the same events are equal.
    #[test]
    fn replay_gives_the_live_state(seed in any::<u64>()) {
        let host = random_run(seed);
        let again = replay(host.run.plan().clone(), &host.log).expect("a log can be replayed");
        prop_assert_eq!(seen(&again), seen(&host.run));
        let text = serde_json::to_string(&host.log).expect("a log is JSON");
        let read: Vec<Logged> = serde_json::from_str(&text).expect("and back");
        prop_assert_eq!(read, host.log);
    }

    /// Replaying the rest of a log from a snapshot gives the run that replaying all of it gives, and the snapshot of a
    /// run that came from one is the same again.
    #[test]
    fn a_snapshot_stands_for_the_events_before_it(
        seed in any::<u64>(),
        first in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
    ) {
        let whole = random_run(seed);
        let plan = whole.run.plan();
        let (first, second) = (1 + first.index(whole.log.len()), 1 + second.index(whole.log.len()));
        let (first, second) = (first.min(second), first.max(second));
        let mut run = replay(plan.clone(), &whole.log[..first]).expect("a prefix of a log is a log");
        for range in [first..second, second..whole.log.len()] {
            let before = seen(&run);
            let bytes = snapshot(&mut run);
            prop_assert_eq!(seen(&run), before, "packing changes nothing");
            run = restore(plan, bytes.clone()).expect("it fits");
            prop_assert_eq!(&snapshot(&mut run), &bytes);
            for logged in &whole.log[range] {
                apply(&mut run, logged).expect("the rest follows");
            }
        }
        prop_assert_eq!(seen(&run), seen(&whole.run));
    }

    /// A snapshot that was cut or changed is refused, whatever is in it.
    #[test]
    fn a_damaged_snapshot_is_refused(seed in any::<u64>(), place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut host = random_run(seed);
        let plan = host.run.plan().clone();
        let bytes = snapshot(&mut host.run);
        let place = place.index(bytes.len());
        let mut flipped = bytes.clone();
        flipped[place] ^= 1_u8 << bit;
        prop_assert_eq!(restore(&plan, flipped).err(), Some(SnapshotError::Damaged));
        prop_assert_eq!(restore(&plan, bytes[..place].to_vec()).err(), Some(SnapshotError::Damaged));
    }

    /// A crash may come after any event: what was logged until then is enough to go on.
    #[test]
    fn every_prefix_of_a_log_can_be_continued(seed in any::<u64>(), cut in any::<prop::sample::Index>()) {
        let whole = random_run(seed);
        let cut = 1 + cut.index(whole.log.len());
        let log = whole.log[..cut].to_vec();
        let run = replay(whole.run.plan().clone(), &log).expect("a prefix of a log is a log");
        let now = log.last().map_or(0, |logged| logged.at);
        let mut host = Host { run, log, now };
        if host.run.status() != Status::Ended {
            host.give(Input::Recover);
        }
        drive(&mut host, &mut Dice(seed ^ 0x1234));
        prop_assert_eq!(host.run.status(), Status::Ended);
        prop_assert_eq!(&host.log[..cut], &whole.log[..cut], "what was acknowledged stays");
    }

    /// A run that ended takes no event.
    #[test]
    fn an_ended_run_takes_no_event(seed in any::<u64>()) {
        let mut host = random_run(seed);
        let before = seen(&host.run);
        for logged in host.log.clone() {
            let next = Logged { seq: host.run.seq() + 1, ..logged };
            prop_assert!(apply(&mut host.run, &next).is_err());
        }
        prop_assert!(pending(&host.run).is_empty());
        prop_assert_eq!(seen(&host.run), before);
    }

    /// No step begins while a budget is used up, or beyond what is allowed, and every raise is on the record.
    #[test]
    fn budgets_are_respected(seed in any::<u64>()) {
        let host = random_run(seed);
        let mut run = Run::new(host.run.plan().clone());
        let (mut begun, mut stops, mut raises) = (0_u64, 0, 0);
        for logged in &host.log {
            match &logged.event {
                Event::StepStarted { step, attempt, .. } => {
                    prop_assert!(run.exceeded().is_none(), "{step} started");
                    if *attempt == 1 {
                        begun += 1;
                        prop_assert!(run.allowed(Budget::Steps).is_none_or(|limit| begun <= limit), "{step} started");
                    }
                }
                Event::IterationStarted { step, .. } => {
                    prop_assert!(run.exceeded().is_none(), "{step} went on");
                }
                Event::BudgetExceeded(what) => {
                    prop_assert!(run.exceeded().is_none(), "said once: {what:?}");
                    stops += 1;
                }
                Event::BudgetRaised { .. } => raises += 1,
                _ => {}
            }
            apply(&mut run, logged).expect("it follows");
        }
        prop_assert!(raises <= stops);
    }

    /// A host that looks only at the steps that were touched sees everything that is pending.
    #[test]
    fn looking_at_touched_steps_is_enough(seed in any::<u64>()) {
        let whole = random_run(seed);
        let mut run = Run::new(whole.run.plan().clone());
        prop_assert_eq!(run.take_touched(), Touched::All);
        let mut known: BTreeMap<String, Vec<Action>> = BTreeMap::new();
        for logged in &whole.log {
            apply(&mut run, logged).expect("a log can be replayed");
            let Touched::Some(steps) = run.take_touched() else {
                return Err(TestCaseError::fail("only what was touched is asked for"));
            };
            for step in steps {
                let (path, actions) = run.pending_of_step(step);
                known.insert(path, actions);
            }
            let of_run = run.pending_of_run();
            let mut seen: Vec<String> = known.values().flatten().chain(&of_run).map(shown).collect();
            let mut all: Vec<String> = pending(&run).iter().map(shown).collect();
            seen.sort();
            all.sort();
            prop_assert_eq!(seen, all, "after {:?}", logged);
        }
    }

    /// A completed step is never started again.
    #[test]
    fn a_completed_step_is_never_run_again(seed in any::<u64>()) {
        let host = random_run(seed);
        let mut done: BTreeMap<&str, Phase> = BTreeMap::new();
        for logged in &host.log {
            match &logged.event {
                Event::StepStarted { step, .. } | Event::StepResumed { step, .. } => {
                    prop_assert!(!done.contains_key(step.as_str()), "{step} ran again");
                }
                Event::StepSucceeded { step, .. } => {
                    done.insert(step, Phase::Succeeded);
                }
                _ => {}
            }
        }
    }
}
