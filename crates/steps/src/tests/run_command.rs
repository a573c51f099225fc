//! Programs that behave, and programs that do not.
#![cfg(unix)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::testing::{Bench, task};

fn shell(script: &str) -> Value {
    json!({ "program": "sh", "args": ["-c", script] })
}

fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A process that nobody has waited for yet is dead as well.
    !stat.is_empty() && !stat.contains(") Z ")
}

async fn gone(pid: i32) -> bool {
    for _ in 0..100 {
        if !is_alive(pid) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
async fn output_and_exit_code_are_handed_on() {
    let bench = Bench::new();
    let output = bench.run("run_command", shell("echo out; echo err >&2")).await;
    assert_eq!(output, json!({ "exit": 0, "stdout": "out\n", "stderr": "err\n", "truncated": false }));
    let output = bench
        .run("run_command", json!({ "program": "sh", "args": ["-c", "exit 3"], "okExit": [0, 3] }))
        .await;
    assert_eq!(output["exit"], 3);
}

#[tokio::test]
async fn arguments_are_never_read_by_a_shell() {
    let bench = Bench::new();
    let args = ["$HOME; echo x", "`id`", "a b", "*"];
    let output = bench.run("run_command", json!({ "program": "printf", "args": ["%s\n", args[0], args[1], args[2], args[3]], "parse": "lines" })).await;
    assert_eq!(output["lines"], json!(args));
}

#[tokio::test]
async fn the_environment_is_clean() {
    let bench = Bench::new();
    let output = bench
        .run("run_command", json!({ "program": "env", "env": { "MINE": 5 }, "parse": "lines" }))
        .await;
    let lines: Vec<&str> = output["lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert!(lines.contains(&"MINE=5") && lines.contains(&"BATON_IDEMPOTENCY_KEY=key-1") && lines.contains(&"BATON_RUN=run-1"));
    for line in lines {
        let name = line.split('=').next().unwrap();
        assert!(KEPT.contains(&name) || ["MINE", "BATON_IDEMPOTENCY_KEY", "BATON_RUN"].contains(&name), "{line}");
    }
}

#[tokio::test]
async fn input_folder_and_json() {
    let bench = Bench::new();
    bench.file("scripts/here", "x");
    let output = bench
        .run("run_command", json!({ "program": "sh", "args": ["-c", "cat; ls >&2"], "cwd": "scripts",
            "stdin": ["{\"a\":", "1}"], "parse": "json" }))
        .await;
    assert_eq!((output["json"].clone(), output["stderr"].clone()), (json!({ "a": 1 }), json!("here\n")));
    let error = bench.fail("run_command", json!({ "program": "echo", "args": ["{"], "parse": "json" })).await;
    assert!(error.permanent && error.code == "not-json");
    let error = bench.fail("run_command", json!({ "program": "ls", "cwd": "../.." })).await;
    assert_eq!(error.code, "path-outside");
}

#[tokio::test]
async fn a_program_of_the_work_folder_is_found_by_its_path() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let path = bench.file("bin/hello", "#!/bin/sh\necho hello\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(bench.run("run_command", json!({ "program": "bin/hello" })).await["stdout"], "hello\n");
    assert_eq!(bench.fail("run_command", json!({ "program": "bin/helo" })).await.code, "file-not-found");
    let error = bench.fail("run_command", json!({ "program": "no-such-program" })).await;
    assert!(error.permanent && error.code == "program-not-found" && error.hint.is_some());
    bench.file("bin/plain", "no program");
    assert!(bench.fail("run_command", json!({ "program": "bin/plain" })).await.message.contains("permission denied"));
}

#[tokio::test]
async fn a_failure_carries_what_the_program_said() {
    let bench = Bench::new();
    let error = bench.fail("run_command", shell("echo first >&2; echo boom >&2; exit 7")).await;
    assert_eq!(error.code, "exit-code");
    assert!(error.message.contains("exit code 7: boom") && !error.permanent, "{error}");
    assert_eq!(error.details.unwrap()["stderr"], "first\nboom\n");
    let error = bench.fail("run_command", shell("kill -9 $$")).await;
    assert!(error.message.contains("signal 9"), "{error}");
}

#[tokio::test]
async fn what_the_program_says_is_shown_while_it_works() {
    let mut bench = Bench::new();
    bench.run("run_command", shell("echo half >&2; echo; echo done >&2")).await;
    assert_eq!(bench.log.recv().await, Some(("info".to_owned(), "half".to_owned())));
    assert_eq!(bench.log.recv().await, Some(("info".to_owned(), "done".to_owned())));
}

#[tokio::test]
async fn endless_output_is_cut_and_never_blocks_the_program() {
    let mut bench = Bench::new();
    bench.cx.limits.output_bytes = 1_000;
    let output = bench.run("run_command", shell("head -c 3000000 /dev/zero | tr '\\0' x; echo done >&2")).await;
    assert_eq!((output["stdout"].as_str().unwrap().len(), output["truncated"].clone()), (1_000, json!(true)));
    assert_eq!(output["stderr"], "done\n");
}

#[tokio::test]
async fn cancelling_ends_the_program_and_all_it_started() {
    let bench = Bench::new();
    let cancel = bench.cx.cancel.clone();
    let file = bench.cx.work_dir.join("pids");
    let script = "trap '' TERM; sleep 600 & echo $! > pids; echo $$ >> pids; wait; sleep 600";
    let watch = tokio::spawn(async move {
        loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if text.lines().count() == 2 {
                cancel.cancel();
                return text.lines().map(|line| line.parse::<i32>().unwrap()).collect::<Vec<_>>();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let start = Instant::now();
    let error = bench.fail("run_command", shell(script)).await;
    assert_eq!(error.code, "cancelled");
    assert!(start.elapsed() < Duration::from_secs(20));
    for pid in watch.await.unwrap() {
        assert!(gone(pid).await, "{pid} still runs");
    }
}

#[tokio::test]
async fn a_dropped_step_leaves_no_process() {
    let bench = Bench::new();
    let task = task("run_command", shell("sleep 600 & echo $! > pid; wait"));
    let waited = tokio::time::timeout(Duration::from_millis(1_500), bench.execute(&task)).await;
    assert!(waited.is_err());
    let pid = std::fs::read_to_string(bench.cx.work_dir.join("pid")).unwrap().trim().parse().unwrap();
    assert!(gone(pid).await);
}

#[tokio::test]
async fn what_a_program_leaves_running_ends_with_it() {
    let bench = Bench::new();
    let start = Instant::now();
    let output = bench.run("run_command", shell("sleep 600 & echo $!")).await;
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(gone(output["stdout"].as_str().unwrap().trim().parse().unwrap()).await);
}

#[test]
fn the_effect_is_what_the_author_says() {
    let effect = |with: Value| Step::effect(with.as_object().unwrap());
    assert_eq!(effect(json!({})), Repeat::Unsafe);
    assert_eq!(effect(json!({ "effect": "pure" })), Repeat::Pure);
    assert_eq!(effect(json!({ "effect": "keyed" })), Repeat::Keyed);
    assert_eq!(effect(json!({ "effect": "bogus" })), Repeat::Unsafe);
}
