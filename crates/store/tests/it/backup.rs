//! Backups that can be trusted, and the way back from them.

use std::path::{Path, PathBuf};

use baton_core::machine::{Event, Logged};
use baton_store::{Backup, OpenOptions, Store};

use crate::common::{batch, end, execute, open, store};

/// An artifact with this content, and an event that names it.
fn artifact(store: &Store, content: &str) -> String {
    let hash = blake3::hash(content.as_bytes()).to_hex().to_string();
    let folder = store.artifacts_dir().join(&hash[..2]);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(&hash[2..]), content).expect("a file");
    hash
}

async fn name_it(store: &Store, run: &str, hash: &str) {
    let event = Event::StepLogged {
        step: "a".to_owned(),
        level: "info".to_owned(),
        message: format!("made {{\"artifact\":\"{hash}\"}}"),
    };
    let mut named = batch(run, 0, 1);
    named.events = vec![Logged {
        seq: 1,
        at: 10,
        event,
    }];
    store.append(named).await.expect("it is written");
}

/// Spoils a backup; gets its folder and an artifact in it.
type Spoil = fn(&Path, &str);

fn file(folder: &Path, hash: &str) -> PathBuf {
    folder.join("artifacts").join(&hash[..2]).join(&hash[2..])
}

/// A folder with an ended run, an open one, and an artifact that names another.
async fn lived_in() -> (tempfile::TempDir, Store, [String; 3]) {
    let (dir, store) = store().await;
    let inner = artifact(&store, "the table");
    let outer = artifact(&store, &format!("{{\"artifact\":\"{inner}\"}}"));
    let unused = artifact(&store, "nobody names it");
    name_it(&store, "a", &outer).await;
    store.append(end("a", 1)).await.expect("its end");
    store.append(batch("b", 0, 5)).await.expect("a run");
    store
        .setting_put("k", &serde_json::json!(7))
        .await
        .expect("a setting");
    (dir, store, [inner, outer, unused])
}

#[tokio::test]
async fn a_backup_is_made_while_the_folder_is_in_use_and_is_whole() {
    let (dir, store, [inner, outer, unused]) = lived_in().await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    for into in [None, Some(elsewhere.path())] {
        let writer = store.clone();
        let from = if into.is_none() { 5 } else { 105 };
        let writing = tokio::spawn(async move {
            for expected in from..from + 100 {
                writer
                    .append(batch("b", expected, 1))
                    .await
                    .expect("it is written");
            }
        });
        let made = store.backup(into, "manual").await.expect("a backup");
        writing.await.expect("all is written");
        assert_eq!(Store::check_backup(&made.path).await, Ok(made.clone()));
        assert_eq!((made.manifest.runs, made.manifest.open_runs), (2, 1));
        assert!(
            (7..=207).contains(&made.manifest.events),
            "{}",
            made.manifest.events
        );
        let hashes: Vec<&str> = made
            .manifest
            .artifacts
            .iter()
            .map(|one| one.hash.as_str())
            .collect();
        assert!(
            hashes.contains(&inner.as_str()) && hashes.contains(&outer.as_str()),
            "{hashes:?}"
        );
        assert!(
            !hashes.contains(&unused.as_str()),
            "what no event names stays away"
        );
        assert_eq!(
            std::fs::read_to_string(file(&made.path, &inner)).expect("it is there"),
            "the table"
        );
    }
    assert_eq!(Store::backups(dir.path()).expect("a list").len(), 1);
    store.close().await;
}

