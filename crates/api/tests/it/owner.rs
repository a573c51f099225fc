//! One owner for a data folder: who is it, what clients can do, what happens when it ends.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_api::headless::Request;
use baton_api::{AppConfig, BackendEvent, Code, Member, owner};
use baton_core::machine::{Decision, Event, Outcome};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::broadcast;

use crate::support::{asking, workflow};

fn config(dir: &TempDir, desk: &str) -> AppConfig {
    let workspace = dir.path().join(desk);
    std::fs::create_dir_all(&workspace).unwrap();
    let mut config = AppConfig::new(dir.path().join("data"), workspace);
    config.person = Some(desk.to_owned());
    config.program = desk.to_owned();
    config
}

async fn join(dir: &TempDir, desk: &str) -> Member {
    Member::join(config(dir, desk)).await.unwrap()
}

async fn call(member: &Member, name: &str, request: Value) -> Value {
    match member.call(name, request).await {
        Ok(answer) => answer,
        Err(error) => panic!("{name}: {error:?}"),
    }
}

/// Waits for an event, at most so long that a lost one is noticed.
async fn next(
    events: &mut broadcast::Receiver<BackendEvent>,
    is_meant: impl Fn(&BackendEvent) -> bool,
) {
    let found = async { while !is_meant(&events.recv().await.unwrap()) {} };
    tokio::time::timeout(Duration::from_secs(10), found)
        .await
        .expect("the event comes");
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_secs(10), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn request(document: baton_core::document::Workflow) -> Request {
    Request {
        document,
        path: None,
        work_dir: None,
        input: json!({ "n": 2 }),
        approvals: BTreeMap::new(),
        by: "test".to_owned(),
    }
}

#[tokio::test]
async fn the_second_asks_the_first_and_stays_who_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (join(&dir, "ada").await, join(&dir, "kim").await);
    assert_eq!(first.owner(), None);
    assert_eq!(second.owner().unwrap().program, "ada");

    let info = call(&first, "app_info", json!({})).await;
    assert_eq!(
        (&info["owner"], &info["person"]),
        (&Value::Null, &json!("ada"))
    );
    let info = call(&second, "app_info", json!({})).await;
    let pid = std::process::id();
    assert_eq!(info["owner"], format!("ada (process {pid})"));
    assert_eq!(info["person"], "kim");

    // Relative paths start at the desk of whoever asks.
    for (member, desk) in [(&first, "ada"), (&second, "kim")] {
        let listed = call(member, "folder_list", json!({ "endings": [] })).await;
        let path = Path::new(listed["path"].as_str().unwrap());
        assert!(path.ends_with(desk), "{listed}");
    }
    let text = json!({ "path": "note.txt", "text": "hello" });
    call(&second, "text_save", text).await;
    assert!(dir.path().join("kim/note.txt").exists());

    let refused = second.call("nonsense", json!({})).await.unwrap_err();
    assert_eq!(refused.code, Code::UnknownCommand);
    second.shutdown().await;
    first.shutdown().await;
    assert_eq!(owner::owner_of(&dir.path().join("data")).await, Ok(None));
}

#[tokio::test]
async fn a_run_of_a_client_is_told_event_by_event_and_events_reach_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (join(&dir, "ada").await, join(&dir, "kim").await);
    let mut events = second.subscribe();
    next(&mut events, |event| matches!(event, BackendEvent::Lagged)).await;

    let mut seen = Vec::new();
    let mut asked = request(asking());
    asked.approvals.insert("ask".to_owned(), Decision::Approved);
    let result = second.run(asked, |logged| seen.push(logged.seq)).await;
    let result = result.unwrap();
    assert_eq!(result.outcome, Some(Outcome::Succeeded));
    assert_eq!(seen, (1..=seen.len() as u32).collect::<Vec<_>>());
    next(&mut events, |event| {
        matches!(event, BackendEvent::RunAdvanced { summary, .. } if summary.ended_at.is_some())
    })
    .await;

    // Without an answer it waits, and says for what.
    let waiting = second.run(request(asking()), |_| {}).await.unwrap();
    assert_eq!(waiting.outcome, None);
    assert!(!waiting.waiting_for.is_empty());
    let bad = second.run(request(workflow(json!({ "steps": [] }))), |_| {});
    drop(bad.await);
    let missing = second.follow("no such run", BTreeMap::new(), 0, |_| {});
    assert_eq!(missing.await.unwrap_err().code, Code::NotFound);
    first.shutdown().await;
    second.shutdown().await;
}

