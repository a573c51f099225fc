//! Runs on another Baton, from the command line of this computer: kept targets, starting, going along, answering,
//! cancelling, and what goes wrong between here and there.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Desk, Said, set};
use crate::team::{Serving, add, remote, until};

const TEAM: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// Asks between two steps that only compute.
fn asking(desk: &Desk) -> String {
    let steps = json!([
        set("before", json!({ "x": 1 })),
        { "id": "ask", "kind": "approval", "name": "Ask", "with": { "to": ["all"], "question": "Go on?" } },
        set("after", json!({ "x": "{% steps.before.x + 1 %}" })),
    ]);
    let edges =
        json!([{ "from": "before", "to": "ask" }, { "from": "ask.approved", "to": "after" }]);
    desk.workflow("asking", &steps, &edges)
}

fn keep(here: &Desk, token: &str, arguments: &[&str]) -> Said {
    let mut all = vec!["targets", "add"];
    all.extend(arguments);
    all.push("--json");
    remote(here, token, &all)
}

#[test]
fn a_run_is_started_gone_along_with_answered_and_cancelled_on_a_server() {
    let (desk, here) = (Desk::new(), Desk::new());
    let token = add(&desk, "eve", &["edit", "run", "approve"]);
    let server = Serving::start(&desk, &TEAM);
    let none = here
        .baton(&["runs", "list", "--target", "Prod", "--json"])
        .expect(2);
    assert_eq!(none.error()["code"], "not-found");
    let kept = keep(&here, &token, &["Prod", "--server", server.url()]).expect(0);
    assert_eq!(
        (&kept.json()["id"], &kept.json()["hasSecret"]),
        (&json!("prod"), &json!(true))
    );
    // The token is in a file of its own, for this account alone, and nowhere else.
    let secrets = here.data().join("target-secrets.json");
    let mode = std::fs::metadata(&secrets).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let backup = here.baton(&["backup", "--json"]).expect(0).json();
    let folders = [here.data(), backup["path"].as_str().unwrap().into()];
    for entry in folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
    {
        let path = entry.unwrap().path();
        if path.is_file() && path != secrets {
            let bytes = std::fs::read(&path).unwrap();
            let has_token = bytes
                .windows(token.len())
                .any(|part| part == token.as_bytes());
            assert!(!has_token, "{}", path.display());
        }
    }
    let listed = here.baton(&["targets", "list"]).expect(0);
    assert!(
        listed.out.contains("Prod") && !listed.out.contains(&token),
        "{}",
        listed.out
    );
    let checked = here
        .baton(&["targets", "check", "prod", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&checked["ok"], &checked["can"]["person"]),
        (&json!(true), &json!("eve"))
    );

    let file = asking(&here);
    let submit = ["submit", &file, "--target", "Prod", "--json"];
    let started = here.baton(&submit).expect(0).json();
    let run = started["run"].as_str().unwrap();
    let there = desk.baton(&["runs", "list", "--json"]).expect(0).json();
    assert_eq!(there["runs"][0]["by"], "eve");
    until("it asks", || {
        let shown = here.baton(&["runs", "show", run, "--target", "prod", "--json"]);
        shown.expect(0).json()["status"] == "waiting"
    });
    let approve = [
        "approve", "1", "ask", "approved", "--target", "prod", "--json",
    ];
    let gone_along = here.baton(&approve).expect(0).lines();
    let last = gone_along.last().unwrap();
    assert_eq!(
        (&last["run"], &last["outcome"]),
        (&json!(run), &json!("succeeded")),
        "{last}"
    );
    assert!(
        gone_along
            .iter()
            .any(|line| line["event"]["type"] == "ApprovalDecided"),
        "{gone_along:?}"
    );
    let again = here.baton(&approve).expect(1).error();
    assert_eq!(again["code"], "already-ended");
    let events = here
        .baton(&["runs", "events", "1", "--target", "prod", "--json"])
        .expect(0)
        .lines();
    assert_eq!(events.last().unwrap()["event"]["type"], "RunEnded");
    let listed = here.baton(&["runs", "list", "--target", "prod"]).expect(0);
    assert!(
        listed.out.contains("asking") && listed.out.contains("succeeded"),
        "{}",
        listed.out
    );

    // Gone along with from the start: it waits for a person, which is said with the exit code.
    let watched = here
        .baton(&["submit", &file, "--target=Prod", "--watch"])
        .expect(4);
    assert!(watched.out.contains("Waiting"), "{}", watched.out);
    here.baton(&["cancel", "2", "--reason", "enough", "--target", "prod"])
        .expect(0);
    let shown = here
        .baton(&["runs", "show", "2", "--target", "prod", "--json"])
        .expect(0)
        .json();
    assert_eq!(shown["status"], "cancelled");

    // By its address, with the token of the environment.
    let listed = remote(
        &here,
        &token,
        &["runs", "list", "--target", server.url(), "--json"],
    );
    assert_eq!(listed.expect(0).json()["total"], 2);
    // Nothing of it is a run of this computer.
    assert_eq!(
        here.baton(&["runs", "list", "--json"]).expect(0).json()["total"],
        0
    );
    here.baton(&["targets", "remove", "Prod"]).expect(0);
    assert!(!std::fs::read_to_string(&secrets).unwrap().contains(&token));
    let gone = here
        .baton(&["targets", "check", "Prod", "--json"])
        .expect(2);
    assert_eq!(gone.error()["code"], "not-found");
}

