//! A process that is stopped for a while, as a computer that sleeps: what it does when it goes on.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

fn baton() -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    test.ancestors()
        .map(|folder| folder.join("baton"))
        .find(|path| path.is_file())
        .expect("`baton` is built: cargo build -p baton-cli")
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.expect("`kill` is there").success());
}

#[cfg(unix)]
#[test]
fn a_stopped_process_fires_what_became_due_once_and_times_nothing_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("stopped.baton.json");
    // Without taking the stop out of it, the time limit of `work` is over when the process goes on; and `wait` is due.
    let workflow = json!({
        "format": 1, "id": "stopped", "name": "Stopped", "edges": [],
        "steps": [
            { "id": "work", "kind": "run_command", "timeout": "6s",
              "with": { "program": "sh", "args": ["-c", "echo > begun; sleep 10"], "effect": "unsafe" } },
            { "id": "wait", "kind": "wait", "with": { "for": "4s" } }
        ]
    });
    std::fs::write(&file, workflow.to_string()).expect("it can be written");
    let command = |arguments: &[&str]| {
        let mut command = Command::new(baton());
        command
            .args(arguments)
            .arg("--data")
            .arg(dir.path().join("data"))
            .current_dir(dir.path())
            .stdin(Stdio::null());
        command
    };
    let mut child = command(&["run", "stopped.baton.json", "--json"])
        .stdout(Stdio::null())
        .spawn()
        .expect("baton starts");
    let begun = Instant::now();
    while !dir.path().join("begun").exists() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the step begins");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "-STOP");
    let stopped = Instant::now();
    while stopped.elapsed() < Duration::from_secs(8) {
        std::thread::sleep(Duration::from_millis(50));
    }
    signal(&child, "-CONT");
    let ended = child.wait().expect("it ends");
    assert!(ended.success(), "{ended}");

    let output = command(&["runs", "events", "1", "--json"])
        .output()
        .expect("baton starts");
    let events: Vec<Value> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter::<Value>()
        .collect::<Result<_, _>>()
        .expect("JSON");
    let of = |kind: &str, step: Option<&str>| -> Vec<(i64, Value)> {
        let all = events.iter().map(|line| {
            (
                line["at"].as_i64().expect("an instant"),
                line["event"].clone(),
            )
        });
        all.filter(|(_, event)| {
            event["type"] == kind && step.is_none_or(|step| event["step"] == step)
        })
        .collect()
    };
    let resumed = of("HostResumed", None);
    assert_eq!(resumed.len(), 1, "{events:#?}");
    let gap = resumed[0].1["gapMs"].as_i64().expect("a gap");
    assert!((6_000..10_000).contains(&gap), "{gap}");
    let fired = of("StepSucceeded", Some("wait"));
    assert_eq!(fired.len(), 1);
    assert!(
        fired[0].0 - resumed[0].0 <= 2_000,
        "two seconds after it went on"
    );
    assert_eq!(of("StepSucceeded", Some("work")).len(), 1);
    assert_eq!(
        of("StepStarted", Some("work")).len(),
        1,
        "and nothing ran twice"
    );
}
