//! The samples, carried out for real: the good path, and the failure path of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use baton_api::headless::{self, Request, RunResult};
use baton_api::{App, AppConfig};
use baton_core::document::{parse, print};
use baton_core::machine::{Decision, Event, Logged, Outcome};
use baton_core::validate::validate;
use serde_json::{Value, json};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(samples())
        .expect("the samples are there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".baton.json"))
        .collect();
    files.sort();
    files
}

/// A data folder and a work folder of its own, with the data of the samples.
struct Place {
    app: App,
    dir: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let work = dir.path().join("work/data");
        std::fs::create_dir_all(&work).expect("a folder");
        for entry in std::fs::read_dir(samples().join("data")).expect("the data is there") {
            let path = entry.expect("an entry").path();
            std::fs::copy(&path, work.join(path.file_name().expect("a name"))).expect("a copy");
        }
        let app = App::open(AppConfig::new(
            dir.path().join("data"),
            dir.path().join("work"),
        ))
        .await
        .expect("Baton opens");
        Self { app, dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    async fn run(
        &self,
        sample: &str,
        input: Value,
        approvals: &[(&str, Decision)],
    ) -> (RunResult, Vec<Logged>) {
        let text = std::fs::read_to_string(samples().join(sample)).expect("the sample is there");
        let mut log = Vec::new();
        let request = Request {
            document: parse(&text).expect("it parses").workflow,
            path: None,
            work_dir: Some(self.dir.path().join("work")),
            input,
            approvals: approvals
                .iter()
                .map(|(step, decision)| ((*step).to_owned(), *decision))
                .collect::<BTreeMap<_, _>>(),
            by: "test".to_owned(),
        };
        let result = headless::run(&self.app, request, |logged| log.push(logged.clone()))
            .await
            .expect("it runs");
        (result, log)
    }

    async fn close(self) {
        self.app.shutdown().await;
    }
}

fn undone(log: &[Logged]) -> Vec<&str> {
    log.iter()
        .filter_map(|logged| match &logged.event {
            Event::UndoSucceeded { step, .. } => Some(step.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn every_sample_is_canonical_and_without_findings() {
    let catalog = baton_steps::catalog();
    assert!(files().len() >= 3);
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("it can be read");
        let parsed = parse(&text).expect("it parses");
        assert_eq!(
            print(&parsed.workflow),
            text,
            "run `baton fmt {}`",
            file.display()
        );
        assert_eq!(
            validate(&parsed.workflow, &catalog, parsed.problems),
            Vec::new(),
            "{}",
            file.display()
        );
    }
}

#[tokio::test]
async fn airports_are_published_and_the_doubtful_rows_kept_aside() {
    let place = Place::new().await;
    let (result, _) = place
        .run(
            "airports.baton.json",
            json!({}),
            &[("approve", Decision::Approved)],
        )
        .await;
    assert_eq!(
        (result.outcome, result.name.as_deref()),
        (Some(Outcome::Succeeded), Some("published"))
    );
    // 3,376 rows; 54 read `NA` as their state, have a code that is not three characters long, or are not in the USA.
    assert_eq!(result.outputs["rows"], json!(3_322));
    assert_eq!(result.outputs["quarantined"], json!(54));
    assert!(place.file("out/airports.parquet").is_file());
    let aside =
        std::fs::read_to_string(place.file("out/airports-quarantine.csv")).expect("it is there");
    assert_eq!(aside.lines().count(), 55);
    assert!(aside.contains("MC Clellan-Palomar Airport") && aside.contains("Schaumburg Heliport"));
    place.close().await;
}

#[tokio::test]
async fn airports_are_taken_back_when_too_few_arrive() {
    let place = Place::new().await;
    let (result, log) = place
        .run(
            "airports.baton.json",
            json!({ "minimumRows": 5_000 }),
            &[("approve", Decision::Approved)],
        )
        .await;
    assert_eq!(
        (result.outcome, result.name.as_deref()),
        (Some(Outcome::Succeeded), Some("not_published"))
    );
    assert_eq!(
        result.outputs["reason"],
        json!("the file holds 3322 rows, at least 5000 are needed")
    );
    let mut undone = undone(&log);
    undone.sort_unstable();
    assert_eq!(
        undone,
        ["publish[0]/write_clean", "publish[0]/write_quarantine"]
    );
    assert!(
        !place.file("out/airports.parquet").exists(),
        "what was written is gone again"
    );
    assert!(!place.file("out/airports-quarantine.csv").exists());
    place.close().await;
}

#[tokio::test]
async fn a_failed_publication_brings_the_last_good_one_back() {
    let place = Place::new().await;
    place
        .run(
            "airports.baton.json",
            json!({}),
            &[("approve", Decision::Approved)],
        )
        .await;
    let good = std::fs::read(place.file("out/airports.parquet")).expect("it was written");
    place
        .run(
            "airports.baton.json",
            json!({ "minimumRows": 5_000 }),
            &[("approve", Decision::Approved)],
        )
        .await;
    assert_eq!(
        std::fs::read(place.file("out/airports.parquet")).ok(),
        Some(good)
    );
    place.close().await;
}

#[tokio::test]
async fn airports_declined_or_missing_end_where_the_workflow_says() {
    let place = Place::new().await;
    let (result, _) = place
        .run(
            "airports.baton.json",
            json!({}),
            &[("approve", Decision::Rejected)],
        )
        .await;
    assert_eq!(result.name.as_deref(), Some("declined"));
    assert!(!place.file("out").exists());
    let (result, _) = place.run("airports.baton.json", json!({}), &[]).await;
    assert_eq!(
        (result.outcome, result.waiting_for.len()),
        (None, 1),
        "it waits for a person"
    );
    std::fs::remove_file(place.file("data/airports.csv")).expect("it was there");
    let (result, log) = place.run("airports.baton.json", json!({}), &[]).await;
    assert_eq!(result.name.as_deref(), Some("not_published"));
    let attempts = log
        .iter()
        .filter(|logged| matches!(&logged.event, Event::StepAttemptFailed { .. }))
        .count();
    let reason = result.outputs["reason"].as_str().unwrap_or_default();
    assert!(
        reason.contains("airports.csv"),
        "{reason} after {attempts} attempts"
    );
    place.close().await;
}

#[tokio::test]
async fn weather_is_reported_when_it_is_fresh() {
    let place = Place::new().await;
    let (result, _) = place
        .run("seattle_weather.baton.json", json!({}), &[])
        .await;
    assert_eq!(result.name.as_deref(), Some("reported"));
    assert_eq!(result.outputs["months"], json!(12));
    let report =
        std::fs::read_to_string(place.file("out/seattle-monthly.csv")).expect("it is there");
    assert_eq!(report.lines().count(), 13);
    place.close().await;
}

#[tokio::test]
async fn late_weather_is_waited_for_and_then_asked_about() {
    let place = Place::new().await;
    let late = json!({ "neededUntil": "2016-01-02", "checkEvery": "20ms" });
    let (result, log) = place
        .run(
            "seattle_weather.baton.json",
            late.clone(),
            &[("go_on", Decision::Approved)],
        )
        .await;
    assert_eq!(result.name.as_deref(), Some("reported_partial"));
    assert_eq!(result.outputs["newest"], json!("2015-12-31"));
    let looked = log
        .iter()
        .filter(|logged| matches!(logged.event, Event::IterationStarted { .. }))
        .count();
    assert_eq!(looked, 3);
    let (result, _) = place
        .run(
            "seattle_weather.baton.json",
            late,
            &[("go_on", Decision::Rejected)],
        )
        .await;
    assert_eq!(result.name.as_deref(), Some("no_report"));
    place.close().await;
}

#[tokio::test]
async fn offers_go_out_by_the_rules_and_over_the_limit_only_with_consent() {
    let place = Place::new().await;
    let (result, log) = place
        .run(
            "churn_retention.baton.json",
            json!({}),
            &[("approve", Decision::Approved)],
        )
        .await;
    assert_eq!(result.name.as_deref(), Some("offers_sent"));
    assert_eq!(result.outputs["segments"][0]["segment"], json!("basic"));
    assert!(
        place.file("out/customers-scored.parquet").is_file()
            && place.file("out/offers.csv").is_file()
    );
    let explained = log.iter().any(|logged| match &logged.event {
        Event::StepSucceeded { step, because, .. } => {
            step.starts_with("decide[") && !because.is_empty()
        }
        _ => false,
    });
    assert!(
        explained,
        "every decision of the table says which rule it was"
    );

    let (result, _) = place
        .run(
            "churn_retention.baton.json",
            json!({}),
            &[("approve", Decision::Rejected)],
        )
        .await;
    assert_eq!(result.name.as_deref(), Some("declined"));
    let (result, _) = place
        .run(
            "churn_retention.baton.json",
            json!({ "approveOver": 1_000_000 }),
            &[],
        )
        .await;
    assert_eq!(
        result.name.as_deref(),
        Some("offers_sent"),
        "under the limit nobody is asked"
    );
    place.close().await;
}

#[tokio::test]
async fn churn_stops_at_the_gate_when_a_segment_is_unknown() {
    let place = Place::new().await;
    let customers = place.file("data/customers.csv");
    let text = std::fs::read_to_string(&customers)
        .expect("it is there")
        .replacen(",basic,", ",platinum,", 1);
    std::fs::write(&customers, text).expect("it can be written");
    let (result, _) = place
        .run("churn_retention.baton.json", json!({}), &[])
        .await;
    assert_eq!(result.name.as_deref(), Some("stopped"));
    assert!(!place.file("out").exists());
    place.close().await;
}
