//! Tampering and decay never pass unseen.

use baton_store::{OpenOptions, Store, StoreError, Verified};

use crate::common::{batch, end, execute, open, store};

const UNLOCK: &str = "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_removed; \
    DROP TRIGGER an_ended_run_is_final; DROP TRIGGER runs_are_never_removed;";

/// Three runs, interleaved; then somebody goes to the database.
async fn after(tampering: &str) -> Verified {
    let (dir, store) = store().await;
    for expected in 0..5 {
        for run in ["a", "b", "c"] {
            store
                .append(batch(run, expected, 1))
                .await
                .expect("it follows");
        }
    }
    store.append(end("c", 5)).await.expect("its end");
    store.close().await;
    if !tampering.is_empty() {
        execute(dir.path(), &format!("{UNLOCK}{tampering}"))
            .await
            .expect("tampered with");
    }
    let store = open(dir.path()).await;
    let verified = store.verify().await.expect("it can be checked");
    store.close().await;
    verified
}

#[tokio::test]
async fn a_whole_log_has_a_head_and_no_damage() {
    let first = after("").await;
    assert_eq!((first.events, &first.damage), (16, &vec![]));
    let head = first.head.expect("a head");
    assert_eq!(head.len(), 64);
    assert_eq!(
        after("").await.head.as_ref(),
        Some(&head),
        "the same events have the same head"
    );
}

#[tokio::test]
async fn an_empty_log_is_whole() {
    let (_dir, store) = store().await;
    assert_eq!(store.verify().await, Ok(Verified::default()));
}

#[tokio::test]
async fn every_kind_of_tampering_is_found() {
    for (tampering, finding) in [
        (
            "UPDATE events SET payload = replace(payload, 'info', 'warn') WHERE gseq = 5",
            "not what was written",
        ),
        (
            "UPDATE events SET at = at + 1 WHERE gseq = 16",
            "not what was written",
        ),
        (
            "UPDATE events SET type = 'RunPaused' WHERE gseq = 1",
            "not what was written",
        ),
        (
            "UPDATE events SET v = 2 WHERE gseq = 4",
            "not what was written",
        ),
        (
            "UPDATE events SET hash = zeroblob(32) WHERE gseq = 4",
            "does not follow",
        ),
        (
            "UPDATE events SET run = 2, seq = 99 WHERE gseq = 7",
            "stands where event",
        ),
        (
            "DELETE FROM events WHERE gseq = 1",
            "1 events are missing before",
        ),
        (
            "DELETE FROM events WHERE gseq BETWEEN 8 AND 9",
            "2 events are missing before",
        ),
        (
            "DELETE FROM events WHERE gseq = 16",
            "run `c` should have 6 events, but its last one is 5",
        ),
        (
            "DELETE FROM events",
            "run `a` should have 5 events, but its last one is 0",
        ),
        (
            "UPDATE events SET gseq = -1 WHERE gseq = 4; UPDATE events SET gseq = 4 WHERE gseq = 5; \
          UPDATE events SET gseq = 5 WHERE gseq = -1",
            "does not follow",
        ),
        (
            "INSERT INTO events SELECT 17, run, 6, at, type, v, payload, hash, hash FROM events WHERE gseq = 13",
            "not what was written",
        ),
        (
            "UPDATE runs SET id = 'x' WHERE id = 'b'",
            "not what was written",
        ),
        (
            "UPDATE runs SET seq = 4 WHERE id = 'a'",
            "run `a` should have 4 events",
        ),
        ("DELETE FROM runs WHERE id = 'a'", "not what was written"),
    ] {
        let verified = after(tampering).await;
        assert!(
            verified.damage.iter().any(|found| found.contains(finding)),
            "{tampering}: {:?}",
            verified.damage
        );
        assert_eq!(verified.head, None, "{tampering}");
    }
}

#[tokio::test]
async fn an_event_that_was_changed_or_is_missing_is_never_handed_out() {
    for (tampering, reason) in [
        (
            "UPDATE events SET payload = replace(payload, 'info', 'warn') WHERE seq = 3",
            "it is not what was written",
        ),
        (
            "UPDATE events SET at = at + 1 WHERE seq = 3",
            "it is not what was written",
        ),
        ("DELETE FROM events WHERE seq = 3", "event 3 is missing"),
    ] {
        let (dir, store) = store().await;
        store.append(batch("r", 0, 5)).await.expect("a run");
        store.close().await;
        execute(dir.path(), &format!("{UNLOCK}{tampering}"))
            .await
            .expect("tampered with");
        let store = open(dir.path()).await;
        let error = store.events("r", 0, 10).await.expect_err("it is refused");
        assert_eq!(error.code(), "store-unreadable", "{tampering}");
        assert!(error.to_string().contains(reason), "{tampering}: {error}");
        let before = store
            .events("r", 0, 2)
            .await
            .expect("what is whole is read");
        assert_eq!(before, batch("r", 0, 2).events);
        store.close().await;
    }
}