#[tokio::test]
async fn when_the_owner_ends_a_client_takes_over_and_the_others_follow() {
    let dir = tempfile::tempdir().unwrap();
    let first = join(&dir, "first").await;
    let mut others = Vec::new();
    for name in ["second", "third", "fourth"] {
        others.push(join(&dir, name).await);
    }
    let mut events = others[0].subscribe();
    let waiting = others[1].run(request(asking()), |_| {}).await.unwrap();
    next(&mut events, |event| {
        matches!(event, BackendEvent::InboxChanged)
    })
    .await;
    first.shutdown().await;

    // A page that reads, and an edit that is kept, do not even notice.
    let began = Instant::now();
    for (index, member) in others.iter().enumerate() {
        let draft = json!({ "key": format!("d{index}"), "document": asking(), "base": null });
        call(member, "draft_put", draft).await;
        let view = call(member, "run_get", json!({ "run": waiting.run })).await;
        assert_eq!(view["status"], "waiting");
    }
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    next(&mut events, |event| matches!(event, BackendEvent::Lagged)).await;
    let owners = others.iter().filter(|member| member.owner().is_none());
    assert_eq!(owners.count(), 1);
    let drafts = call(&others[2], "draft_list", json!({})).await;
    assert_eq!(drafts["drafts"].as_array().unwrap().len(), 3);
    for member in others {
        member.shutdown().await;
    }
}

#[tokio::test]
async fn a_run_goes_on_at_the_next_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (join(&dir, "ada").await, join(&dir, "kim").await);
    let long = workflow(json!({
        "steps": [
            { "id": "a", "kind": "set_values", "name": "A", "with": { "values": { "x": 1 } } },
            { "id": "w", "kind": "wait", "name": "W", "with": { "for": "2s" } },
            { "id": "b", "kind": "set_values", "name": "B", "with": { "values": { "x": 2 } } },
        ],
        "edges": [{ "from": "a", "to": "w" }, { "from": "w", "to": "b" }],
    }));
    let mut seen = Vec::new();
    let (waits, mut is_waiting) = tokio::sync::mpsc::unbounded_channel();
    let running = second.run(request(long), |logged| {
        seen.push(logged.seq);
        if matches!(logged.event, Event::WaitStarted { .. }) {
            waits.send(()).unwrap();
        }
    });
    let ending = async {
        is_waiting.recv().await.unwrap();
        first.shutdown().await;
    };
    let (result, ()) = tokio::join!(running, ending);
    assert_eq!(result.unwrap().outcome, Some(Outcome::Succeeded));
    assert_eq!(second.owner(), None);
    assert_eq!(seen, (1..=seen.len() as u32).collect::<Vec<_>>());
    second.shutdown().await;
}

