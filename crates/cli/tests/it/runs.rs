//! `run`, `approve`, `resume`, `cancel`: exit codes, progress, the lines of `--json`.

use serde_json::{Value, json};

use crate::support::{Desk, set};

fn types(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .filter_map(|line| line["event"]["type"].as_str())
        .collect()
}

#[test]
fn a_run_that_succeeds_exits_with_0() {
    let desk = Desk::new();
    let said = desk.baton(&["run", &desk.chain()]).expect(0);
    assert!(
        said.out.contains("✓ s9") && said.out.contains("✓ Succeeded in "),
        "{}",
        said.out
    );
    assert!(
        !said.out.contains('\u{1b}'),
        "no colours where nobody looks"
    );
    assert_eq!(said.err, "");
}

#[test]
fn json_is_one_event_per_line_and_last_the_result() {
    let desk = Desk::new();
    let lines = desk
        .baton(&["run", &desk.chain(), "--json"])
        .expect(0)
        .lines();
    let (last, events) = lines.split_last().unwrap();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], json!(index + 1));
        assert!(event["at"].is_i64());
    }
    assert_eq!(types(events).first(), Some(&"RunStarted"));
    assert_eq!(types(events).last(), Some(&"RunEnded"));
    assert_eq!(last["run"], events[0]["event"]["run"]);
    assert_eq!(last["outcome"], "succeeded");
    assert!(last.get("outputs").is_some());
}

#[test]
fn the_input_reaches_the_run() {
    let desk = Desk::new();
    let file = desk.workflow(
        "input",
        &json!([
            set("a", json!({ "x": "{% input.n + 1 %}" })),
            { "id": "e", "kind": "end", "name": "E", "with": { "outcome": "fine", "output": "{% steps.a.x %}" } }
        ]),
        &json!([{ "from": "a", "to": "e" }]),
    );
    desk.put("input.json", "\u{feff}{\"n\": 41}");
    for input in [r#"{"n": 41}"#, "@input.json"] {
        let lines = desk
            .baton(&["run", &file, "--input", input, "--json"])
            .expect(0)
            .lines();
        let found = lines
            .iter()
            .find(|line| line["event"]["step"] == "a" && line["event"]["output"].is_object());
        assert_eq!(
            found.unwrap()["event"]["output"],
            json!({ "x": 42 }),
            "{input}"
        );
    }
}

#[test]
fn a_run_that_fails_exits_with_1_and_says_why() {
    let desk = Desk::new();
    let file = desk.workflow(
        "failing",
        &json!([{ "id": "f", "kind": "fail", "name": "Give up", "with": { "message": "no more" } }]),
        &json!([]),
    );
    let said = desk.baton(&["run", &file]).expect(1);
    assert!(
        said.out.contains("✗") && said.out.contains("no more"),
        "{}",
        said.out
    );
    let lines = desk.baton(&["run", &file, "--json"]).expect(1).lines();
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["outcome"], &last["error"]["message"]),
        (&json!("failed"), &json!("no more"))
    );
}

#[test]
fn a_missing_data_file_fails_the_step_that_reads_it() {
    let desk = Desk::new();
    let file = desk.workflow(
        "missing",
        &json!([{ "id": "r", "kind": "read_table", "name": "Read", "with": { "path": "nowhere.csv" } }]),
        &json!([]),
    );
    let said = desk.baton(&["run", &file]).expect(1);
    assert!(said.out.contains("nowhere.csv"), "{}", said.out);
}

#[test]
fn a_workflow_with_errors_does_not_begin() {
    let desk = Desk::new();
    let file = desk.workflow(
        "odd",
        &json!([{ "id": "x", "kind": "no_such_kind", "name": "X" }]),
        &json!([]),
    );
    let said = desk.baton(&["run", &file]).expect(2);
    assert!(
        said.err.contains("cannot run: 1 error") && said.err.contains("no_such_kind"),
        "{}",
        said.err
    );
    assert_eq!(said.out, "");
    let error = desk.baton(&["run", &file, "--json"]).expect(2).error();
    assert_eq!(error["code"], "invalid");
    assert_eq!(error["problems"][0]["place"]["step"], "x");
}

#[test]
fn a_question_is_answered_beforehand() {
    let desk = Desk::new();
    let file = desk.question();
    let lines = desk
        .baton(&["run", &file, "--approve", "ask=approved", "--json"])
        .expect(0)
        .lines();
    assert!(types(&lines).contains(&"ApprovalDecided"));
    let lines = desk
        .baton(&["run", &file, "--approve", "ask=rejected", "--json"])
        .expect(0)
        .lines();
    let skipped = lines
        .iter()
        .any(|line| line["event"]["type"] == "StepSkipped" && line["event"]["step"] == "after");
    assert!(skipped);
}

