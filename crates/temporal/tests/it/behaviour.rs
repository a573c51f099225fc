//! What a run on a cluster must stand: limits, going on as a new run, cancelling, encryption, resets, lost workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_core::machine::{Decision, Phase, Run};
use baton_temporal::client::Sent;
use baton_temporal::home::Home;
use baton_temporal::target::{Access, Cluster};
use baton_temporal::wire::{Command, Settings};
use baton_temporal::worker::WorkerSettings;
use serde_json::{Value, json};
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::bench::{Bench, lines, note, phase, status, with_tasks};
use crate::cluster::{InProcess, Server, until};
use crate::conformance::assert_same_as_worker;
use crate::script;
use crate::scripted::draw;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_output_for_many_steps_travels_by_reference() {
    let server = Server::in_memory();
    let bench = with_tasks(&server, "large", script::tasks()).await;
    let worker = InProcess::begin(&bench.cluster).await;
    // A seed with which the first step gives 70 KB.
    let seed = (0..10_000)
        .find(|seed| draw(&format!("{seed} send big 1"), 24) == 6)
        .unwrap();
    let mut steps = vec![json!({ "id": "big", "kind": "send", "with": { "seed": seed } })];
    let mut edges = Vec::new();
    for index in 0..100 {
        let id = format!("reads_{index}");
        steps.push(json!({ "id": id, "kind": "send",
            "with": { "seed": seed, "all": "{% [steps.big, steps.big, steps.big] %}" } }));
        edges.push(json!({ "from": "big", "to": id }));
    }
    let body = json!({ "steps": steps, "edges": edges, "onFailure": "finish" });
    bench.start("large", &body, Settings::default()).await;
    let fold = bench.end("large").await;
    let run = fold.host().unwrap().run();
    assert!(run.ended().is_some());
    let big = run.step("big").unwrap();
    assert_eq!(
        big.more().unwrap().output.as_deref().unwrap()["$type"],
        "blob"
    );
    assert_eq!(run.steps().count(), 101);
    assert_same_as_worker(&bench.cluster, "large", &fold).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_wide_run_completes_within_its_window() {
    let server = Server::in_memory();
    let bench = with_tasks(&server, "wide", script::tasks()).await;
    let worker = InProcess::begin(&bench.cluster).await;
    let body = json!({ "steps": [ { "id": "each", "kind": "for_each",
        "with": { "items": "{% [1..2500] %}", "concurrency": 2500, "onItemFailure": "continue" },
        "body": { "edges": [], "steps": [ { "id": "one", "kind": "send", "with": { "seed": 1, "n": "{% item %}" } } ] } } ] });
    bench.start("wide", &body, Settings::default()).await;
    let fold = bench.end("wide").await;
    assert_eq!(
        status(&fold),
        "succeeded",
        "{:?}",
        fold.host().unwrap().run().ended()
    );
    assert_eq!(fold.host().unwrap().run().steps().count(), 2_501);
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_pure_steps_are_no_events() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "pure").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let body = json!({ "steps": [ { "id": "each", "kind": "for_each",
        "with": { "items": "{% [1..12000] %}", "concurrency": 10 },
        "body": { "edges": [], "steps": [ { "id": "n", "kind": "set_values", "with": { "values": { "n": "{% item %}" } } } ] } } ] });
    bench.start("pure", &body, Settings::default()).await;
    let fold = bench.end("pure").await;
    assert_eq!(
        status(&fold),
        "succeeded",
        "{:?}",
        fold.host().unwrap().run().ended()
    );
    assert!(fold.last_event() < 12, "{} events", fold.last_event());
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_a_run_goes_on_as_a_new_one() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "parts").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let mut steps = vec![json!({ "id": "pause", "kind": "wait", "with": { "for": "3s" } })];
    // The last one is answered when all the rest is said: until then the run goes on.
    for index in 0..41 {
        steps.push(json!({ "id": format!("ask_{index}"), "kind": "approval",
            "with": { "to": ["x"], "expires": "2d" } }));
    }
    // Work beside it, so that the history grows.
    for index in 0..30 {
        let mut one = note(&format!("work_{index}"), &format!("work_{index}"), "pure");
        one["retry"] = json!({ "attempts": 2, "first": "1s" });
        steps.push(one);
    }
    let edges: Vec<Value> = (1..30)
        .map(
            |index| json!({ "from": format!("work_{}", index - 1), "to": format!("work_{index}") }),
        )
        .collect();
    let body = json!({ "steps": steps, "edges": edges });
    let settings = Settings {
        continue_after: 60,
        ..Settings::default()
    };
    let begun = Instant::now();
    bench.start("parts", &body, settings).await;
    let approve = |step: String| Command::Decide {
        step,
        by: "ada".to_owned(),
        decision: Decision::Approved,
        comment: None,
        data: None,
    };
    for index in 0..40 {
        let command = approve(format!("ask_{index}"));
        if index % 2 == 0 {
            bench.cluster.send("parts", command).await.unwrap();
        } else {
            assert_eq!(
                bench.cluster.tell("parts", command).await.unwrap(),
                Sent::Taken
            );
        }
    }
    let astray = approve("work_0".to_owned());
    let refused = bench.cluster.tell("parts", astray).await.unwrap_err();
    assert_eq!(refused.code, "refused", "{refused}");
    let last = approve("ask_40".to_owned());
    bench.cluster.send("parts", last).await.unwrap();
    let fold = bench.end("parts").await;
    let run = fold.host().unwrap().run();
    assert_eq!(status(&fold), "succeeded", "{:?}", run.ended());
    assert!(
        fold.input().unwrap().log.len() >= 2,
        "it went on as a new run"
    );
    for index in 0..41 {
        assert_eq!(phase(run, &format!("ask_{index}")), Some(Phase::Succeeded));
    }
    // The wait kept its instant through all parts.
    let pause = run.step("pause").unwrap();
    let more = pause.more().unwrap();
    let waited = more.ended_at.unwrap() - more.started_at.unwrap();
    assert!((3_000..4_200).contains(&waited), "waited {waited} ms");
    assert!(begun.elapsed() < Duration::from_secs(60));
    assert_eq!(
        lines(bench.dir.path()).len(),
        30,
        "no step was carried out twice"
    );
    assert_same_as_worker(&bench.cluster, "parts", &fold).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_what_runs_and_takes_back_in_reverse_order() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "cancel").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let undo = |text: &str| {
        json!({ "kind": "run_command", "with": { "program": "sh",
            "args": ["-c", format!("echo {text} >> done.txt")], "effect": "idempotent" } })
    };
    let mut first = note("first", "first", "keyed");
    first["undo"] = undo("undo-first");
    let mut second = note("second", "second", "keyed");
    second["undo"] = undo("undo-second");
    let body = json!({
        "steps": [ first, second,
            { "id": "long", "kind": "run_command", "with": { "program": "sleep", "args": ["600"], "effect": "pure" } },
            { "id": "inner", "kind": "workflow", "with": { "workflow": "child" } } ],
        "edges": [ { "from": "first", "to": "second" }, { "from": "second", "to": "long" }, { "from": "second", "to": "inner" } ] });
    bench.file(
        "child",
        &json!({ "steps": [ { "id": "pause", "kind": "wait", "with": { "for": "1h" } } ] }),
    );
    let settings = Settings {
        heartbeat_ms: 2_000,
        ..Settings::default()
    };
    bench.start("cancel", &body, settings).await;
    let is_there = |run: &Run| {
        phase(run, "long") == Some(Phase::Running) && phase(run, "inner") == Some(Phase::Waiting)
    };
    bench.when("cancel", "the long step", is_there).await;
    let begun = Instant::now();
    bench
        .cluster
        .request_cancel("cancel", "enough")
        .await
        .unwrap();
    let fold = bench.end("cancel").await;
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    let run = fold.host().unwrap().run();
    assert_eq!(status(&fold), "cancelled");
    assert_eq!(phase(run, "long"), Some(Phase::Cancelled));
    assert_eq!(phase(run, "inner"), Some(Phase::Cancelled));
    assert_eq!(
        lines(bench.dir.path()),
        ["first", "second", "undo-second", "undo-first"]
    );
    let child = bench.cluster.list(None, 10).await.unwrap();
    assert!(
        child.iter().all(|row| row.status == "cancelled"),
        "{child:?}"
    );
    assert_same_as_worker(&bench.cluster, "cancel", &fold).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_workflow_hands_its_outputs_up() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "family").await;
    let worker = InProcess::begin(&bench.cluster).await;
    bench.file(
        "child",
        &json!({ "steps": [ note("work", "child", "pure"),
            { "id": "done", "kind": "end", "with": { "outcome": "fine", "outputs": { "n": "{% input.n + 1 %}" } } } ],
            "edges": [ { "from": "work", "to": "done" } ] }),
    );
    let body = json!({ "steps": [
        { "id": "inner", "kind": "workflow", "with": { "workflow": "child", "input": { "n": 41 } } },
        { "id": "gone", "kind": "workflow", "with": { "workflow": "nowhere" } } ],
        "onFailure": "finish" });
    bench.start("family", &body, Settings::default()).await;
    let fold = bench.end("family").await;
    let run = fold.host().unwrap().run();
    let inner = run.step("inner").unwrap();
    let output = inner.more().unwrap().output.as_deref().unwrap();
    assert_eq!(output["outcome"], "fine", "{output}");
    let gone = run.step("gone").unwrap();
    let error = gone.more().unwrap().error.clone().unwrap();
    assert!(
        error.message.contains("there is no workflow `nowhere`"),
        "{error:?}"
    );
    assert_same_as_worker(&bench.cluster, "family", &fold).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_keys_nothing_readable_is_in_the_history() {
    let server = Server::in_memory();
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    std::fs::write(&keys, format!("k1:{}\n", "0f".repeat(32))).unwrap();
    let access = Access {
        keys: Some(keys),
        ..Access::default()
    };
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let cluster = server.connect_with("secret", home.clone(), &access).await;
    let bench = Bench { dir, cluster };
    let worker = InProcess::begin(&bench.cluster).await;
    let body = json!({ "steps": [
        { "id": "says", "kind": "run_command", "with": { "program": "echo", "args": ["marzipan"], "effect": "pure" } },
        { "id": "fails", "kind": "run_command", "with": { "program": "sh", "args": ["-c", "echo marzipan >&2; exit 3"], "effect": "pure" } } ],
        "onFailure": "finish" });
    bench.start("secret", &body, Settings::default()).await;
    let fold = bench.end("secret").await;
    let run = fold.host().unwrap().run();
    let output = run
        .step("says")
        .unwrap()
        .more()
        .unwrap()
        .output
        .clone()
        .unwrap();
    assert!(output.to_string().contains("marzipan"));
    assert_same_as_worker(&bench.cluster, "secret", &fold).await;
    // Without the keys, the raw history says nothing, and whoever reads it is told why.
    let blind = server.connect("secret", home).await;
    let raw = blind.raw_history("secret", None).await.unwrap().0;
    let shown = format!("{raw:?}");
    assert!(!shown.contains("marzipan") && !hex_contains(&raw, b"marzipan"));
    let error = blind.fold("secret", None).await.unwrap_err();
    assert_eq!(error.code, "payload-unreadable", "{error}");
    assert!(error.hint.contains("--keys"), "{error:?}");
    worker.end().await;
}

