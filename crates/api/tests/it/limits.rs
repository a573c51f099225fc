//! Limits over the commands: budgets that are raised, places that are waited for, what is refused.

use serde_json::{Value, json};

use crate::support::{Bench, workflow};

fn chain() -> Value {
    serde_json::to_value(workflow(json!({
        "limits": { "steps": 1 },
        "steps": [
            { "id": "one", "kind": "set_values", "with": { "values": { "n": 1 } } },
            { "id": "two", "kind": "set_values", "with": { "values": { "n": 2 } } }
        ],
        "edges": [{ "from": "one", "to": "two" }]
    })))
    .unwrap()
}

async fn start(bench: &Bench, document: Value) -> Value {
    let request = json!({ "document": document, "input": {} });
    let started = bench.app.call("run_start", request).await;
    started.unwrap()["run"].clone()
}

#[tokio::test]
async fn a_run_that_used_up_its_budget_says_so_and_goes_on_once_more_is_allowed() {
    let bench = Bench::new().await;
    let run = start(&bench, chain()).await;
    let view = bench.status(&run, "paused").await;
    assert_eq!(
        view["exceeded"],
        json!({ "budget": "steps", "limit": 1, "used": 1, "step": "two" })
    );
    let waits = &view["summary"]["waitingFor"][0];
    assert_eq!(
        waits,
        "a person to allow more: 1 step was started, and 1 is allowed"
    );
    let refused = bench.refused("run_resume", json!({ "run": run })).await;
    assert_eq!(serde_json::to_value(refused.code).unwrap(), "bad-request");
    assert!(refused.hint.is_some());
    let raise = |limit: u32| json!({ "run": run, "budget": "steps", "limit": limit });
    let refused = bench.refused("run_raise", raise(1)).await;
    assert_eq!(serde_json::to_value(refused.code).unwrap(), "bad-request");
    bench.call("run_raise", raise(2)).await;
    let view = bench.status(&run, "succeeded").await;
    assert_eq!(view["exceeded"], Value::Null);
    let log = bench.call("run_events", json!({ "run": run })).await;
    let words: Vec<&str> = log["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert!(
        words.contains(&"kim allowed more: 2 steps from now on."),
        "{words:#?}"
    );
}

#[tokio::test]
async fn limits_are_kept_and_hold_for_runs_that_begin_later() {
    let bench = Bench::new().await;
    let before = bench.call("limits_get", json!({})).await;
    assert_eq!(before["builtIn"]["run"]["steps"], 100_000);
    assert_eq!(before["limits"]["run"], json!({}));
    let mut limits = before["limits"].clone();
    limits["run"] = json!({ "steps": 1 });
    limits["concurrency"] = json!(3);
    limits["kinds"] = json!({ "http_request": 2 });
    limits["resources"] =
        json!({ "erp": { "parallel": 1, "rate": { "count": 10, "perMs": 60_000 } } });
    let after = bench.call("limits_set", limits.clone()).await;
    assert_eq!(after["limits"], limits);
    let bench = bench.again().await;
    assert_eq!(bench.call("limits_get", json!({})).await["limits"], limits);
    let mut document = chain();
    document["limits"] = Value::Null;
    document.as_object_mut().unwrap().remove("limits");
    let run = start(&bench, document).await;
    bench.status(&run, "paused").await;
}

#[tokio::test]
async fn limits_that_would_stop_everything_are_refused_with_a_way_out() {
    let bench = Bench::new().await;
    let limits = bench.call("limits_get", json!({})).await["limits"].clone();
    for (field, value, says) in [
        ("concurrency", json!(0), "0 steps at a time"),
        ("run", json!({ "steps": 0 }), "a budget of 0"),
        ("kinds", json!({ "merge": 1 }), "no kind of task `merge`"),
        ("kinds", json!({ "sql": 0 }), "no `sql` would ever run"),
        ("resources", json!({ "The ERP": {} }), "`The ERP` cannot be"),
        (
            "resources",
            json!({ "erp": { "parallel": 0 } }),
            "no step could ever use `erp`",
        ),
        (
            "disk",
            json!({ "warn": 1, "warnPercent": 5, "pause": 2, "readOnly": 3, "ballast": 0 }),
            "out of order",
        ),
    ] {
        let mut wrong = limits.clone();
        wrong[field] = value;
        let refused = bench.refused("limits_set", wrong).await;
        assert!(refused.message.contains(says), "{field}: {refused:?}");
        assert!(refused.hint.is_some(), "{refused:?}");
    }
    assert_eq!(bench.call("limits_get", json!({})).await["limits"], limits);
}

#[tokio::test]
async fn the_disk_says_how_much_room_there_is() {
    let bench = Bench::new().await;
    let disk = bench.call("disk_get", json!({})).await;
    assert!(disk["free"].as_u64().unwrap() <= disk["total"].as_u64().unwrap());
    assert_eq!(disk["limits"]["pause"], 500_000_000);
}
