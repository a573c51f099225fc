//! `kill -9` in the middle of a run: nothing that was acknowledged is lost, nothing completed is done again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use baton_core::document::{Edge, Step, Workflow, print};
use serde_json::{Value, json};

/// The `baton` program of this build.
fn baton() -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    test.ancestors()
        .map(|folder| folder.join("baton"))
        .find(|path| path.is_file())
        .expect("`baton` is built: cargo build -p baton-cli")
}

/// Steps one after the other, each of which writes its idempotency key into a file and takes a while.
fn workflow(effect: &str, steps: usize) -> Workflow {
    let mut workflow = Workflow::new("crash", "Crash");
    for index in 0..steps {
        let script = "echo \"$BATON_IDEMPOTENCY_KEY\" >> trace.txt; sleep 0.04";
        workflow.steps.push(Step {
            id: format!("s{index}"),
            kind: "run_command".to_owned(),
            with: json!({ "program": "sh", "args": ["-c", script], "effect": effect })
                .as_object()
                .cloned()
                .unwrap_or_default(),
            ..Step::default()
        });
        if index > 0 {
            workflow
                .edges
                .push(Edge::new(format!("s{}", index - 1), format!("s{index}")));
        }
    }
    workflow
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new(effect: &str, steps: usize) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(
            dir.path().join("crash.baton.json"),
            print(&workflow(effect, steps)),
        )
        .expect("it can be written");
        Self { dir }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(baton());
        command
            .args(arguments)
            .arg("--data")
            .arg(self.dir.path().join("data"))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn json(&self, arguments: &[&str]) -> (Option<i32>, Vec<Value>) {
        let output = self.command(arguments).output().expect("baton starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let values = serde_json::Deserializer::from_str(&text)
            .into_iter::<Value>()
            .collect::<Result<_, _>>()
            .unwrap_or_else(|error| {
                panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr))
            });
        (output.status.code(), values)
    }

    /// Starts something and kills it once its steps have acted so often, or lets it end.
    fn kill_at(&self, arguments: &[&str], acts: u32) {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("baton starts");
        while self.trace().values().sum::<u32>() < acts
            && child.try_wait().expect("it can be asked").is_none()
        {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().expect("SIGKILL, or it has ended by itself");
        child.wait().expect("it is gone");
    }

    fn events(&self) -> Vec<Value> {
        self.json(&["runs", "events", "1", "--json"]).1
    }

    fn trace(&self) -> BTreeMap<String, u32> {
        let mut seen = BTreeMap::new();
        for line in std::fs::read_to_string(self.dir.path().join("trace.txt"))
            .unwrap_or_default()
            .lines()
        {
            *seen.entry(line.to_owned()).or_default() += 1;
        }
        seen
    }
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a str> {
    events
        .iter()
        .map(|event| event.get("event").unwrap_or(event))
        .filter(|event| event["type"] == kind)
        .filter_map(|event| event["step"].as_str())
        .collect()
}

#[test]
fn no_step_is_lost_or_repeated_over_kill_9() {
    const STEPS: usize = 8;
    let file = Path::new("crash.baton.json").to_string_lossy().into_owned();
    let mut killed_in_the_middle = 0;
    for round in 0..6u32 {
        let place = Place::new("keyed", STEPS);
        place.kill_at(&["run", &file, "--json"], round + 2);
        let before = place.events();
        let done_before: Vec<String> = of(&before, "StepSucceeded")
            .into_iter()
            .map(str::to_owned)
            .collect();
        killed_in_the_middle += u32::from(!done_before.is_empty() && done_before.len() < STEPS);
        let acts = place.trace().values().sum::<u32>();
        place.kill_at(&["resume", "1", "--json"], acts + 1);
        let (code, _) = place.json(&["resume", "1", "--json"]);
        assert_eq!(code, Some(0), "round {round}: the run goes on to its end");
        let after = place.events();
        assert_eq!(
            after[..before.len()],
            before[..],
            "what was acknowledged stays as it was"
        );
        let mut done = of(&after, "StepSucceeded");
        assert_eq!(done.len(), STEPS);
        done.sort_unstable();
        done.dedup();
        assert_eq!(done.len(), STEPS, "each step succeeded once");
        for step in &done_before {
            let again = of(&after[before.len()..], "StepResumed").contains(&step.as_str())
                || of(&after[before.len()..], "StepStarted").contains(&step.as_str());
            assert!(!again, "round {round}: `{step}` was complete and ran again");
        }
        let trace = place.trace();
        assert_eq!(
            trace.len(),
            STEPS,
            "one idempotency key a step, the same for every attempt"
        );
        assert!(
            trace.values().sum::<u32>() <= STEPS as u32 + 2,
            "at most the interrupted ones ran again: {trace:?}"
        );
        let (code, _) = place.json(&["verify", "--json"]);
        assert_eq!(code, Some(0), "the chain is whole");
    }
    assert!(
        killed_in_the_middle >= 3,
        "the kills hit the middle of runs: {killed_in_the_middle}"
    );
}

#[test]
fn an_interrupted_step_that_must_not_repeat_asks_first() {
    let place = Place::new("unsafe", 1);
    let file = "crash.baton.json";
    let mut tries = 0;
    loop {
        // Killed while the only step sleeps: after it began, before it ended.
        let child = place
            .command(&["run", file, "--json"])
            .stdout(Stdio::null())
            .spawn();
        let mut child = child.expect("baton starts");
        while place.trace().is_empty() {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().expect("SIGKILL");
        child.wait().expect("it is gone");
        if of(&place.events(), "StepSucceeded").is_empty() {
            break;
        }
        tries += 1;
        assert!(tries < 20, "the kill comes too late every time");
        std::fs::remove_dir_all(place.dir.path().join("data")).expect("it is there");
        std::fs::remove_file(place.dir.path().join("trace.txt")).expect("it is there");
    }
    let (code, _) = place.json(&["resume", "1", "--json"]);
    assert_eq!(code, Some(4), "it waits for a person");
    assert_eq!(of(&place.events(), "StepOutcomeUnknown"), ["s0"]);
    assert_eq!(
        place.trace().values().sum::<u32>(),
        1,
        "it did not act again"
    );

    let run = place.json(&["runs", "list", "--json"]).1;
    let id = run
        .iter()
        .find_map(|value| {
            value
                .get("id")
                .or_else(|| value.pointer("/runs/0/id"))
                .and_then(Value::as_str)
        })
        .expect("the run is listed")
        .to_owned();
    let answer =
        json!({ "run": id, "step": "s0", "answer": { "type": "done", "output": { "exit": 0 } } });
    place.json(&["rpc", "run_settle", &answer.to_string()]);
    let (code, _) = place.json(&["resume", "1", "--json"]);
    assert_eq!(code, Some(0));
    assert_eq!(
        place.trace().values().sum::<u32>(),
        1,
        "and never acted again"
    );
}