#[tokio::test]
async fn flipped_bytes_are_found_at_the_latest_by_the_check() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 4_000)).await.expect("a run");
    store.close().await;
    let database = dir.path().join("baton.db");
    let whole = std::fs::read(&database).expect("a database");
    let mut found = 0;
    for step in 0..60 {
        // Spread over the whole file: the first pages hold little while most tables are empty.
        let at = (step * (whole.len() / 60) + step * 37 + 24) % whole.len();
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&database, &flipped).expect("it can be written");
        let store = match Store::open(dir.path(), OpenOptions::default()).await {
            Ok(store) => store,
            Err(error) => {
                let codes = ["store-damaged", "store-newer", "store-database", "store-io"];
                assert!(codes.contains(&error.code()), "byte {at}: {error:?}");
                found += 1;
                continue;
            }
        };
        if store
            .verify()
            .await
            .is_ok_and(|verified| verified.damage.is_empty())
        {
            // Bytes that hold nothing may change unseen, but then the log reads as it did.
            let read = store.events("r", 0, u32::MAX).await.expect("it reads");
            assert_eq!(
                read,
                batch("r", 0, 4_000).events,
                "byte {at} of the log changed unseen"
            );
        } else {
            found += 1;
        }
        store.close().await;
    }
    assert!(found > 45, "only {found} of 60 were found");
    std::fs::write(&database, &whole).expect("it can be written");
    let store = open(dir.path()).await;
    assert_eq!(
        store.verify().await.expect("it can be checked").damage,
        Vec::<String>::new()
    );
}

/// A page of the log in the place of an earlier one leads back to where the reading came from.
#[tokio::test]
async fn pages_in_the_wrong_place_are_found_and_the_check_ends() {
    const PAGE: usize = 4_096;
    let (dir, store) = store().await;
    store.append(batch("r", 0, 600)).await.expect("a run");
    store.close().await;
    let database = dir.path().join("baton.db");
    let whole = std::fs::read(&database).expect("a database");
    let pages = whole.len() / PAGE;
    assert!(pages > 30, "{pages} pages");
    for to in 1..pages {
        let from = 1 + (to + 2) % (pages - 1);
        let mut moved = whole.clone();
        moved.copy_within(from * PAGE..(from + 1) * PAGE, to * PAGE);
        std::fs::write(&database, &moved).expect("it can be written");
        let Ok(store) = Store::open(dir.path(), OpenOptions::default()).await else {
            continue;
        };
        let limit = std::time::Duration::from_secs(20);
        let verified = tokio::time::timeout(limit, store.verify()).await;
        let verified = verified.unwrap_or_else(|_| panic!("page {from} in place of {to}: no end"));
        if verified.is_ok_and(|verified| verified.damage.is_empty()) {
            let read = store.events("r", 0, u32::MAX).await.expect("it reads");
            assert_eq!(read, batch("r", 0, 600).events, "page {to} changed unseen");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_damaged_database_after_a_crash_is_reported_and_kept() {
    let (dir, store) = store().await;
    store.append(batch("r", 0, 1_500)).await.expect("a run");
    store.close().await;
    let database = dir.path().join("baton.db");
    let mut bytes = std::fs::read(&database).expect("a database");
    let middle = bytes.len() / 8192 * 4096;
    bytes[middle..middle + 4096].fill(0x5a);
    std::fs::write(&database, &bytes).expect("it can be written");
    // Its last owner did not close it.
    std::fs::write(dir.path().join("baton.lock"), "1\n").expect("it can be written");

    for _ in 0..2 {
        let error = Store::open(dir.path(), OpenOptions::default())
            .await
            .expect_err("damaged");
        assert_eq!(error.code(), "store-damaged", "{error}");
        assert!(
            error
                .hint()
                .is_some_and(|hint| hint.contains("baton restore"))
        );
        assert_eq!(std::fs::read(&database).expect("it is still there"), bytes);
    }
    let read_only = OpenOptions {
        read_only: true,
        ..OpenOptions::default()
    };
    let store = Store::open(dir.path(), read_only)
        .await
        .expect("one can still look");
    assert!(
        !store
            .verify()
            .await
            .expect("it can be checked")
            .damage
            .is_empty()
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_reported_and_kept() {
    let (dir, store) = store().await;
    store.close().await;
    let database = dir.path().join("baton.db");
    let text = "not a database, and longer than the header of one would be, by some bytes at least"
        .repeat(9);
    std::fs::write(&database, &text).expect("it can be written");
    let error = Store::open(dir.path(), OpenOptions::default())
        .await
        .expect_err("no database");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(
        std::fs::read_to_string(&database).expect("it is still there"),
        text
    );
}