#[test]
fn what_cannot_be_kept_or_reached_says_why() {
    let (desk, here) = (Desk::new(), Desk::new());
    let token = add(&desk, "eve", &["edit", "run"]);
    let viewer = add(&desk, "vic", &["view"]);
    let server = Serving::start(&desk, &TEAM);
    let url = server.url();
    let file = asking(&here);
    let code = |said: Said, exit: i32| said.expect(exit).error()["code"].clone();
    assert_eq!(
        code(keep(&here, "", &["Prod", "--server", url]), 2),
        "bad-request"
    );
    assert_eq!(
        code(
            keep(&here, "x", &["Prod", "--server", "http://example.com"]),
            2
        ),
        "tls-needed"
    );
    assert_eq!(
        code(keep(&here, "x", &["Prod", "--server", "nonsense"]), 2),
        "wrong-address"
    );
    assert_eq!(
        code(keep(&here, "x", &["a://b", "--server", url]), 2),
        "bad-request"
    );
    assert_eq!(
        code(
            keep(&here, "x", &["Prod", "--server", url, "--ca", "no.pem"]),
            2
        ),
        "bad-request"
    );
    assert_eq!(
        here.baton(&["targets", "list", "--json"]).expect(0).json()["targets"],
        json!([])
    );

    keep(&here, &token, &["Prod", "--server", url]).expect(0);
    assert_eq!(
        code(keep(&here, &token, &["PROD", "--server", url]), 1),
        "conflict"
    );
    // The token that was given for one host goes to no other.
    let elsewhere = keep(
        &here,
        "",
        &["Prod", "--change", "--server", "https://example.com"],
    );
    let error = elsewhere.expect(2).error();
    assert!(
        error["message"].to_string().contains("goes nowhere else"),
        "{error}"
    );
    let path = format!("{url}/");
    let changed = keep(&here, "", &["prod", "--change", "--server", &path])
        .expect(0)
        .json();
    assert_eq!(
        (&changed["name"], &changed["hasSecret"]),
        (&json!("prod"), &json!(true))
    );

    // A role that is too low, there: said by the server, and before that by the check.
    keep(&here, &viewer, &["Look", "--server", url]).expect(0);
    let checked = here
        .baton(&["targets", "check", "look", "--json"])
        .expect(1)
        .json();
    let codes: Vec<&str> = checked["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["ok"] == false)
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["role-run", "role-approve", "role-edit"]);
    let submit = |target: &str| here.baton(&["submit", &file, "--target", target, "--json"]);
    assert_eq!(code(submit("look"), 2), "forbidden");
    // A token that was taken back.
    desk.baton(&["users", "token", "vic"]).expect(0);
    assert_eq!(code(submit("look"), 2), "unauthorized");
    let checked = here
        .baton(&["targets", "check", "look", "--json"])
        .expect(1)
        .json();
    let last = checked["findings"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        (&last["code"], &last["ok"]),
        (&json!("token"), &json!(false))
    );
    // A document that cannot run is not sent.
    here.workflow(
        "broken",
        &json!([set("a", json!({}))]),
        &json!([{ "from": "a", "to": "b" }]),
    );
    let broken = here.baton(&["submit", "broken.baton.json", "--target", "prod", "--json"]);
    assert_eq!(code(broken, 2), "invalid");
    assert_eq!(
        desk.baton(&["runs", "list", "--json"]).expect(0).json()["total"],
        0
    );
    drop(server);
    assert_eq!(code(submit("prod"), 2), "server-unreachable");
    let checked = here
        .baton(&["targets", "check", "prod", "--json"])
        .expect(1)
        .json();
    assert_eq!(checked["findings"][0]["code"], "server-unreachable");
    let help = here.baton(&["submit", "--help"]).expect(0);
    assert!(help.out.contains("--target"), "{}", help.out);
    here.baton(&["submit", &file, "--target", "prod", "--nonsense"])
        .expect(2);
}