#[tokio::test]
async fn half_a_backup_is_never_taken_for_one() {
    let (dir, store, [inner, ..]) = lived_in().await;
    let made = store.backup(None, "manual").await.expect("a backup");
    store.close().await;
    let damage: [(&str, Spoil); 7] = [
        ("manifest.json", |backup, _| {
            std::fs::remove_file(backup.join("manifest.json")).expect("gone")
        }),
        ("manifest.json", |backup, _| {
            std::fs::write(backup.join("manifest.json"), "{\"format\": 1,").expect("cut")
        }),
        ("`baton.db`", |backup, _| {
            std::fs::remove_file(backup.join("baton.db")).expect("gone")
        }),
        ("`baton.db`", |backup, _| flip(&backup.join("baton.db"))),
        ("`checkpoints.jsonl`", |backup, _| {
            flip(&backup.join("checkpoints.jsonl"))
        }),
        ("artifact", |backup, inner| {
            std::fs::remove_file(file(backup, inner)).expect("gone")
        }),
        ("artifact", |backup, inner| {
            std::fs::remove_file(file(backup, inner)).expect("gone");
            std::fs::write(file(backup, inner), "the tabla").expect("changed");
        }),
    ];
    for (index, (names, spoil)) in damage.into_iter().enumerate() {
        let copy = dir
            .path()
            .join("backups")
            .join(format!("baton-copy{index}"));
        copy_folder(&made.path, &copy);
        spoil(&copy, &inner);
        let before = std::fs::read(dir.path().join("baton.db")).expect("a database");
        let error = Store::restore(&copy, dir.path())
            .await
            .expect_err("it is not whole");
        assert_eq!(error.code(), "store-no-backup", "{error}");
        assert!(error.to_string().contains(names), "{index}: {error}");
        assert_eq!(
            std::fs::read(dir.path().join("baton.db")).expect("a database"),
            before
        );
        std::fs::remove_dir_all(copy).expect("gone");
    }
    // One that was interrupted has the name of one that was.
    let part = dir
        .path()
        .join("backups")
        .join("baton-20260101T000000000Z-daily.part");
    copy_folder(&made.path, &part);
    assert_eq!(
        Store::restore(&part, dir.path())
            .await
            .expect_err("unfinished")
            .code(),
        "store-no-backup"
    );
    let listed: Vec<PathBuf> = Store::backups(dir.path())
        .expect("a list")
        .into_iter()
        .map(|backup| backup.path)
        .collect();
    assert_eq!(listed, [made.path]);
    open(dir.path()).await.close().await;
    assert!(!part.exists(), "the next owner takes it away");
}

#[tokio::test]
async fn a_restored_folder_is_what_it_was_and_its_open_runs_are_paused() {
    let (dir, store, [inner, ..]) = lived_in().await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let made = store
        .backup(Some(elsewhere.path()), "manual")
        .await
        .expect("a backup");
    store.append(batch("b", 5, 3)).await.expect("it goes on");
    store.append(batch("c", 0, 1)).await.expect("a later run");
    store.close().await;

    let fresh = tempfile::tempdir().expect("a folder");
    for target in [dir.path(), fresh.path()] {
        let restored = Store::restore(&made.path, target)
            .await
            .expect("it can be restored");
        assert_eq!(restored.paused, [2]);
        let store = open(target).await;
        let verified = store.verify().await.expect("it can be checked");
        assert_eq!(verified.damage, Vec::<String>::new());
        assert_eq!(
            verified.events,
            made.manifest.events + 1,
            "the pause was added"
        );
        assert!(
            store.run("c").await.expect("a list").is_none(),
            "it came later"
        );
        let open = store.run("b").await.expect("a list").expect("the run");
        assert_eq!((open.status.as_str(), open.seq), ("paused", 6));
        let last = store.events("b", 5, 9).await.expect("events");
        assert_eq!(
            last[0].event,
            Event::RunPaused {
                by: "restore".to_owned()
            }
        );
        assert_eq!(
            store.events("b", 0, 5).await.expect("events"),
            batch("b", 0, 5).events
        );
        assert_eq!(store.setting("k").await, Ok(Some(serde_json::json!(7))));
        assert_eq!(
            std::fs::read_to_string(file(target, &inner)).expect("it is there"),
            "the table"
        );
        store.append(batch("b", 6, 1)).await.expect("it can go on");
        store.close().await;
        match restored.aside {
            Some(aside) => {
                let before = Store::open(
                    &aside,
                    OpenOptions {
                        read_only: true,
                        ..OpenOptions::default()
                    },
                )
                .await;
                let before = before.expect("what was there before can be looked at");
                assert_eq!(before.events("b", 5, 9).await.expect("events").len(), 3);
                before.close().await;
            }
            None => assert_eq!(target, fresh.path()),
        }
    }
}

#[tokio::test]
async fn a_folder_in_use_is_not_restored() {
    let (dir, store, _) = lived_in().await;
    let made = store.backup(None, "manual").await.expect("a backup");
    let error = Store::restore(&made.path, dir.path())
        .await
        .expect_err("it is in use");
    assert_eq!(error.code(), "store-locked");
    let error = Store::salvage(dir.path()).await.expect_err("it is in use");
    assert_eq!(error.code(), "store-locked");
    store.close().await;
}