#[test]
fn a_question_without_answer_exits_with_4_and_can_be_answered_later() {
    let desk = Desk::new();
    let said = desk.baton(&["run", &desk.question()]).expect(4);
    assert!(
        said.out.contains("baton approve 1 ask approved"),
        "{}",
        said.out
    );
    desk.baton(&["resume", "1"]).expect(4);

    let error = desk
        .baton(&["approve", "1", "before", "approved", "--json"])
        .expect(1)
        .error();
    assert!(error["hint"].as_str().unwrap().contains("`ask`"), "{error}");
    let said = desk
        .baton(&["approve", "1", "ask", "approved", "--comment", "fine"])
        .expect(0);
    assert!(said.out.contains("✓ after"), "{}", said.out);
    let error = desk
        .baton(&["approve", "1", "ask", "approved", "--json"])
        .expect(1)
        .error();
    assert_eq!(error["code"], "already-ended");
}

#[test]
fn a_waiting_result_says_for_what() {
    let desk = Desk::new();
    let lines = desk
        .baton(&["run", &desk.question(), "--json"])
        .expect(4)
        .lines();
    let last = lines.last().unwrap();
    assert_eq!(last["outcome"], "waiting");
    assert!(
        last["waitingFor"][0].as_str().unwrap().contains("Ask"),
        "{last}"
    );
}

#[test]
fn a_waiting_run_goes_on_with_answers() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.question()]).expect(4);
    let lines = desk
        .baton(&["resume", "1", "--approve", "ask=approved", "--json"])
        .expect(0)
        .lines();
    assert_eq!(types(&lines).last(), Some(&"RunEnded"));
    assert!(
        !types(&lines).contains(&"RunStarted"),
        "only what is new is told"
    );
    // The end is told again to whoever asks again.
    let lines = desk.baton(&["resume", "1", "--json"]).expect(0).lines();
    assert_eq!(lines.last().unwrap()["outcome"], "succeeded");
}

#[test]
fn a_run_is_cancelled() {
    let desk = Desk::new();
    desk.baton(&["run", &desk.question()]).expect(4);
    let said = desk
        .baton(&["cancel", "1", "--reason", "not now"])
        .expect(0);
    assert!(said.out.contains("Cancelled after"), "{}", said.out);
    desk.baton(&["resume", "1"]).expect(3);
    let error = desk.baton(&["cancel", "1", "--json"]).expect(1).error();
    assert_eq!(error["code"], "already-ended");
}

#[test]
fn relative_paths_start_from_the_file_or_from_work() {
    let desk = Desk::new();
    std::fs::create_dir_all(desk.path("flows")).unwrap();
    std::fs::create_dir_all(desk.path("elsewhere")).unwrap();
    desk.put("flows/rows.csv", "a\n1\n2\n");
    desk.put("elsewhere/rows.csv", "a\n1\n");
    let file = desk.workflow(
        "reading",
        &json!([{ "id": "r", "kind": "read_table", "name": "Read", "with": { "path": "rows.csv" } }]),
        &json!([]),
    );
    std::fs::rename(desk.path(&file), desk.path("flows").join(&file)).unwrap();
    let file = format!("flows/{file}");
    let rows = |arguments: &[&str]| {
        let lines = desk.baton(arguments).expect(0).lines();
        let read = lines
            .iter()
            .find(|line| line["event"]["type"] == "StepSucceeded")
            .unwrap();
        read["event"]["output"]["rows"].clone()
    };
    assert_eq!(rows(&["run", &file, "--json"]), 2);
    assert_eq!(rows(&["run", &file, "--work", "elsewhere", "--json"]), 1);
    let error = desk
        .baton(&["run", &file, "--work", "nowhere", "--json"])
        .expect(2)
        .error();
    assert_eq!(error["code"], "no-folder");
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_run() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["run", &desk.chain(), "--json"])
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let listed = desk.baton(&["runs", "list", "--json"]).expect(0).json();
    assert_eq!(listed["runs"][0]["status"], "succeeded");
}

/// Far below what comparable programs need; the exact figure is measured by `npm run bench`.
#[cfg(target_os = "linux")]
#[test]
fn ten_steps_need_little_memory() {
    let desk = Desk::new();
    let file = desk.question();
    let mut child = desk.command(&["serve", "--no-open"]).spawn().unwrap();
    drop(file);
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.as_mut().unwrap()),
        &mut line,
    )
    .unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 120_000, "{kilobytes} kB");
}
