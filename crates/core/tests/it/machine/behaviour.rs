//! Behaviour as stories: what happens, in order.

use baton_core::machine::{
    Action, Decision, Event, Input, Outcome, Phase, Settlement, Status, pending,
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::driver::{Host, plan};

fn check(workflow: &Value, script: impl FnOnce(&mut Host), story: &Expect) -> Host {
    let mut host = Host::start(&plan(workflow), json!({ "n": 5 }));
    script(&mut host);
    story.assert_eq(&host.story());
    host
}

#[test]
fn a_decision_takes_one_port_and_the_merge_goes_on_with_what_is_alive() {
    let host = check(
        &json!({
            "steps": [
                { "id": "choose", "kind": "decision", "with": { "cases": [{ "port": "big", "when": "input.n > 3" }] } },
                { "id": "a", "kind": "task" }, { "id": "b", "kind": "task" }, { "id": "join", "kind": "merge" }
            ],
            "edges": [
                { "from": "choose.big", "to": "a" }, { "from": "choose.else", "to": "b" },
                { "from": "a", "to": "join" }, { "from": "b", "to": "join" }
            ]
        }),
        |host| host.done("a", json!(1)),
        &expect![[r#"
            run started
            choose succeeded at big +choose.big->a -choose.else->b
            b skipped: NoEdgeTaken -b->join
            a started
            a succeeded +a->join
            join succeeded
            run Succeeded
        "#]],
    );
    let Event::StepSucceeded { because, .. } = &host.log[1].event else {
        panic!("a decision")
    };
    assert_eq!(because[0].expression, "input.n > 3");
    assert_eq!(because[0].read["input.n"], json!(5));
    assert_eq!(because[0].result, json!(true));
}

#[test]
fn a_missing_field_in_a_condition_fails_and_names_the_field() {
    let host = check(
        &json!({
            "steps": [{ "id": "a", "kind": "task" }, { "id": "b", "kind": "task" }],
            "edges": [{ "from": "a", "to": "b", "when": "steps.a.gone > 1" }]
        }),
        |host| host.done("a", json!({ "n": 1 })),
        &expect![[r#"
            run started
            a started
            a succeeded -a->b
            failure of ``: condition of edge `a->b`: field `steps.a.gone` is missing
            b skipped: Ended
            run Failed
        "#]],
    );
    let error = host
        .run
        .ended()
        .and_then(|ended| ended.error.clone())
        .expect("an error");
    assert_eq!(error.code, "missing-field");
    assert_eq!(error.step.as_deref(), Some("a"));
}

#[test]
fn a_failure_stops_the_other_branches_and_takes_back_in_reverse_order() {
    check(
        &json!({
            "steps": [
                { "id": "book", "kind": "send", "undo": { "kind": "send", "with": { "was": "{% output.n %}" } } },
                { "id": "pay", "kind": "send", "undo": { "kind": "send" } },
                { "id": "ship", "kind": "send" }, { "id": "slow", "kind": "task" }
            ],
            "edges": [{ "from": "book", "to": "pay" }, { "from": "pay", "to": "ship" }]
        }),
        |host| {
            host.done("book", json!({ "n": 9 }));
            host.done("pay", json!(1));
            host.fails("ship", "no truck");
            host.stopped("slow");
            host.undone("pay");
            let Some(Action::StartUndo(task)) = pending(&host.run).into_iter().next() else {
                panic!("an undo")
            };
            assert_eq!((task.step.as_str(), &task.with["was"]), ("book", &json!(9)));
            host.undone("book");
        },
        &expect![[r#"
            run started
            book started
            slow started
            book succeeded +book->pay
            pay started
            pay succeeded +pay->ship
            ship started
            ship failed: no truck
            failure of ``: no truck
            slow is stopped: another step failed: no truck
            slow stopped
            undo pay, book
            pay undo started
            pay undone
            book undo started
            book undone
            undo ended
            run Failed
        "#]],
    );
}

#[test]
fn retry_waits_longer_each_time_and_then_an_error_edge_takes_over() {
    let mut waits = Vec::new();
    check(
        &json!({
            "steps": [
                { "id": "call", "kind": "send", "retry": { "attempts": 3, "first": "2s", "factor": 3, "max": "5s" } },
                { "id": "alert", "kind": "task", "with": { "text": "{% error.code & \": \" & error.message %}" } },
                { "id": "next", "kind": "task" }
            ],
            "edges": [{ "from": "call", "to": "alert", "on": "error" }, { "from": "call", "to": "next" }]
        }),
        |host| {
            for _ in 0..2 {
                let before = host.now;
                host.fails("call", "busy");
                host.tick();
                waits.push(host.now - before);
            }
            host.fails("call", "busy");
            let Some(Action::StartTask(task)) = pending(&host.run).into_iter().next() else {
                panic!("a task")
            };
            assert_eq!(task.with["text"], json!("boom: busy"));
            host.done("alert", json!(1));
        },
        &expect![[r#"
            run started
            call started
            call attempt failed: busy
            TimerFired
            call started, attempt 2
            call attempt failed: busy
            TimerFired
            call started, attempt 3
            call failed: busy +call->alert!error -call->next
            next skipped: NoEdgeTaken
            alert started
            alert succeeded
            run Succeeded
        "#]],
    );
    assert_eq!(waits, [2_000, 5_000]);
}

#[test]
fn an_output_that_is_not_good_enough_is_tried_again() {
    check(
        &json!({ "steps": [{ "id": "look", "kind": "task", "retry": { "attempts": 2, "first": "1s", "when": "output.rows < 10" } }] }),
        |host| {
            host.done("look", json!({ "rows": 3 }));
            host.tick();
            host.done("look", json!({ "rows": 12 }));
        },
        &expect![[r#"
            run started
            look started
            look attempt failed: the output asks for another attempt
            TimerFired
            look started, attempt 2
            look succeeded
            run Succeeded
        "#]],
    );
}

#[test]
fn the_first_branch_wins_and_the_losers_are_stopped() {
    check(
        &json!({
            "steps": [
                { "id": "fast", "kind": "task" }, { "id": "slow", "kind": "task" }, { "id": "later", "kind": "task" },
                { "id": "won", "kind": "task", "join": "first", "cancelRest": true }
            ],
            "edges": [{ "from": "fast", "to": "won" }, { "from": "slow", "to": "later" }, { "from": "later", "to": "won" }]
        }),
        |host| {
            host.done("fast", json!(1));
            host.stopped("slow");
            host.done("won", json!(1));
        },
        &expect![[r#"
            run started
            fast started
            slow started
            fast succeeded +fast->won
            won started
            slow is stopped: another branch was faster
            later skipped: LostRace -later->won
            slow stopped
            won succeeded
            run Succeeded
        "#]],
    );
}

#[test]
fn a_merge_that_takes_the_first_branch_stops_the_losers_too() {
    check(
        &json!({
            "steps": [
                { "id": "fast", "kind": "task" }, { "id": "slow", "kind": "task" },
                { "id": "won", "kind": "merge", "join": "first", "cancelRest": true }
            ],
            "edges": [{ "from": "fast", "to": "won" }, { "from": "slow", "to": "won" }]
        }),
        |host| {
            host.done("fast", json!(1));
            host.stopped("slow");
        },
        &expect![[r#"
            run started
            fast started
            slow started
            fast succeeded +fast->won
            won succeeded
            slow is stopped: another branch was faster
            slow stopped
            run Succeeded
        "#]],
    );
}

#[test]
fn two_of_three_are_enough() {
    check(
        &json!({
            "steps": [{ "id": "a", "kind": "task" }, { "id": "b", "kind": "task" }, { "id": "c", "kind": "task" },
                      { "id": "go", "kind": "task", "join": { "atLeast": 2 } }],
            "edges": [{ "from": "a", "to": "go" }, { "from": "b", "to": "go" }, { "from": "c", "to": "go", "on": "error" }]
        }),
        |host| {
            host.done("c", json!(1));
            host.done("a", json!(1));
            host.done("b", json!(1));
            host.done("go", json!(1));
        },
        &expect![[r#"
            run started
            a started
            b started
            c started
            c succeeded -c->go!error
            a succeeded +a->go
            b succeeded +b->go
            go started
            go succeeded
            run Succeeded
        "#]],
    );
}

#[test]
fn for_each_runs_so_many_at_a_time_and_may_go_on_over_failures() {
    let host = check(
        &json!({ "steps": [{
            "id": "each", "kind": "for_each",
            "with": { "items": "{% [10, 20, 30] %}", "concurrency": 2, "onItemFailure": "continue", "result": "{% item + steps.work %}" },
            "body": { "steps": [{ "id": "work", "kind": "task", "with": { "x": "{% item * 2 + index %}" } }], "edges": [] }
        }] }),
        |host| {
            let Some(Action::StartTask(task)) = pending(&host.run).into_iter().nth(1) else {
                panic!("a task")
            };
            assert_eq!(
                (task.step.as_str(), &task.with["x"]),
                ("each[1]/work", &json!(41))
            );
            host.fails("each[0]/work", "bad item");
            host.done("each[1]/work", json!(1));
            host.done("each[2]/work", json!(2));
        },
        &expect![[r#"
            run started
            each started
            ItemsListed
            each[0] started
            each[1] started
            each[0]/work started
            each[1]/work started
            each[0]/work failed: bad item
            failure of `each[0]`: bad item
            each[0] Failed
            each[2] started
            each[2]/work started
            each[1]/work succeeded
            each[1] Succeeded
            each[2]/work succeeded
            each[2] Succeeded
            each succeeded
            run Succeeded
        "#]],
    );
    let output = &host.run.ended().expect("it ended").outputs["each"];
    assert_eq!(output["results"], json!([null, 21, 32]));
    assert_eq!(output["errors"][0]["index"], json!(0));
}

#[test]
fn repeat_looks_again_until_it_is_enough_or_gives_up() {
    let workflow = json!({
        "steps": [
            { "id": "poll", "kind": "repeat", "with": { "until": "steps.look.rows >= 10", "max": 2, "delay": "10m" },
              "body": { "steps": [{ "id": "look", "kind": "task" }], "edges": [] } },
            { "id": "full", "kind": "task" }, { "id": "partial", "kind": "task" }
        ],
        "edges": [{ "from": "poll.done", "to": "full" }, { "from": "poll.exhausted", "to": "partial" }]
    });
    check(
        &workflow,
        |host| {
            host.done("poll[0]/look", json!({ "rows": 3 }));
            assert_eq!(host.tick(), "repeat:poll");
            host.done("poll[1]/look", json!({ "rows": 4 }));
            host.done("partial", json!(1));
        },
        &expect![[r#"
            run started
            poll started
            poll[0] started
            poll[0]/look started
            poll[0]/look succeeded
            poll[0] Succeeded
            TimerFired
            poll[1] started
            poll[1]/look started
            poll[1]/look succeeded
            poll[1] Succeeded
            poll succeeded at exhausted -poll.done->full +poll.exhausted->partial
            full skipped: NoEdgeTaken
            partial started
            partial succeeded
            run Succeeded
        "#]],
    );
}

#[test]
fn a_scope_takes_back_its_own_steps_before_its_error_edge_is_taken() {
    check(
        &json!({
            "steps": [
                { "id": "tx", "kind": "scope", "body": {
                    "steps": [{ "id": "write", "kind": "send", "undo": { "kind": "send" } }, { "id": "check", "kind": "task" }],
                    "edges": [{ "from": "write", "to": "check" }] } },
                { "id": "alert", "kind": "task" }
            ],
            "edges": [{ "from": "tx", "to": "alert", "on": "error" }]
        }),
        |host| {
            host.done("tx[0]/write", json!(1));
            host.fails("tx[0]/check", "wrong sum");
            host.undone("tx[0]/write");
            host.done("alert", json!(1));
        },
        &expect![[r#"
            run started
            tx started
            tx[0] started
            tx[0]/write started
            tx[0]/write succeeded +write->check
            tx[0]/check started
            tx[0]/check failed: wrong sum
            failure of `tx[0]`: wrong sum
            undo tx[0]/write
            tx[0]/write undo started
            tx[0]/write undone
            undo ended
            tx[0] Failed
            tx failed: wrong sum +tx->alert!error
            alert started
            alert succeeded
            run Succeeded
        "#]],
    );
}

#[test]
fn a_scope_out_of_time_fails() {
    let host = check(
        &json!({ "steps": [{ "id": "tx", "kind": "scope", "timeout": "1m", "body": { "steps": [{ "id": "long", "kind": "task" }] } }] }),
        |host| {
            assert_eq!(host.tick(), "timeout:tx");
            host.stopped("tx[0]/long");
        },
        &expect![[r#"
            run started
            tx started
            tx[0] started
            tx[0]/long started
            TimerFired
            failure of `tx[0]`: `tx` took longer than its time limit
            tx[0]/long is stopped: another step failed: `tx` took longer than its time limit
            tx[0]/long stopped
            tx[0] Failed
            tx failed: `tx` took longer than its time limit
            failure of ``: `tx` took longer than its time limit
            run Failed
        "#]],
    );
    assert_eq!(
        host.run
            .ended()
            .and_then(|ended| ended.error.as_ref().map(|error| error.code.clone()))
            .as_deref(),
        Some("timeout")
    );
}

#[test]
fn an_approval_needs_its_quorum_and_one_rejection_is_enough() {
    let workflow = json!({
        "steps": [
            { "id": "ask", "kind": "approval", "with": { "to": ["lead", "cfo"], "quorum": 2, "expires": "2d",
              "question": ["Publish {% input.n %} rows?"], "evidence": { "rows": "{% input.n %}" } } },
            { "id": "yes", "kind": "task" }, { "id": "no", "kind": "task" }
        ],
        "edges": [{ "from": "ask.approved", "to": "yes" }, { "from": "ask.rejected", "to": "no" }, { "from": "ask.expired", "to": "no" }]
    });
    let mut host = Host::start(&plan(&workflow), json!({ "n": 5 }));
    let Some(Action::Ask { question, .. }) = pending(&host.run).into_iter().next() else {
        panic!("a question")
    };
    assert_eq!(question.text.as_deref(), Some("Publish 5 rows?"));
    assert_eq!(question.evidence["rows"], json!(5));
    host.decide("ask", "ada", Decision::Approved);
    assert_eq!(host.run.status(), Status::Waiting);
    let again = Input::Decide {
        step: "ask".to_owned(),
        by: "ada".to_owned(),
        decision: Decision::Approved,
        comment: None,
        data: None,
    };
    assert_eq!(
        baton_core::machine::step(&mut host.run, again, 2_000).map_err(|refusal| refusal.code),
        Err("already-answered")
    );
    host.decide("ask", "bob", Decision::Approved);
    assert!(
        host.story().contains("ask succeeded at approved"),
        "{}",
        host.story()
    );

    let mut host = Host::start(&plan(&workflow), json!({ "n": 5 }));
    host.decide("ask", "ada", Decision::Rejected);
    assert!(
        host.story().contains("ask succeeded at rejected"),
        "{}",
        host.story()
    );

    let mut host = Host::start(&plan(&workflow), json!({ "n": 5 }));
    assert_eq!(host.tick(), "expire:ask");
    assert!(
        host.story().contains("ask succeeded at expired"),
        "{}",
        host.story()
    );
}

#[test]
fn an_event_is_kept_for_a_step_that_waits_later_and_used_once() {
    let workflow = json!({
        "steps": [
            { "id": "pause", "kind": "wait", "with": { "for": "1m" } },
            { "id": "paid", "kind": "wait_for", "with": { "event": "paid", "key": "{% input.n %}" } },
            { "id": "again", "kind": "wait_for", "with": { "event": "paid", "key": "{% input.n %}", "timeout": "1m" } }
        ],
        "edges": [{ "from": "pause", "to": "paid" }, { "from": "paid", "to": "again" }]
    });
    let mut host = Host::start(&plan(&workflow), json!({ "n": 5 }));
    let signal = |id: &str, key: Value| Input::Signal {
        id: id.to_owned(),
        event: "paid".to_owned(),
        key,
        payload: json!("x"),
    };
    host.give(signal("1", json!(4)));
    host.give(signal("2", json!(5)));
    host.give(signal("2", json!(5)));
    host.tick();
    assert!(
        host.story().contains("paid succeeded at received"),
        "{}",
        host.story()
    );
    host.tick();
    assert!(
        host.story().contains("again succeeded at expired"),
        "{}",
        host.story()
    );
}

#[test]
fn an_interrupted_unsafe_step_asks_and_a_keyed_one_runs_again_with_the_same_key() {
    let mut host = Host::start(
        &plan(
            &json!({ "steps": [{ "id": "mail", "kind": "act" }, { "id": "post", "kind": "send" }] }),
        ),
        json!({}),
    );
    let key = |host: &Host| {
        pending(&host.run)
            .into_iter()
            .find_map(|action| match action {
                Action::StartTask(task) if task.step == "post" => Some((task.key, task.epoch)),
                _ => None,
            })
    };
    let before = key(&host).expect("it runs");
    host.give(Input::Recover);
    let after = key(&host).expect("it runs again");
    assert_eq!((before.0, before.1 + 1), after);
    assert!(pending(&host.run).contains(&Action::AskOutcome {
        step: "mail".to_owned()
    }));
    // A result of the attempt before the interruption comes late: kept, not applied.
    let late = baton_core::machine::TaskResult::Succeeded {
        output: json!(1),
        port: None,
    };
    host.give(Input::TaskEnded {
        step: "post".to_owned(),
        epoch: before.1,
        result: late,
    });
    assert!(host.story().ends_with("LateResultIgnored\n"));
    host.give(Input::Settle {
        step: "mail".to_owned(),
        by: "ada".to_owned(),
        answer: Settlement::RunAgain,
    });
    assert!(
        host.story().ends_with("mail started, attempt 2\n"),
        "{}",
        host.story()
    );
}

#[test]
fn cancel_with_undo_takes_back_what_was_completed() {
    check(
        &json!({
            "steps": [{ "id": "a", "kind": "send", "undo": { "kind": "send" } }, { "id": "ask", "kind": "approval", "with": { "to": ["x"] } }],
            "edges": [{ "from": "a", "to": "ask" }]
        }),
        |host| {
            host.done("a", json!(1));
            host.give(Input::Cancel {
                by: "ada".to_owned(),
                reason: None,
                undo: true,
            });
            host.undone("a");
        },
        &expect![[r#"
            run started
            a started
            a succeeded +a->ask
            ask started
            ApprovalRequested
            CancelRequested
            ask stopped
            undo a
            a undo started
            a undone
            undo ended
            run Cancelled
        "#]],
    );
}

#[test]
fn a_paused_run_starts_nothing_and_goes_on_when_resumed() {
    let workflow = json!({ "steps": [{ "id": "a", "kind": "task" }, { "id": "b", "kind": "task" }], "edges": [{ "from": "a", "to": "b" }] });
    let mut host = Host::start(&plan(&workflow), json!({}));
    host.give(Input::Pause {
        by: "ada".to_owned(),
    });
    host.done("a", json!(1));
    assert_eq!(
        (host.run.status(), pending(&host.run).len()),
        (Status::Paused, 0)
    );
    host.give(Input::Resume {
        by: "ada".to_owned(),
    });
    assert!(host.story().ends_with("b started\n"));
}

#[test]
fn a_decision_table_hands_on_what_the_matching_rule_says() {
    let table = |hit: &str| {
        json!({ "steps": [{ "id": "rate", "kind": "rules", "with": {
        "hitPolicy": hit,
        "inputs": [{ "label": "score", "value": "{% input.n / 10 %}" }, { "label": "tier", "value": "{% \"gold\" %}" }],
        "rules": [
            { "if": ["> 0.8", "-"], "then": { "offer": 30 } },
            { "if": ["0.4..0.8", "\"gold\", \"silver\""], "then": { "offer": "{% input.n * 4 %}" } },
            { "if": ["-", "not(\"basic\")"], "then": { "offer": 5 } }
        ] } }] })
    };
    let outcome = |hit: &str| {
        let host = Host::start(&plan(&table(hit)), json!({ "n": 5 }));
        let ended = host.run.ended().expect("it ended at once").clone();
        (
            ended.outcome,
            ended.outputs["rate"].clone(),
            ended.error.map(|error| error.code),
        )
    };
    assert_eq!(
        outcome("first"),
        (Outcome::Succeeded, json!({ "offer": 20 }), None)
    );
    assert_eq!(
        outcome("collect"),
        (
            Outcome::Succeeded,
            json!([{ "offer": 20 }, { "offer": 5 }]),
            None
        )
    );
    assert_eq!(
        outcome("unique"),
        (
            Outcome::Failed,
            Value::Null,
            Some("several-rules-match".to_owned())
        )
    );
}

#[test]
fn an_end_names_the_outcome_and_may_end_the_rest() {
    let host = check(
        &json!({
            "steps": [{ "id": "a", "kind": "task" }, { "id": "slow", "kind": "task" },
                      { "id": "fin", "kind": "end", "with": { "outcome": "published", "output": { "n": "{% steps.a %}" }, "cancelRest": true } }],
            "edges": [{ "from": "a", "to": "fin" }]
        }),
        |host| {
            host.done("a", json!(3));
            host.stopped("slow");
        },
        &expect![[r#"
            run started
            a started
            slow started
            a succeeded +a->fin
            fin succeeded
            slow is stopped: the end was reached
            slow stopped
            run Succeeded as published
        "#]],
    );
    assert_eq!(
        host.run.ended().expect("it ended").outputs,
        json!({ "n": 3 })
    );
}

#[test]
fn a_run_out_of_time_fails_and_takes_back() {
    let mut host = Host::start(
        &plan(
            &json!({ "timeout": "1h", "steps": [{ "id": "ask", "kind": "approval", "with": { "to": ["x"] } }] }),
        ),
        json!({}),
    );
    assert_eq!(host.tick(), "run");
    let ended = host.run.ended().expect("it ended");
    assert_eq!(
        (
            ended.outcome,
            ended.error.as_ref().map(|error| error.code.as_str())
        ),
        (Outcome::Failed, Some("run-timeout"))
    );
}

#[test]
fn disabled_and_pinned_steps_pass_without_acting() {
    let host = Host::start(
        &plan(&json!({
            "steps": [{ "id": "off", "kind": "act", "disabled": true }, { "id": "pinned", "kind": "act", "pin": { "n": 4 } },
                      { "id": "use", "kind": "task", "with": { "n": "{% steps.pinned.n %}" } }],
            "edges": [{ "from": "off", "to": "pinned" }, { "from": "pinned", "to": "use" }]
        })),
        json!({}),
    );
    let Some(Action::StartTask(task)) = pending(&host.run).into_iter().next() else {
        panic!("a task")
    };
    assert_eq!((task.step.as_str(), &task.with["n"]), ("use", &json!(4)));
}

#[test]
fn a_lost_task_is_carried_out_again_or_asked_about_and_others_go_on() {
    let plan = plan(&json!({ "steps": [
        { "id": "a", "kind": "task" }, { "id": "b", "kind": "act" }, { "id": "c", "kind": "act" } ] }));
    let mut host = Host::start(&plan, json!({}));
    let lost = |step: &str, epoch| Input::TaskLost {
        step: step.to_owned(),
        epoch,
    };
    host.give(lost("a", 1));
    host.give(lost("b", 1));
    // An answer that came before, and a step that never was.
    host.give(lost("c", 7));
    host.give(lost("gone", 1));
    let epoch = |path: &str| host.run.step(path).map(|view| view.state.epoch);
    let phase = |path: &str| host.run.step(path).map(|view| view.state.phase);
    assert_eq!((phase("a"), epoch("a")), (Some(Phase::Running), Some(2)));
    assert_eq!(phase("b"), Some(Phase::Unknown));
    assert_eq!((phase("c"), epoch("c")), (Some(Phase::Running), Some(1)));
    host.done("a", json!(1));
    host.done("c", json!(1));
    let answer = Settlement::Done { output: json!(2) };
    let (step, by) = ("b".to_owned(), "ada".to_owned());
    host.give(Input::Settle { step, by, answer });
    assert_eq!(host.run.outcome(), Some(Outcome::Succeeded));
}
