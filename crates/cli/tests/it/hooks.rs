//! The examples of `docs/examples`, run for real: the hook of a git repository, and the script of a build server.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

use crate::support::{Desk, set};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/examples")
        .join(name)
}

/// A command in the folder of the desk that sees no configuration of whoever runs the tests.
fn here(desk: &Desk, program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(desk.path("."))
        .env("BATON", env!("CARGO_BIN_EXE_baton"))
        .env("BATON_DATA_DIR", desk.data())
        .env("HOME", desk.path("."))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap()
}

fn git(desk: &Desk, arguments: &[&str]) -> Output {
    let mut all = vec!["-c", "user.name=ada", "-c", "user.email=ada@example.com"];
    all.extend(arguments);
    here(desk, "git", &all)
}

fn repository() -> Desk {
    let desk = Desk::new();
    assert!(git(&desk, &["init", "-q"]).status.success());
    desk
}

fn break_it(desk: &Desk) {
    desk.workflow(
        "flow",
        &json!([set("a", json!({ "x": 1 }))]),
        &json!([{ "from": "a", "to": "nowhere" }]),
    );
}

fn repair(desk: &Desk) {
    desk.workflow("flow", &json!([set("a", json!({ "x": 1 }))]), &json!([]));
}

#[test]
fn the_hook_refuses_a_broken_workflow_and_nothing_else() {
    let desk = repository();
    std::fs::copy(example("pre-commit"), desk.path(".git/hooks/pre-commit")).unwrap();
    desk.put("README.md", "no workflow");
    let commit = |message: &str| git(&desk, &["commit", "-qm", message]);
    git(&desk, &["add", "."]);
    assert!(commit("Begin").status.success());

    break_it(&desk);
    git(&desk, &["add", "."]);
    let refused = commit("Add a broken workflow");
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stdout).into_owned()
        + &String::from_utf8_lossy(&refused.stderr);
    assert!(
        said.contains("error[unknown-step]") && said.contains("flow.baton.json"),
        "{said}"
    );

    // What counts is what is committed, not what lies there.
    repair(&desk);
    assert!(!commit("Still the broken one").status.success());
    git(&desk, &["add", "."]);
    break_it(&desk);
    let taken = commit("Add a workflow");
    assert!(
        taken.status.success(),
        "{}",
        String::from_utf8_lossy(&taken.stderr)
    );
}

#[test]
fn the_script_of_a_build_server_checks_all_workflows() {
    let desk = repository();
    let script = example("ci.sh");
    let run = || here(&desk, "sh", &[script.to_str().unwrap()]);
    assert!(run().status.success(), "nothing to check");
    repair(&desk);
    git(&desk, &["add", "."]);
    assert!(!run().status.success(), "not in its canonical form");
    desk.baton(&["fmt", "flow.baton.json"]).expect(0);
    let checked = run();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
    break_it(&desk);
    let refused = run();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("unknown-step"));
}

#[test]
fn systemd_understands_the_unit() {
    let desk = Desk::new();
    let unit = std::fs::read_to_string(example("baton.service")).unwrap();
    assert!(unit.contains("DynamicUser=yes") && unit.contains("StateDirectory="));
    // It looks whether the program is there.
    let unit = unit.replace("/usr/bin/baton", env!("CARGO_BIN_EXE_baton"));
    desk.put("baton.service", unit);
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(desk.path("baton.service"))
        .output();
    match verify {
        Ok(said) => {
            let words = String::from_utf8_lossy(&said.stderr);
            assert!(
                said.status.success() && !words.contains("baton.service:"),
                "{words}"
            );
        }
        Err(error) => println!("not checked, there is no systemd here: {error}"),
    }
}
