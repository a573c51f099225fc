//! Nothing that a step started outlives the step, nor Baton: real processes, killed for good.
#![cfg(target_os = "linux")]

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Desk;

/// Twenty children, each with a child of its own; then some that leave the group, the session and their parent.
const FAMILY: &str = r#"
i=0
while [ $i -lt 20 ]; do (sleep 300 & exec sleep 300) & i=$((i + 1)); done
setsid sleep 300 &
setsid sh -c 'sleep 300 & exec sleep 300' &
(setsid sh -c '(sleep 300 &) ; exec sleep 300' >/dev/null 2>&1 </dev/null &)
nohup sh -c 'trap "" TERM HUP INT; sleep 300; sleep 300' >/dev/null 2>&1 &
"#;

/// The shell itself, and what [`FAMILY`] starts.
const MEMBERS: usize = 20 * 2 + 7;

const SOON: Duration = Duration::from_secs(2);

/// A desk whose programs can be told from all others by a variable of their environment.
struct Marked {
    desk: Desk,
    mark: String,
}

impl Marked {
    fn new(name: &str) -> Self {
        Self {
            desk: Desk::new(),
            mark: format!("BATON_TEST_MARK={name}-{}", std::process::id()),
        }
    }

    fn workflow(&self, script: &str, more: &serde_json::Value) -> String {
        let (name, value) = self.mark.split_once('=').unwrap();
        let mut step = json!({
            "id": "a", "kind": "run_command", "name": "A",
            "with": { "program": "sh", "args": ["-c", script], "env": { name: value } },
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            step[key] = value.clone();
        }
        self.desk.workflow("family", &json!([step]), &json!([]))
    }

    /// The living processes with the mark.
    fn alive(&self) -> Vec<i32> {
        let marked = |pid: &i32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            !stat.is_empty()
                && !stat.contains(") Z ")
                && environ
                    .split(|byte| *byte == 0)
                    .any(|variable| variable == self.mark.as_bytes())
        };
        let entries = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(marked).collect()
    }

    fn until(&self, what: &str, limit: Duration, is_right: impl Fn(usize) -> bool) -> Duration {
        let begun = Instant::now();
        loop {
            let alive = self.alive().len();
            if is_right(alive) {
                return begun.elapsed();
            }
            assert!(
                begun.elapsed() < limit,
                "{what}: {alive} processes are alive"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn all_there(&self) {
        self.until("beginning", Duration::from_secs(20), |alive| {
            alive >= MEMBERS
        });
    }

    fn all_gone(&self) {
        let took = self.until("end", SOON, |alive| alive == 0);
        assert!(took < SOON, "{took:?}");
    }
}

fn signal(name: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

#[test]
fn nothing_outlives_a_baton_that_was_killed() {
    let marked = Marked::new("killed");
    let file = marked.workflow(&format!("{FAMILY} wait; sleep 300"), &json!({}));
    let mut baton = marked
        .desk
        .command(&["run", &file, "--json"])
        .spawn()
        .unwrap();
    marked.all_there();
    baton.kill().unwrap();
    marked.all_gone();
    baton.wait().unwrap();
}

#[test]
fn nothing_outlives_a_step_that_was_cancelled() {
    let marked = Marked::new("cancelled");
    let script =
        format!("trap 'echo asked >&2; exit 0' TERM; {FAMILY} while :; do sleep 0.1; done");
    let file = marked.workflow(&script, &json!({}));
    let baton = marked
        .desk
        .command(&["run", &file, "--json"])
        .spawn()
        .unwrap();
    marked.all_there();
    signal("-INT", baton.id());
    let output = baton.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        marked.alive(),
        [0; 0],
        "they are gone before the run has ended"
    );
}

#[test]
fn nothing_outlives_a_step_whose_time_is_up() {
    let marked = Marked::new("late");
    let script = format!("{FAMILY} touch \"$PWD/ready\"; wait; sleep 300");
    let file = marked.workflow(&script, &json!({ "timeout": "3s" }));
    let said = marked.desk.baton(&["run", &file, "--json"]).expect(1);
    assert!(said.out.contains("\"timeout\""), "{}", said.out);
    assert!(marked.desk.path("ready").exists(), "they were there");
    assert_eq!(marked.alive(), [0; 0]);
}

#[test]
fn nothing_outlives_a_program_that_ended() {
    let marked = Marked::new("ended");
    let file = marked.workflow(&format!("{FAMILY} echo done; exit 7"), &json!({}));
    let said = marked.desk.baton(&["run", &file, "--json"]).expect(1);
    assert!(said.out.contains("ended with exit code 7"), "{}", said.out);
    assert_eq!(marked.alive(), [0; 0]);
}

#[test]
fn what_starts_processes_all_the_time_cannot_get_away() {
    let marked = Marked::new("bomb");
    // Each generation leaves its session, starts the next one and goes, three times over.
    let script = r#"
        f() { if [ "$1" -lt 400 ]; then setsid sh -c "$BODY" x $(($1 + 1)) & fi; }
        sleep 300 & sleep 300 &
        BODY='[ "$1" -lt 400 ] && { setsid sh -c "$BODY" x $(($1 + 1)) & }; sleep 0.02'
        export BODY
        for n in 1 2 3; do setsid sh -c "$BODY" x 0 & done
        sleep 300"#;
    let file = marked.workflow(script, &json!({}));
    let mut baton = marked
        .desk
        .command(&["run", &file, "--json"])
        .spawn()
        .unwrap();
    marked.until("beginning", Duration::from_secs(20), |alive| alive >= 6);
    baton.kill().unwrap();
    marked.all_gone();
    baton.wait().unwrap();
}

#[test]
fn a_program_sees_what_it_is_given_and_nothing_else() {
    let marked = Marked::new("clean");
    let script = "cat; env | grep -c BATON_SECRET; ls -l /proc/self/fd | grep -c socket; tr '\\0' '\\n' </proc/$PPID/environ | grep -c SECRET; kill -9 $$";
    let mut step = json!({ "with": { "program": "sh", "args": ["-c", script], "stdin": "what it reads\n", "okExit": [0] } });
    step["with"]["parse"] = "lines".into();
    let file = marked.workflow(script, &step);
    let output = marked
        .desk
        .command(&["run", &file, "--json"])
        .env("BATON_SECRET_TOKEN", "s3cret")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("was stopped by signal 9"), "{said}");
    // No secret, not the connection to Baton, and no secret of its guard either.
    assert!(said.contains("what it reads\\n0\\n0\\n0\\n"), "{said}");
}
