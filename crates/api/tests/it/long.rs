//! Runs with many events: looking at them anywhere, without reading all of them.

use serde_json::{Value, json};

use crate::support::{Bench, workflow};

/// A loop over `count` items of which two fail, then a question.
async fn long(bench: &Bench, count: u32) -> Value {
    let document = workflow(json!({
        "steps": [
            { "id": "each", "kind": "for_each", "with": { "items": "{% input.items %}", "onItemFailure": "continue" }, "body": {
                "steps": [
                    { "id": "add", "kind": "set_values", "with": { "values": { "n": "{% item + 1 %}" } } },
                    { "id": "choose", "kind": "decision", "with": { "cases": [{ "port": "bad", "when": "item = 7 or item = 1500" }] } },
                    { "id": "no", "kind": "fail", "with": { "message": "no" } }
                ],
                "edges": [{ "from": "add", "to": "choose" }, { "from": "choose.bad", "to": "no" }] } },
            { "id": "ask", "kind": "approval", "with": { "to": ["lead"] } }
        ],
        "edges": [{ "from": "each", "to": "ask" }]
    }));
    let items: Vec<u32> = (0..count).collect();
    let request = json!({ "document": document, "input": { "items": items } });
    let run = bench.call("run_start", request).await["run"].clone();
    bench.status(&run, "waiting").await;
    run
}

#[tokio::test]
async fn a_run_looks_the_same_at_every_position_with_and_without_snapshots() {
    let bench = Bench::new().await;
    let run = long(&bench, 1_200).await;
    let last = bench.call("run_get", json!({ "run": run })).await["seq"]
        .as_u64()
        .unwrap();
    assert!(last > 7_000, "{last}");
    let at = |seq: u64| json!({ "run": run, "seq": seq });
    let positions = [last - 1, 3, 6_500, 6_501, 5_999, 40, last - 2];
    let mut seen = Vec::new();
    for seq in positions {
        let view = bench.call("run_get", at(seq)).await;
        assert_eq!(view["seq"], seq);
        seen.push(view);
    }
    let bench = bench.again().await;
    let folder = bench.path("data/snapshots").join(run.as_str().unwrap());
    assert!(
        std::fs::read_dir(&folder).unwrap().count() > 0,
        "there are snapshots"
    );
    for (seq, view) in positions.iter().zip(&seen) {
        assert_eq!(&bench.call("run_get", at(*seq)).await, view, "event {seq}");
    }
    std::fs::remove_dir_all(folder).unwrap();
    let bench = bench.again().await;
    for (seq, view) in positions.iter().zip(&seen) {
        assert_eq!(&bench.call("run_get", at(*seq)).await, view, "event {seq}");
    }
    let page = json!({ "run": run, "after": last - 3, "limit": 10 });
    let page = bench.call("run_events", page).await;
    let seqs: Vec<_> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["seq"].clone())
        .collect();
    assert_eq!(seqs, [last - 2, last - 1, last]);
}

#[tokio::test]
async fn of_a_long_loop_the_rounds_that_matter_are_shown_and_any_other_on_demand() {
    let bench = Bench::new().await;
    let run = long(&bench, 2_000).await;
    let view = bench.call("run_get", json!({ "run": run })).await;
    let has = |view: &Value, path: &str| view["steps"].get(path).is_some();
    assert_eq!(view["steps"]["each"]["iterations"]["total"], 2_000);
    assert_eq!(
        view["steps"]["each"]["iterations"]["failed"],
        json!([7, 1_500])
    );
    assert!(view["leftOut"].as_u64().unwrap() > 1_700);
    for shown in [
        "each",
        "ask",
        "each[7]/no",
        "each[1500]/no",
        "each[1999]/add",
    ] {
        assert!(has(&view, shown), "{shown}");
    }
    assert!(view["edges"].get("each[7]/choose.bad->no").is_some());
    assert!(!has(&view, "each[900]/add"));
    let wanted = json!({ "run": run, "bodies": ["each[900]", "each[99999]", "nonsense"] });
    let view = bench.call("run_get", wanted).await;
    assert_eq!(view["steps"]["each[900]/add"]["output"]["n"], 901);
}