#[test]
fn a_server_that_comes_back_is_gone_along_with() {
    let (desk, here) = (Desk::new(), Desk::new());
    let token = add(&desk, "eve", &["edit", "run"]);
    let server = Serving::start(&desk, &TEAM);
    let (host, url) = (server.host().to_owned(), server.url().to_owned());
    let steps = json!([
        set("a", json!({ "x": 1 })),
        { "id": "pause", "kind": "wait", "with": { "for": "2s" } },
        set("b", json!({ "x": 2 }))
    ]);
    let edges = json!([{ "from": "a", "to": "pause" }, { "from": "pause", "to": "b" }]);
    let file = here.workflow("pausing", &steps, &edges);
    let mut going = here
        .command(&["submit", &file, "--target", &url, "--watch", "--json"])
        .env("BATON_TOKEN", &token)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(going.stdout.take().unwrap()).lines();
    let mut told: Vec<Value> = Vec::new();
    while !told
        .iter()
        .any(|line| line["event"]["type"] == "WaitStarted")
    {
        told.push(serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap());
    }
    // Killed, in the middle of it.
    drop(server);
    let _server = Serving::start(&desk, &["--listen", &host]);
    told.extend(lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()));
    let code = going.wait().unwrap().code();
    let mut said = String::new();
    going
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let last = told.last().unwrap();
    assert_eq!(
        (code, &last["outcome"]),
        (Some(0), &json!("succeeded")),
        "{said}"
    );
    // Every event once, in order.
    let numbers: Vec<u64> = told
        .iter()
        .filter_map(|line| line["seq"].as_u64())
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_question_of_a_sub_workflow_there_ends_the_going_along() {
    let (desk, here) = (Desk::new(), Desk::new());
    let token = add(&desk, "eve", &["edit", "run", "approve"]);
    let server = Serving::start(&desk, &TEAM);
    let inner = asking(&here);
    let push = ["push", &inner, "--to", server.url(), "--yes", "--json"];
    remote(&here, &token, &push).expect(0);
    let call = json!([{ "id": "call", "kind": "workflow", "with": { "workflow": "asking" } }]);
    let outer = here.workflow("outer", &call, &json!([]));
    let submit = [
        "submit",
        &outer,
        "--target",
        server.url(),
        "--watch",
        "--json",
    ];
    let watched = remote(&here, &token, &submit).expect(4).lines();
    let last = watched.last().unwrap();
    assert_eq!(last["outcome"], "waiting", "{last}");
    let waits = last["waitingFor"].as_array().unwrap();
    assert!(waits.len() >= 2, "of both runs: {last}");
    let listed = remote(
        &here,
        &token,
        &["runs", "list", "--target", server.url(), "--json"],
    );
    let listed = listed.expect(0).json();
    let runs = listed["runs"].as_array().unwrap();
    let child = runs.iter().find(|run| run["workflow"] == "asking").unwrap();
    let number = child["number"].to_string();
    let approve = [
        "approve",
        &number,
        "ask",
        "approved",
        "--target",
        server.url(),
    ];
    remote(&here, &token, &approve).expect(0);
    until("the outer run ends", || {
        let shown = [
            "runs",
            "show",
            last["run"].as_str().unwrap(),
            "--target",
            server.url(),
            "--json",
        ];
        remote(&here, &token, &shown).expect(0).json()["status"] == "succeeded"
    });
}

