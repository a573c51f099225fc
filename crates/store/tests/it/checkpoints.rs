//! What the signed checkpoints and anchors show, and what they do not.

use std::path::Path;

use baton_store::{Checkpoint, Store, Verified};

use crate::common::{batch, execute, open, store};

const UNLOCK: &str = "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_removed; \
    DROP TRIGGER an_ended_run_is_final; DROP TRIGGER runs_are_never_removed;";

/// Ten events in a folder that was closed, and an anchor of them.
async fn signed() -> (tempfile::TempDir, String) {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 10)).await.expect("a run");
    store.close().await;
    let store = open(dir.path()).await;
    let verified = store.verify().await.expect("checked");
    let checkpoint = verified.checkpoint.as_ref().expect("closing signs");
    assert_eq!((checkpoint.events, verified.checkpoints), (10, 1));
    let anchor = store
        .anchor(&verified)
        .expect("it can be signed")
        .expect("there is a key");
    store.close().await;
    (dir, anchor.line())
}

async fn check(dir: &Path, anchors: &str) -> Verified {
    let store = open(dir).await;
    let verified = store
        .verify_against(anchors)
        .await
        .expect("it can be checked");
    store.close().await;
    verified
}

fn finds(verified: &Verified, what: &str) {
    let found = verified.damage.iter().any(|found| found.contains(what));
    assert!(found, "{what}: {:?}", verified.damage);
    assert_eq!(verified.head, None);
}

#[tokio::test]
async fn a_log_that_went_on_is_intact_since_its_anchor() {
    let (dir, anchor) = signed().await;
    let store = open(dir.path()).await;
    store.append(batch("r", 10, 5)).await.expect("it goes on");
    let verified = store.verify_against(&anchor).await.expect("checked");
    assert_eq!(verified.damage, Vec::<String>::new());
    assert_eq!(verified.anchor.expect("it holds").events, 10);
    assert_eq!(
        verified.checkpoint.expect("it holds").events,
        10,
        "the last five are not signed yet"
    );
    assert_eq!(verified.events, 15);
    assert_eq!(verified.clock, Vec::<String>::new());
    store.close().await;
    assert_eq!(
        check(dir.path(), &anchor)
            .await
            .checkpoint
            .expect("closing signs")
            .events,
        15
    );
}

#[tokio::test]
async fn a_thousand_events_are_signed_without_an_end() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1)).await.expect("a run");
    store
        .append(batch("r", 1, 1_200))
        .await
        .expect("it goes on");
    let path = dir.path().join("checkpoints.jsonl");
    let begun = std::time::Instant::now();
    while !std::fs::read_to_string(&path).is_ok_and(|text| text.ends_with('\n')) {
        assert!(begun.elapsed().as_secs() < 10, "nothing was signed");
        tokio::task::yield_now().await;
    }
    let verified = store.verify().await.expect("checked");
    assert_eq!(verified.checkpoint.expect("it holds").events, 1_201);
    store.close().await;
}

/// The end is cut off so well that the chain and the rows agree.
const CUT: &str = "DELETE FROM events WHERE gseq > 6; UPDATE runs SET seq = 6;";

#[tokio::test]
async fn a_cut_end_is_found() {
    let (dir, anchor) = signed().await;
    execute(dir.path(), &format!("{UNLOCK}{CUT}"))
        .await
        .expect("tampered with");
    finds(&check(dir.path(), "").await, "its end was cut off");
    // Without the file beside the log only the anchor from elsewhere knows.
    std::fs::remove_file(dir.path().join("checkpoints.jsonl")).expect("gone");
    let alone = check(dir.path(), "").await;
    assert_eq!(
        (alone.damage.len(), alone.checkpoint),
        (0, None),
        "nothing vouches for it"
    );
    finds(&check(dir.path(), &anchor).await, "the anchor of");
}

#[tokio::test]
async fn an_older_copy_in_its_place_is_found() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 4)).await.expect("a run");
    store.close().await;
    let older = std::fs::read(dir.path().join("baton.db")).expect("a database");
    let store = open(dir.path()).await;
    store.append(batch("r", 4, 4)).await.expect("it goes on");
    store.close().await;
    std::fs::write(dir.path().join("baton.db"), older).expect("replaced");
    finds(
        &check(dir.path(), "").await,
        "an older copy stands in its place",
    );
}

#[tokio::test]
async fn a_log_written_anew_is_found() {
    let (dir, anchor) = signed().await;
    // Somebody else's log of the same length, with a chain that is whole.
    let (other, store) = store().await;
    store.append(batch("s", 0, 10)).await.expect("a run");
    store.close().await;
    std::fs::copy(other.path().join("baton.db"), dir.path().join("baton.db")).expect("replaced");
    finds(&check(dir.path(), "").await, "is not what the checkpoint");
    finds(&check(dir.path(), &anchor).await, "is not what the anchor");
    // With key and checkpoints of the other one, the folder vouches for itself; the anchor does not.
    for name in ["checkpoints.jsonl", "checkpoints.key"] {
        std::fs::copy(other.path().join(name), dir.path().join(name)).expect("replaced");
    }
    assert_eq!(check(dir.path(), "").await.damage, Vec::<String>::new());
    finds(&check(dir.path(), &anchor).await, "is not what the anchor");
}

#[tokio::test]
async fn changed_checkpoints_and_anchors_are_found() {
    let (dir, anchor) = signed().await;
    let path = dir.path().join("checkpoints.jsonl");
    let whole = std::fs::read_to_string(&path).expect("a file");
    std::fs::write(&path, whole.replace("\"events\":10", "\"events\":9")).expect("changed");
    finds(&check(dir.path(), "").await, "its signature does not fit");
    std::fs::write(&path, whole).expect("as it was");

    let store = open(dir.path()).await;
    for (changed, says) in [
        (anchor.replace("\"events\":10", "\"events\":9"), "signature"),
        ("not an anchor".to_owned(), "line 1"),
        (format!("{anchor}\n{{}}"), "line 2"),
    ] {
        let error = store
            .verify_against(&changed)
            .await
            .expect_err("it is no anchor");
        assert_eq!(error.code(), "store-invalid");
        assert!(error.to_string().contains(says), "{error}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_clock_that_went_back_is_suspect_and_not_damage() {
    let (dir, anchor) = signed().await;
    let store = open(dir.path()).await;
    let mut back = batch("r", 10, 1);
    back.events[0].at = -10_000_000;
    store.append(back).await.expect("it is written");
    let mut ahead = batch("r", 11, 1);
    ahead.events[0].at = i64::MAX / 4;
    store.append(ahead).await.expect("it is written");
    let verified = store.verify_against(&anchor).await.expect("checked");
    assert_eq!(verified.damage, Vec::<String>::new());
    let says = |what: &str| verified.clock.iter().any(|doubt| doubt.contains(what));
    assert!(says("before an earlier one"), "{:?}", verified.clock);
    assert!(says("this machine says"), "{:?}", verified.clock);
    store.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_is_for_this_account_only_and_in_no_backup() {
    let (dir, _) = signed().await;
    assert_eq!(Store::is_key_open(dir.path()), Some(false));
    let store = open(dir.path()).await;
    let made = store.backup(None, "manual").await.expect("a backup");
    assert!(!made.path.join("checkpoints.key").exists());
    let lines = std::fs::read_to_string(made.path.join("checkpoints.jsonl")).expect("a file");
    let last: Checkpoint =
        serde_json::from_str(lines.lines().last().expect("a line")).expect("a checkpoint");
    assert_eq!(
        Some(last.head),
        made.manifest.head,
        "the backup ends with a signed checkpoint"
    );
    store.close().await;
}