fn hex_contains(events: &[HistoryEvent], needle: &[u8]) -> bool {
    use prost::Message as _;
    events.iter().any(|event| {
        let bytes = event.encode_to_vec();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn without_search_attributes_the_worker_says_so_and_runs_complete() {
    let server = Server::without_attributes();
    let bench = Bench::new(&server, "plain").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let missing = bench.cluster.missing_search_attributes().await.unwrap();
    assert_eq!(missing.len(), 4, "{missing:?}");
    let body = json!({ "steps": [ note("work", "work", "pure") ] });
    bench.start("plain", &body, Settings::default()).await;
    assert_eq!(status(&bench.end("plain").await), "succeeded");
    let findings = bench.cluster.check().await;
    let search = findings
        .iter()
        .find(|one| one.code == "search-attributes")
        .unwrap();
    assert!(!search.ok && search.hint.contains("--create"), "{search:?}");
    bench.cluster.create_search_attributes().await.unwrap();
    until("the attributes", async || {
        let missing = bench.cluster.missing_search_attributes().await.unwrap();
        missing.is_empty().then_some(())
    })
    .await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn search_attributes_say_where_runs_stand() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "found").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let body = json!({ "steps": [ { "id": "ask", "kind": "approval", "with": { "to": ["x"], "expires": "2d" } } ] });
    bench.start("found", &body, Settings::default()).await;
    let rows = until("the run in the list", async || {
        let query = Some("BatonStatus = 'waiting' AND BatonAsking = 'ask'");
        let rows = bench.cluster.list(query, 10).await.unwrap();
        (!rows.is_empty()).then_some(rows)
    })
    .await;
    assert_eq!(rows[0].run, "found");
    assert_eq!(rows[0].status, "waiting");
    assert_eq!(rows[0].workflow.as_deref(), Some("found"));

    // They are changed when something changes, and not to say once more what the start said.
    let body = json!({ "steps": [note("work", "work", "pure")], "edges": [] });
    bench.start("short", &body, Settings::default()).await;
    assert_eq!(status(&bench.end("short").await), "succeeded");
    let query = Some("BatonStatus = 'succeeded' AND BatonWorkflow = 'short'");
    until("the run among those that ended", async || {
        let rows = bench.cluster.list(query, 10).await.unwrap();
        (rows.len() == 1).then_some(())
    })
    .await;
    for run in ["found", "short"] {
        let (events, _) = bench.cluster.raw_history(run, None).await.unwrap();
        let is_change = |event: &&HistoryEvent| {
            matches!(
                event.attributes,
                Some(Attributes::UpsertWorkflowSearchAttributesEventAttributes(_))
            )
        };
        assert_eq!(events.iter().filter(is_change).count(), 1, "{run}");
    }
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_the_state_is_shown_and_answers_are_kept() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "alone").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let body = json!({ "steps": [ note("work", "work", "pure"),
        { "id": "ask", "kind": "approval", "with": { "to": ["x"], "expires": "2d" } } ],
        "edges": [ { "from": "work", "to": "ask" } ] });
    bench.start("alone", &body, Settings::default()).await;
    bench
        .when("alone", "the question", |run| {
            phase(run, "ask") == Some(Phase::Waiting)
        })
        .await;
    worker.end().await;
    let begun = Instant::now();
    let fold = bench.cluster.fold("alone", None).await.unwrap();
    assert_eq!(status(&fold), "waiting");
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    let command = Command::Decide {
        step: "ask".to_owned(),
        by: "ada".to_owned(),
        decision: Decision::Approved,
        comment: None,
        data: None,
    };
    bench.cluster.send("alone", command).await.unwrap();
    let worker = InProcess::begin(&bench.cluster).await;
    assert_eq!(status(&bench.end("alone").await), "succeeded");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_nobody_carries_out_fails_at_its_deadline() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "nobody").await;
    // Drives runs and carries out nothing: its one place for steps is taken.
    let settings = WorkerSettings {
        steps: 1,
        ..WorkerSettings::default()
    };
    let worker = InProcess::begin_with(&bench.cluster, settings).await;
    let long = json!({ "id": "long", "kind": "run_command", "with": { "program": "sleep", "args": ["600"], "effect": "pure" } });
    bench
        .start("blocks", &json!({ "steps": [long] }), Settings::default())
        .await;
    bench
        .when("blocks", "the long step", |run| {
            phase(run, "long") == Some(Phase::Running)
        })
        .await;
    let settings = Settings {
        deadline_ms: 2_000,
        ..Settings::default()
    };
    bench
        .start(
            "waits",
            &json!({ "steps": [ note("work", "work", "pure") ] }),
            settings,
        )
        .await;
    let fold = bench.end("waits").await;
    let run = fold.host().unwrap().run();
    let error = run
        .step("work")
        .unwrap()
        .more()
        .unwrap()
        .error
        .clone()
        .unwrap();
    assert_eq!(error.code, "no-worker", "{error:?}");
    assert_eq!(status(&fold), "failed");
    bench
        .cluster
        .request_cancel("blocks", "enough")
        .await
        .unwrap();
    bench.end("blocks").await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_to_a_step_repeats_nothing_that_was_finished() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "back").await;
    let worker = InProcess::begin(&bench.cluster).await;
    let body = json!({ "steps": [ note("first", "first", "pure"),
        { "id": "second", "kind": "run_command", "with": { "program": "cat", "args": ["there.txt"], "effect": "pure" } } ],
        "edges": [ { "from": "first", "to": "second" } ] });
    bench.start("back", &body, Settings::default()).await;
    assert_eq!(status(&bench.end("back").await), "failed");
    std::fs::write(bench.dir.path().join("there.txt"), "now").unwrap();
    let error = bench
        .cluster
        .reset("back", "nowhere", "again")
        .await
        .unwrap_err();
    assert_eq!(error.code, "step-unknown");
    bench
        .cluster
        .reset("back", "second", "again")
        .await
        .unwrap();
    let fold = until("the second end", async || {
        let fold = bench.end("back").await;
        (status(&fold) == "succeeded").then_some(fold)
    })
    .await;
    assert_eq!(lines(bench.dir.path()), ["first"]);
    assert_same_as_worker(&bench.cluster, "back", &fold).await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_week_passes_in_a_moment_where_time_is_skipped() {
    let server = Server::skipping();
    let dir = tempfile::tempdir().unwrap();
    let home = Arc::new(Home::new(dir.path().join("blobs"), dir.path()));
    let place = server.place("week");
    let cluster = until("the server", async || {
        Cluster::connect(place.clone(), &Access::default(), home.clone())
            .await
            .ok()
    })
    .await;
    let worker = InProcess::begin(&cluster).await;
    let bench = Bench { dir, cluster };
    let body = json!({ "steps": [ { "id": "pause", "kind": "wait", "with": { "for": "7d" } } ] });
    bench.start("week", &body, Settings::default()).await;
    bench.cluster.skip_time().await.unwrap();
    let begun = Instant::now();
    let fold = bench.end("week").await;
    assert_eq!(status(&fold), "succeeded");
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    let run = fold.host().unwrap().run();
    let more = run.step("pause").unwrap();
    let more = more.more().unwrap();
    let waited = more.ended_at.unwrap() - more.started_at.unwrap();
    assert!(waited >= 7 * 24 * 3_600_000, "{waited}");
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stays_with_the_build_that_began_it() {
    let server = Server::in_memory();
    let bench = Bench::new(&server, "builds").await;
    let build = |name: &str| WorkerSettings {
        deployment: Some("baton".to_owned()),
        build: name.to_owned(),
        ..WorkerSettings::default()
    };
    let current = async |name: &str| {
        until("the build", async || {
            bench.cluster.make_current("baton", name).await.ok()
        })
        .await;
    };
    let first = InProcess::begin_with(&bench.cluster, build("one")).await;
    current("one").await;
    let body = json!({ "steps": [ { "id": "ask", "kind": "approval", "with": { "to": ["x"], "expires": "2d" } },
        note("work", "work", "pure") ], "edges": [ { "from": "ask", "to": "work" } ] });
    bench.start("builds", &body, Settings::default()).await;
    bench
        .when("builds", "the question", |run| {
            phase(run, "ask") == Some(Phase::Waiting)
        })
        .await;
    let second = InProcess::begin_with(&bench.cluster, build("two")).await;
    current("two").await;
    let command = Command::Decide {
        step: "ask".to_owned(),
        by: "ada".to_owned(),
        decision: Decision::Approved,
        comment: None,
        data: None,
    };
    bench.cluster.tell("builds", command).await.unwrap();
    let fold = bench.end("builds").await;
    assert_eq!(status(&fold), "succeeded");
    let about = bench
        .cluster
        .untyped("builds")
        .describe(Default::default())
        .await
        .unwrap();
    let info = about.raw().workflow_execution_info.clone().unwrap();
    let version = info.versioning_info.unwrap().deployment_version.unwrap();
    assert_eq!(version.build_id, "one");
    first.end().await;
    second.end().await;
}