#[test]
fn what_is_asked_of_a_cluster_is_handed_over_as_it_is_kept() {
    let here = Desk::new();
    // The program for clusters is looked for beside this one: a folder with both.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let baton = folder.path().join("baton");
    std::fs::hard_link(env!("CARGO_BIN_EXE_baton"), &baton).unwrap();
    let program = folder.path().join("baton-temporal");
    let script = "#!/bin/sh\nprintf '%s\\n' \"$BATON_TEMPORAL_API_KEY\" \"$@\"\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let handed = |arguments: &[&str]| {
        let mut command = std::process::Command::new(&baton);
        command.args(arguments).current_dir(here.path("."));
        let output = command.env("BATON_DATA_DIR", here.data()).output();
        let said = Said::of(output.unwrap()).expect(0);
        said.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    here.put("key", "secret-key\n");
    here.put("keys", "a: 00\n");
    here.baton(&[
        "targets",
        "add",
        "Cluster",
        "--temporal",
        "localhost:7233",
        "--namespace",
        "sales",
        "--keys",
        "keys",
        "--token-file",
        "key",
    ])
    .expect(0);
    let listed = here.baton(&["targets", "list", "--json"]).expect(0);
    assert!(!listed.out.contains("secret-key") && listed.out.contains("\"hasSecret\":true"));
    let keys = here.path("keys").canonicalize().unwrap();
    let place = [
        "--target",
        "temporal://localhost:7233/sales/baton",
        "--keys",
    ];
    let mut place: Vec<String> = place.map(str::to_owned).to_vec();
    place.push(keys.display().to_string());
    let expected = |words: &[&str], json: bool| {
        let mut all = vec!["secret-key".to_owned()];
        all.extend(words.iter().map(|&word| word.to_owned()));
        all.extend(place.clone());
        all.extend(json.then(|| "--json".to_owned()));
        all
    };
    for (typed, words, json) in [
        (
            &["submit", "a.json", "--target", "cluster", "--watch"][..],
            &["start", "a.json", "--watch"][..],
            false,
        ),
        (
            &["runs", "show", "r", "--target", "Cluster", "--json"],
            &["history", "r"],
            true,
        ),
        (
            &[
                "approve",
                "r",
                "ask",
                "rejected",
                "--comment",
                "no",
                "--target",
                "cluster",
            ],
            &["approve", "r", "ask", "rejected", "--comment", "no"],
            false,
        ),
        (
            &[
                "cancel", "r", "--reason", "x", "--target", "cluster", "--json",
            ],
            &["cancel", "r", "--reason", "x", "--undo"],
            true,
        ),
    ] {
        assert_eq!(handed(typed), expected(words, json), "{typed:?}");
    }
    // An address of its own has no kept key.
    let typed = ["runs", "list", "--target", "temporal://localhost:1/a/b"];
    let handed = handed(&typed);
    assert_eq!((handed[0].as_str(), handed[1].as_str()), ("", "list"));
}
