//! Budgets: a run stands still with a reason, and goes on exactly where it was once a person allows more.

use baton_core::machine::{
    Action, Allowance, Budget, Decision, Event, Exceeded, Input, Plan, Run, Start, Status, pending,
    replay, step,
};
use expect_test::expect;
use serde_json::{Value, json};

use super::driver::{Host, plan};

fn raise(host: &mut Host, budget: Budget, limit: u64) {
    host.give(Input::Raise {
        budget,
        limit,
        by: "kim".to_owned(),
    });
}

fn exceeded(host: &Host) -> Exceeded {
    assert_eq!(host.run.status(), Status::Paused);
    host.run.exceeded().expect("a budget is used up").clone()
}

fn chain(limits: &Value, steps: usize) -> Value {
    let ids: Vec<String> = (0..steps).map(|n| format!("s{n}")).collect();
    let edges: Vec<Value> = ids
        .windows(2)
        .map(|pair| json!({ "from": pair[0], "to": pair[1] }))
        .collect();
    let steps: Vec<Value> = ids
        .iter()
        .map(|id| json!({ "id": id, "kind": "task" }))
        .collect();
    json!({ "limits": limits, "steps": steps, "edges": edges })
}

#[test]
fn a_run_that_used_up_its_steps_goes_on_where_it_was_when_more_are_allowed() {
    let mut host = Host::start(&plan(&chain(&json!({ "steps": 2 }), 4)), json!({}));
    host.done("s0", json!(1));
    host.done("s1", json!(1));
    let what = exceeded(&host);
    assert_eq!((what.budget, what.limit, what.used), (Budget::Steps, 2, 2));
    assert_eq!(
        host.run.waiting_for(),
        ["a person to allow more: 2 steps were started, and 2 are allowed"]
    );
    assert_eq!(pending(&host.run), [], "nothing is done meanwhile");
    for (wrong, code) in [
        (
            Input::Resume {
                by: "kim".to_owned(),
            },
            "budget-exceeded",
        ),
        (
            Input::Raise {
                budget: Budget::Steps,
                limit: 2,
                by: "kim".to_owned(),
            },
            "budget-not-raised",
        ),
    ] {
        let refusal = step(&mut host.run.clone(), wrong, host.now).expect_err("refused");
        assert_eq!(refusal.code, code, "{refusal}");
    }
    raise(&mut host, Budget::Steps, 3);
    host.done("s2", json!(1));
    assert_eq!(exceeded(&host).used, 3);
    raise(&mut host, Budget::Steps, 10);
    host.done("s3", json!(1));
    expect![[r#"
        run started
        s0 started
        s0 succeeded +s0->s1
        s1 started
        s1 succeeded +s1->s2
        stands still: 2 steps were started, and 2 are allowed
        Steps raised to 3
        s2 started
        s2 succeeded +s2->s3
        stands still: 3 steps were started, and 3 are allowed
        Steps raised to 10
        s3 started
        s3 succeeded
        run Succeeded
    "#]]
    .assert_eq(&host.story());
    let again = replay(host.run.plan().clone(), &host.log).expect("it replays");
    assert_eq!(again.status(), Status::Ended);
}

#[test]
fn further_attempts_are_not_counted() {
    let workflow = json!({ "limits": { "steps": 1 }, "steps": [
        { "id": "a", "kind": "task", "retry": { "attempts": 5, "first": "1s" } }], "edges": [] });
    let mut host = Host::start(&plan(&workflow), json!({}));
    for _ in 0..4 {
        host.fails("a", "not yet");
        host.tick();
    }
    host.done("a", json!(1));
    assert_eq!(host.run.status(), Status::Ended);
}

#[test]
fn an_endless_loop_stands_still() {
    let workflow = json!({ "limits": { "iterations": 3 }, "steps": [
        { "id": "again", "kind": "repeat", "with": { "until": "false", "max": 1_000_000 },
          "body": { "steps": [{ "id": "pass", "kind": "merge" }], "edges": [] } }], "edges": [] });
    let mut host = Host::start(&plan(&workflow), json!({}));
    let what = exceeded(&host);
    assert_eq!(
        (what.budget, what.limit, what.used, what.step.as_deref()),
        (Budget::Iterations, 3, 4, Some("again"))
    );
    raise(&mut host, Budget::Iterations, 5);
    assert_eq!(exceeded(&host).used, 6);
    let begun = host
        .log
        .iter()
        .filter(|one| matches!(one.event, Event::IterationStarted { .. }))
        .count();
    assert_eq!(begun, 5);
    host.give(Input::Cancel {
        by: "kim".to_owned(),
        reason: None,
        undo: false,
    });
    assert_eq!(host.run.status(), Status::Ended, "it can be cancelled");
}

#[test]
fn a_list_that_is_too_long_never_reaches_the_log() {
    let workflow = json!({ "steps": [
        { "id": "each", "kind": "for_each", "with": { "items": "{% input.list %}", "concurrency": 4 },
          "body": { "steps": [{ "id": "one", "kind": "task" }], "edges": [] } }], "edges": [] });
    let input = json!({ "list": (0..1_000_000).collect::<Vec<u32>>() });
    let mut host = Host::start(&plan(&workflow), input);
    let what = exceeded(&host);
    assert_eq!(
        (what.budget, what.used),
        (Budget::Iterations, 1_000_000),
        "{what:?}"
    );
    assert_eq!(
        what.sentence(),
        "a loop at `each` needs 1,000,000 iterations, and 100,000 are allowed"
    );
    assert_eq!(host.log.len(), 2);
    raise(&mut host, Budget::Iterations, 1_000_000);
    assert_eq!(pending(&host.run).len(), 4, "the first items are under way");
}

#[test]
fn a_raise_that_would_not_help_is_refused() {
    let workflow = json!({ "limits": { "iterations": 2 }, "steps": [
        { "id": "each", "kind": "for_each", "with": { "items": "{% [1,2,3,4] %}" },
          "body": { "steps": [{ "id": "one", "kind": "merge" }], "edges": [] } }], "edges": [] });
    let mut host = Host::start(&plan(&workflow), json!({}));
    let input = |limit| Input::Raise {
        budget: Budget::Iterations,
        limit,
        by: "kim".to_owned(),
    };
    let refusal = step(&mut host.run.clone(), input(3), host.now).expect_err("too little");
    assert_eq!(refusal.code, "budget-too-small");
    assert_eq!(
        refusal.message,
        "3 iterations would stop the run again at once: it has used 4 iterations"
    );
    host.give(input(4));
    assert_eq!(host.run.status(), Status::Ended);
}

/// A `for_each` of 100 items in a `for_each` of 100 items.
fn nested(outer: u32, inner: u32, window: u32) -> Host {
    let workflow = json!({ "limits": { "inFlight": window }, "steps": [
        { "id": "o", "kind": "for_each", "with": { "items": "{% [1..100] %}", "concurrency": outer }, "body": { "edges": [], "steps": [
            { "id": "i", "kind": "for_each", "with": { "items": "{% [1..100] %}", "concurrency": inner }, "body": { "edges": [], "steps": [
                { "id": "t", "kind": "task" }] } }] } }], "edges": [] });
    Host::start(&plan(&workflow), json!({}))
}

#[test]
fn what_is_in_flight_is_a_window_that_loops_in_loops_share() {
    for (outer, inner, window, expected) in [
        (10, 10, 64, 60),
        (64, 64, 64, 64),
        (1, 64, 16, 16),
        (3, 2, 64, 6),
        (8, 64, 1, 1),
    ] {
        let host = nested(outer, inner, window);
        assert_eq!(
            pending(&host.run).len(),
            expected,
            "{outer} and {inner} in {window}"
        );
        assert_eq!(host.run.status(), Status::Running, "it is no pause");
    }
    let mut host = nested(8, 64, 1);
    for _ in 0..250 {
        let Some(Action::StartTask(task)) = pending(&host.run).into_iter().next() else {
            panic!("it does not get stuck");
        };
        host.done(&task.step, json!(1));
    }
}

#[test]
fn the_depth_of_sub_workflows_is_a_budget() {
    let workflow = json!({ "steps": [
        { "id": "call", "kind": "workflow", "with": { "workflow": "test" } }], "edges": [] });
    let mut run = Run::new(plan(&workflow));
    let start = Start {
        run: "r33".to_owned(),
        depth: 32,
        ..Start::default()
    };
    let log = step(&mut run, Input::Start(start), 5).expect("it begins");
    let what = run.exceeded().expect("it is too deep").clone();
    assert_eq!(
        (what.budget, what.limit, what.used),
        (Budget::Depth, 32, 33)
    );
    let mut host = Host { run, log, now: 5 };
    raise(&mut host, Budget::Depth, 40);
    assert!(matches!(
        pending(&host.run)[..],
        [Action::StartChild { .. }]
    ));
}

#[test]
fn large_values_are_counted_where_they_are_kept() {
    let mut workflow = chain(
        &json!({ "payload": "1 MB", "runPayload": "3 MB", "memory": "10 KB" }),
        5,
    );
    workflow["steps"][4]["kind"] = json!("merge");
    let mut host = Host::start(&plan(&workflow), json!({}));
    let kept = |kind: &str, bytes: u32| json!({ "$type": kind, "artifact": "0", "bytes": bytes });
    host.done("s0", kept("table", 2_000_000));
    assert_eq!(
        host.run.status(),
        Status::Running,
        "a table is no single value"
    );
    host.done("s1", kept("blob", 1_500_000));
    let what = exceeded(&host);
    assert_eq!(
        what.sentence(),
        "a value at `s1` has 1.5 MB, and 1 MB are allowed"
    );
    raise(&mut host, Budget::Payload, 2_000_000);
    let what = exceeded(&host);
    assert_eq!(
        what.sentence(),
        "the values of the run have 3.5 MB together, and 3 MB are allowed"
    );
    raise(&mut host, Budget::RunPayload, 9_000_000);
    host.done("s2", json!("x".repeat(12_000)));
    assert_eq!(
        exceeded(&host).sentence(),
        "the run holds 12.1 KB of values in memory, and 10 KB are allowed"
    );
    raise(&mut host, Budget::Memory, 20_000);
    host.done("s3", json!(1));
    assert_eq!(host.run.status(), Status::Ended);
}

#[test]
fn time_is_a_budget_that_does_not_end_the_run() {
    let workflow = json!({ "limits": { "wallTime": "1h" }, "steps": [
        { "id": "ask", "kind": "approval", "with": { "to": ["x"] } }, { "id": "then", "kind": "task" }],
        "edges": [{ "from": "ask.approved", "to": "then" }] });
    let mut host = Host::start(&plan(&workflow), json!({}));
    assert_eq!(host.tick(), "budget");
    assert_eq!(
        exceeded(&host).sentence(),
        "the run has taken 1h, and 1h are allowed"
    );
    host.decide("ask", "x", Decision::Approved);
    assert_eq!(
        host.run.status(),
        Status::Paused,
        "an answer counts, but nothing starts"
    );
    host.now += 3_600_000;
    let too_little = Input::Raise {
        budget: Budget::WallTime,
        limit: 7_200_000,
        by: "kim".to_owned(),
    };
    let refusal = step(&mut host.run.clone(), too_little, host.now).expect_err("used already");
    assert_eq!(refusal.code, "budget-too-small");
    raise(&mut host, Budget::WallTime, 9_000_000);
    host.done("then", json!(1));
    assert_eq!(host.run.status(), Status::Ended);
}

#[test]
fn a_run_keeps_the_budgets_it_began_with() {
    let body = chain(&json!({ "steps": 50 }), 3);
    let mut run = Run::new(plan(&body));
    let start = Start {
        run: "r".to_owned(),
        limits: Allowance {
            steps: Some(1),
            memory: Some(5),
            ..Allowance::default()
        },
        ..Start::default()
    };
    let log = step(&mut run, Input::Start(start), 5).expect("it begins");
    assert_eq!(
        run.allowed(Budget::Steps),
        Some(1),
        "what was settled comes first"
    );
    assert_eq!(run.allowed(Budget::Iterations), Some(100_000));
    assert_eq!(run.allowed(Budget::WallTime), None);
    let again = replay(
        Plan::compile(run.plan().workflow(), &super::generate::catalog()).expect("it compiles"),
        &log,
    )
    .expect("it replays");
    assert_eq!(again.allowed(Budget::Memory), Some(5));
}

#[test]
fn a_pause_of_a_person_and_a_budget_are_two_things() {
    let mut host = Host::start(&plan(&chain(&json!({ "steps": 1 }), 2)), json!({}));
    host.give(Input::Pause {
        by: "kim".to_owned(),
    });
    host.done("s0", json!(1));
    assert!(host.run.exceeded().is_none(), "nothing was about to start");
    host.give(Input::Resume {
        by: "kim".to_owned(),
    });
    assert!(host.run.exceeded().is_some());
    host.give(Input::Pause {
        by: "kim".to_owned(),
    });
    raise(&mut host, Budget::Steps, 5);
    assert_eq!(
        host.run.status(),
        Status::Paused,
        "the person still pauses it"
    );
    host.give(Input::Resume {
        by: "kim".to_owned(),
    });
    host.done("s1", json!(1));
    assert_eq!(host.run.status(), Status::Ended);
}
