//! Triggers as front ends see them: activated, listed, fired by hand, refused with a way out.

use baton_api::{AppConfig, Code};
use baton_core::document::Workflow;
use serde_json::{Value, json};

use crate::support::{Bench, workflow};

fn nightly(triggers: &Value) -> Workflow {
    workflow(json!({
        "id": "nightly", "name": "Nightly",
        "triggers": triggers,
        "steps": [{ "id": "a", "kind": "set_values", "with": { "values": { "got": "{% input %}" } } }],
    }))
}

fn usual() -> Value {
    json!([
        { "id": "clock", "kind": "schedule", "cron": "0 6 * * 1-5", "timeZone": "Europe/Berlin" },
        { "id": "hand", "kind": "manual", "input": { "from": "trigger", "by": "{% trigger.payload.by %}" } },
    ])
}

async fn line(bench: &Bench, trigger: &str) -> Value {
    let listed = bench.call("trigger_list", json!({})).await;
    let all = listed["triggers"].as_array().unwrap();
    let found = all.iter().find(|line| line["trigger"] == trigger);
    found.unwrap_or_else(|| panic!("{listed:#}")).clone()
}

#[tokio::test]
async fn what_was_activated_acts_whatever_becomes_of_the_file() {
    let bench = Bench::new().await;
    bench.put("nightly.baton.json", &nightly(&usual()));
    let path = json!({ "path": "nightly.baton.json" });
    let activated = bench.call("trigger_activate", path.clone()).await;
    assert_eq!(
        (&activated["workflow"], &activated["revision"]),
        (&json!("nightly"), &json!(1))
    );
    assert_eq!(activated["triggers"].as_array().unwrap().len(), 2);
    let clock = line(&bench, "clock").await;
    assert_eq!(clock["summary"], "every weekday at 06:00 in Europe/Berlin");
    assert_eq!(clock["status"], "active");
    assert!(
        clock["next"]["local"]
            .as_str()
            .unwrap()
            .ends_with("T06:00:00"),
        "{clock:#}"
    );
    assert_eq!(
        (&clock["isOutdated"], &clock["activatedBy"]),
        (&json!(false), &json!("kim"))
    );

    bench.put(
        "nightly.baton.json",
        &nightly(&json!([{ "id": "clock", "kind": "schedule", "every": "1h" }])),
    );
    let clock = line(&bench, "clock").await;
    assert_eq!(
        (&clock["isOutdated"], &clock["revision"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(clock["summary"], "every weekday at 06:00 in Europe/Berlin");
    assert_eq!(bench.call("trigger_activate", path).await["revision"], 2);
    assert_eq!(line(&bench, "clock").await["summary"], "every 1h");
    assert_eq!(
        bench.call("trigger_list", json!({})).await["triggers"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let name = json!({ "workflow": "nightly", "trigger": "clock" });
    bench.call("trigger_pause", name.clone()).await;
    let paused = line(&bench, "clock").await;
    assert_eq!(
        (&paused["status"], paused.get("next")),
        (&json!("paused"), None)
    );
    // Also after a restart, and for whoever only looks.
    let bench = bench.again().await;
    assert_eq!(line(&bench, "clock").await["status"], "paused");
    bench.call("trigger_resume", name.clone()).await;
    assert_eq!(line(&bench, "clock").await["status"], "active");
    bench
        .call("trigger_deactivate", json!({ "workflow": "nightly" }))
        .await;
    assert_eq!(
        bench.call("trigger_list", json!({})).await["triggers"],
        json!([])
    );
    assert_eq!(
        bench.refused("trigger_pause", name).await.code,
        Code::NotFound
    );
}

#[tokio::test]
async fn a_person_fires_with_an_input_that_was_kept() {
    let bench = Bench::new().await;
    bench.put("nightly.baton.json", &nightly(&usual()));
    bench
        .call(
            "trigger_activate",
            json!({ "path": "nightly.baton.json", "input": { "from": "activation", "base": 1 } }),
        )
        .await;
    let save =
        |name: &str, value: Value| json!({ "workflow": "nightly", "name": name, "value": value });
    bench
        .call(
            "input_save",
            save("big", json!({ "from": "saved", "size": 9 })),
        )
        .await;
    bench
        .call("input_save", save("small", json!({ "size": 1 })))
        .await;
    let kept = bench
        .call("input_list", json!({ "workflow": "nightly" }))
        .await;
    assert_eq!(kept["inputs"][0]["name"], "big");
    bench
        .call(
            "input_delete",
            json!({ "workflow": "nightly", "name": "small" }),
        )
        .await;
    let gone = bench
        .refused(
            "input_delete",
            json!({ "workflow": "nightly", "name": "small" }),
        )
        .await;
    assert_eq!(gone.code, Code::NotFound);

    let fire = json!({ "workflow": "nightly", "trigger": "hand", "saved": "big", "input": { "size": 10 }, "key": "k1" });
    let fired = bench.call("trigger_fire", fire.clone()).await;
    assert_eq!(
        (&fired["status"], &fired["by"]),
        (&json!("started"), &json!("kim")),
        "{fired:#}"
    );
    let view = bench.status(&fired["run"], "succeeded").await;
    assert_eq!(
        view["input"],
        json!({ "from": "saved", "base": 1, "by": "kim", "size": 10 })
    );
    assert_eq!(view["summary"]["by"], "hand");
    // The same request once more is the same firing.
    assert_eq!(bench.call("trigger_fire", fire).await["run"], fired["run"]);
    let firings = bench
        .call(
            "trigger_firings",
            json!({ "workflow": "nightly", "status": "started" }),
        )
        .await;
    assert_eq!(
        (&firings["total"], &firings["firings"][0]["key"]),
        (&json!(1), &json!("manual:k1"))
    );

    let unknown = json!({ "workflow": "nightly", "trigger": "hand", "saved": "small" });
    assert_eq!(
        bench.refused("trigger_fire", unknown).await.code,
        Code::NotFound
    );
    let unknown = bench
        .refused(
            "trigger_fire",
            json!({ "workflow": "nightly", "trigger": "none" }),
        )
        .await;
    assert_eq!(unknown.code, Code::NotFound);
    assert!(unknown.hint.is_some());
}

#[tokio::test]
async fn what_may_not_act_is_refused_with_a_way_out() {
    let bench = Bench::new().await;
    let activate = |document: &Workflow, path: &str| json!({ "document": document, "path": path });
    // Problems, a schedule that never comes among them.
    let never = nightly(&json!([{ "id": "t", "kind": "schedule", "cron": "0 0 30 2 *" }]));
    let refused = bench
        .refused("trigger_activate", activate(&never, "a.baton.json"))
        .await;
    assert_eq!(refused.code, Code::Invalid);
    assert_eq!(refused.problems[0].code, "cron");
    // Nothing to activate, and nothing to read.
    let refused = bench
        .refused(
            "trigger_activate",
            activate(&nightly(&json!([])), "a.baton.json"),
        )
        .await;
    assert_eq!(refused.code, Code::Invalid);
    assert!(refused.message.contains("no trigger") && refused.hint.is_some());
    assert_eq!(
        bench.refused("trigger_activate", json!({})).await.code,
        Code::BadRequest
    );
    assert_eq!(
        bench
            .refused("trigger_activate", json!({ "path": "none.baton.json" }))
            .await
            .code,
        Code::NotFound
    );
    // From elsewhere, with effects outside.
    let foreign = workflow(json!({
        "id": "foreign", "triggers": [{ "id": "t", "kind": "schedule", "every": "1h" }],
        "steps": [{ "id": "a", "kind": "run_command", "with": { "program": "true" } }],
    }));
    bench.put("foreign.baton.json", &foreign);
    let refused = bench
        .refused("trigger_activate", json!({ "path": "foreign.baton.json" }))
        .await;
    assert_eq!(refused.code, Code::Untrusted);
    let digest = baton_core::document::digest(&foreign);
    bench
        .call("workflow_trust", json!({ "digest": digest }))
        .await;
    bench
        .call("trigger_activate", json!({ "path": "foreign.baton.json" }))
        .await;
    // The same id in another file.
    bench
        .call(
            "trigger_activate",
            activate(&nightly(&usual()), "a.baton.json"),
        )
        .await;
    let refused = bench
        .refused(
            "trigger_activate",
            activate(&nightly(&usual()), "b.baton.json"),
        )
        .await;
    assert_eq!(refused.code, Code::Conflict);
    // In a circle.
    let circle =
        nightly(&json!([{ "id": "t", "kind": "workflow_finished", "workflow": "nightly" }]));
    let refused = bench
        .refused("trigger_activate", activate(&circle, "a.baton.json"))
        .await;
    assert_eq!(refused.code, Code::Invalid);
    assert!(
        refused.message.contains("without end"),
        "{}",
        refused.message
    );
}

#[tokio::test]
async fn a_preview_shows_instants_with_their_offset_or_what_is_wrong() {
    let bench = Bench::new().await;
    // 2026-03-28T00:00:00Z, the day before the clock is put forward.
    let settings = json!({ "cron": "30 2 * * *", "timeZone": "Europe/Berlin" });
    let shown = bench
        .call(
            "schedule_preview",
            json!({ "settings": settings, "after": 1_774_656_000_000_i64, "count": 3 }),
        )
        .await;
    let instants: Vec<String> = shown["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|due| {
            format!(
                "{} {}",
                due["local"].as_str().unwrap(),
                due["offset"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        instants,
        [
            "2026-03-28T02:30:00 +01:00",
            "2026-03-29T03:00:00 +02:00",
            "2026-03-30T02:30:00 +02:00"
        ]
    );
    let usual = bench
        .call(
            "schedule_preview",
            json!({ "settings": { "every": "15m" } }),
        )
        .await;
    assert_eq!(usual["next"].as_array().unwrap().len(), 10);
    let wrong = json!({ "settings": { "cron": "0 6 * * *", "timeZone": "Europe/Berln" } });
    let shown = bench.call("schedule_preview", wrong).await;
    assert_eq!(shown["next"], json!([]));
    assert_eq!(
        shown["problems"][0]["hint"],
        "did you mean `Europe/Berlin`?"
    );
    let over = json!({ "settings": { "dates": ["2020-01-01T00:00"] } });
    assert_eq!(
        bench.call("schedule_preview", over).await,
        json!({ "summary": "1 date in UTC", "next": [], "problems": [] })
    );
}

#[tokio::test]
async fn triggers_act_where_the_program_stays() {
    let bench = Bench::new().await;
    bench.put(
        "nightly.baton.json",
        &nightly(&json!([{ "id": "t", "kind": "schedule", "every": "1s" }])),
    );
    bench
        .call("trigger_activate", json!({ "path": "nightly.baton.json" }))
        .await;
    assert_eq!(
        bench.call("trigger_list", json!({})).await["isActing"],
        false
    );
    bench.app.shutdown().await;
    let mut config = AppConfig::new(bench.path("data"), bench.dir.path());
    config.act_on_triggers = true;
    let app = baton_api::App::open(config).await.unwrap();
    let mut events = app.subscribe();
    let bench = Bench {
        app,
        dir: bench.dir,
    };
    assert_eq!(
        bench.call("trigger_list", json!({})).await["isActing"],
        true
    );
    loop {
        let started = bench
            .call("trigger_firings", json!({ "status": "started" }))
            .await;
        if started["total"].as_u64() >= Some(2) {
            break;
        }
        // Whoever listens is told when to look again.
        events.recv().await.unwrap();
    }
    bench.app.shutdown().await;
}