/// Sends bytes to the owner as somebody else would, and reads what comes back until it closes.
async fn say(data: &Path, bytes: &[u8]) -> String {
    let address: Value =
        serde_json::from_slice(&std::fs::read(data.join("owner.json")).unwrap()).unwrap();
    let mut stream = UnixStream::connect(address["socket"].as_str().unwrap())
        .await
        .unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut is an answer as well.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

fn frame(text: &str) -> Vec<u8> {
    let mut frame = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(text.as_bytes());
    frame
}

#[tokio::test]
async fn another_build_is_refused_in_words_and_nonsense_harms_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = join(&dir, "ada").await;
    for hello in [
        json!({ "baton": 1, "build": "0.0.1+abc", "wants": "calls", "asker": {} }),
        json!({ "baton": 2, "build": "9.0.0", "somethingNew": [1] }),
        json!({}),
        json!([]),
    ] {
        let answer = say(&data, &frame(&hello.to_string())).await;
        assert!(
            answer.contains("refused") && answer.contains("another build of Baton"),
            "{hello}: {answer}"
        );
    }
    for nonsense in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0xff; 64],
        frame("not json"),
        frame(""),
    ] {
        assert_eq!(say(&data, &nonsense).await, "");
    }
    let second = join(&dir, "kim").await;
    assert_eq!(second.owner().unwrap().program, "ada");
    second.shutdown().await;
    first.shutdown().await;
}

#[tokio::test]
async fn what_was_taken_from_the_owner_is_put_back_and_nobody_else_gets_in() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let first = join(&dir, "ada").await;
    // The lock file is replaced: the folder itself is locked as well.
    std::fs::remove_file(data.join("baton.lock")).unwrap();
    std::fs::write(data.join("baton.lock"), "1\n").unwrap();
    std::fs::remove_dir_all(data.join("owner")).unwrap();
    std::fs::remove_file(data.join("owner.json")).unwrap();
    let second = join(&dir, "kim").await;
    assert_eq!(second.owner().unwrap().program, "ada");
    second.shutdown().await;
    first.shutdown().await;
    assert!(!data.join("owner.json").exists());
}

#[tokio::test]
async fn a_folder_that_was_moved_away_is_told_and_goes_on_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let (data, away) = (dir.path().join("data"), dir.path().join("away"));
    let first = Arc::new(join(&dir, "ada").await);
    let draft = |key: &str| json!({ "key": key, "document": asking(), "base": null });
    call(&first, "draft_put", draft("kept")).await;
    std::fs::rename(&data, &away).unwrap();
    until("it is told", async || {
        let answer = first.call("draft_put", draft("late")).await;
        answer.is_err_and(|error| error.code == Code::Store && error.message.contains("moved"))
    })
    .await;
    assert!(!data.exists(), "no empty folder takes its place");
    std::fs::rename(&away, &data).unwrap();
    until("it is back", async || {
        first.call("draft_list", json!({})).await.is_ok_and(|all| {
            let drafts = all["drafts"].as_array().unwrap();
            drafts.iter().any(|draft| draft["key"] == "kept")
        })
    })
    .await;
    first.shutdown().await;
}

#[tokio::test]
async fn a_path_that_is_too_long_for_a_socket_is_none_for_baton() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("d".repeat(120)).join("e".repeat(120));
    let at = |name: &str| {
        let mut config = config(&dir, name);
        config.data_dir = data.clone();
        config
    };
    let first = Member::join(at("ada")).await.unwrap();
    let second = Member::join(at("kim")).await.unwrap();
    let owner = second.owner().unwrap();
    assert!(owner.socket.as_os_str().len() < 104);
    first.shutdown().await;
    assert!(
        !owner.socket.exists(),
        "nothing is left outside of the folder"
    );
    call(&second, "run_list", json!({})).await;
    second.shutdown().await;
}

#[tokio::test]
async fn many_commands_of_one_client_are_answered_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let (first, second) = (join(&dir, "ada").await, join(&dir, "kim").await);
    let all = (0..200).map(|index| {
        let second = second.clone();
        tokio::spawn(async move {
            let document =
                json!({ "key": format!("k{index}"), "document": asking(), "base": null });
            call(&second, "draft_put", document).await;
        })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap();
    }
    let drafts = call(&first, "draft_list", json!({})).await;
    assert_eq!(drafts["drafts"].as_array().unwrap().len(), 200);
    second.shutdown().await;
    first.shutdown().await;
}