/// Every state that a power cut can leave between two renames.
#[tokio::test]
async fn an_interrupted_restore_is_finished_by_the_next_start() {
    let (dir, store, _) = lived_in().await;
    let made = store.backup(None, "manual").await.expect("a backup");
    store.append(batch("b", 5, 3)).await.expect("it goes on");
    store.close().await;
    for moved in 0..4 {
        let copy = tempfile::tempdir().expect("a folder");
        copy_folder(dir.path(), copy.path());
        let ready = copy.path().join("restoring");
        std::fs::create_dir(&ready).expect("a folder");
        for name in ["baton.db", "checkpoints.jsonl"] {
            std::fs::copy(made.path.join(name), ready.join(name)).expect("a copy");
        }
        std::fs::write(ready.join("aside"), "before-restore-x").expect("a name");
        let aside = copy.path().join("backups/before-restore-x");
        std::fs::create_dir_all(&aside).expect("a folder");
        let steps: [(PathBuf, PathBuf); 4] = [
            (
                copy.path().join("checkpoints.jsonl"),
                aside.join("checkpoints.jsonl"),
            ),
            (copy.path().join("baton.db"), aside.join("baton.db")),
            (
                ready.join("checkpoints.jsonl"),
                copy.path().join("checkpoints.jsonl"),
            ),
            (ready.join("baton.db"), copy.path().join("baton.db")),
        ];
        for (from, to) in &steps[..moved] {
            std::fs::rename(from, to).expect("it is moved");
        }
        let store = open(copy.path()).await;
        assert_eq!(
            store.run("b").await.expect("a list").expect("the run").seq,
            5,
            "after {moved}"
        );
        assert_eq!(
            store.verify().await.expect("checked").damage,
            Vec::<String>::new()
        );
        store.close().await;
        assert!(!ready.exists(), "after {moved}");
        assert!(aside.join("baton.db").exists(), "after {moved}");
    }
}

#[tokio::test]
async fn what_is_damaged_is_not_backed_up() {
    let (dir, store, [_, outer, _]) = lived_in().await;
    store.close().await;
    std::fs::write(file(dir.path(), &outer), "{}").expect("changed");
    let store = open(dir.path()).await;
    let made = store
        .backup(None, "manual")
        .await
        .expect("the log is whole");
    assert_eq!(
        made.manifest.damaged_artifacts,
        std::slice::from_ref(&outer)
    );
    assert_eq!(Store::damaged_artifacts(dir.path()), Ok((3, vec![outer])));
    store.close().await;
    execute(
        dir.path(),
        "DROP TRIGGER events_are_never_changed; UPDATE events SET at = 1 WHERE gseq = 3",
    )
    .await
    .expect("tampered with");
    let store = open(dir.path()).await;
    let error = store
        .backup(None, "manual")
        .await
        .expect_err("the log is damaged");
    assert_eq!(error.code(), "store-damaged", "{error}");
    assert_eq!(Store::backups(dir.path()).expect("a list").len(), 1);
    store.close().await;
}

#[tokio::test]
async fn only_daily_backups_are_taken_away_by_time() {
    let (dir, store, _) = lived_in().await;
    store.backup(None, "manual").await.expect("a backup");
    let mut daily = Vec::new();
    for day in 1..=20 {
        let made = store.backup(None, "daily").await.expect("a backup");
        age(&made, day);
        daily.push(made);
    }
    store
        .backup(None, "daily")
        .await
        .expect("a backup, and old ones go");
    let left = Store::backups(dir.path()).expect("a list");
    let count = |reason: &str| {
        left.iter()
            .filter(|backup| backup.manifest.reason == reason)
            .count()
    };
    assert_eq!(count("manual"), 1);
    assert!((7..=11).contains(&count("daily")), "{}", count("daily"));
    store.close().await;
}

/// Makes a backup look as if it were so many days old.
fn age(backup: &Backup, days: i64) {
    let mut manifest = backup.manifest.clone();
    manifest.at -= days * 24 * 60 * 60 * 1_000;
    let text = serde_json::to_string(&manifest).expect("it can be written");
    std::fs::write(backup.path.join("manifest.json"), text).expect("it can be written");
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).expect("it can be written");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[tokio::test]
async fn an_empty_folder_has_a_backup_too() {
    let (dir, store) = store().await;
    let made = store.backup(None, "manual").await.expect("a backup");
    assert_eq!(
        (made.manifest.events, made.manifest.head.clone()),
        (0, None)
    );
    store.close().await;
    Store::restore(&made.path, dir.path())
        .await
        .expect("it can be restored");
    let store = open(dir.path()).await;
    assert_eq!(store.verify().await.expect("checked").events, 0);
    store.close().await;
}
