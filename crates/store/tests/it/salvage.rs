//! What can be saved of a damaged database.

use std::path::Path;

use baton_core::machine::Event;
use baton_store::{OpenOptions, Store};

use crate::common::{batch, end, execute, open, store};

const UNLOCK: &str = "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_removed; \
    DROP TRIGGER an_ended_run_is_final; DROP TRIGGER runs_are_never_removed;";

async fn three_runs() -> tempfile::TempDir {
    let (dir, store) = store().await;
    for expected in 0..300 {
        for run in ["a", "b", "c"] {
            store
                .append(batch(run, expected, 1))
                .await
                .expect("it follows");
        }
    }
    store.append(end("c", 300)).await.expect("its end");
    store
        .put_definition("d", "the text")
        .await
        .expect("a definition");
    store
        .draft_put("untitled:1", None, "{}", 1)
        .await
        .expect("a draft");
    store.close().await;
    dir
}

/// All of the new log is whole, and every run in it is the beginning of what it was.
async fn is_sound(dir: &Path) {
    let store = open(dir).await;
    let verified = store.verify().await.expect("it can be checked");
    assert_eq!(verified.damage, Vec::<String>::new());
    let all = baton_store::RunFilter {
        limit: 100,
        ..baton_store::RunFilter::default()
    };
    let (runs, _) = store.runs(all).await.expect("a list");
    for run in runs {
        let events = store.events(&run.id, 0, 1_000).await.expect("events");
        let written = batch(&run.id, 0, 301).events;
        for (event, written) in events.iter().zip(&written) {
            let is_later = matches!(
                event.event,
                Event::RunPaused { .. } | Event::RunEnded { .. }
            );
            assert!(event == written || is_later, "{event:?}");
        }
    }
    store.close().await;
}

#[tokio::test]
async fn a_changed_event_costs_its_run_the_rest_and_the_others_nothing() {
    let dir = three_runs().await;
    // Place 302 is event 101 of run `b`.
    execute(
        dir.path(),
        &format!("{UNLOCK}UPDATE events SET at = 7 WHERE gseq = 302"),
    )
    .await
    .expect("tampered with");
    let saved = Store::salvage(dir.path()).await.expect("saved");
    assert_eq!(saved.first_bad, Some(302));
    assert_eq!(saved.whole_runs, 2);
    let [cut] = saved.runs.as_slice() else {
        panic!("{saved:?}")
    };
    assert_eq!((cut.number, cut.kept, cut.had), (2, 100, Some(300)));
    assert_eq!(saved.events, 300 + 100 + 301);
    is_sound(dir.path()).await;

    let store = open(dir.path()).await;
    let run = async |id| store.run(id).await.expect("a list").expect("the run");
    assert_eq!(
        (run("a").await.status.as_str(), run("a").await.seq),
        ("paused", 301)
    );
    assert_eq!(
        (run("b").await.status.as_str(), run("b").await.seq),
        ("paused", 101)
    );
    assert_eq!(
        (run("c").await.status.as_str(), run("c").await.ended_at),
        ("succeeded", Some(5))
    );
    assert_eq!(store.definition("d").await, Ok(Some("the text".to_owned())));
    assert_eq!(store.draft_list().await.expect("drafts").len(), 1);
    store
        .append(batch("a", 301, 1))
        .await
        .expect("it can go on");
    store.close().await;
    let aside = saved.aside.expect("it was put aside");
    assert!(aside.join("baton.db").exists());
    let report = std::fs::read_to_string(aside.join("salvaged.txt")).expect("a report");
    assert!(report.contains("Run 2 (b): 100 of 300 events."), "{report}");
}

#[tokio::test]
async fn a_missing_event_costs_its_run_the_rest() {
    let dir = three_runs().await;
    execute(
        dir.path(),
        &format!("{UNLOCK}DELETE FROM events WHERE gseq = 4; DELETE FROM runs WHERE id = 'c'"),
    )
    .await
    .expect("tampered with");
    let saved = Store::salvage(dir.path()).await.expect("saved");
    assert_eq!(saved.first_bad, Some(3), "the first event of run 3");
    let cut: Vec<(u32, u32)> = saved
        .runs
        .iter()
        .map(|run| (run.number, run.kept))
        .collect();
    // The first event of these runs does not name its run, so without its row nobody knows what run 3 is.
    assert_eq!(cut, [(1, 1), (3, 0)]);
    is_sound(dir.path()).await;
}

/// Pages full of noise, one after the other, all over the file.
#[tokio::test]
async fn whatever_page_is_damaged_the_rest_is_saved() {
    let dir = three_runs().await;
    let whole = std::fs::read(dir.path().join("baton.db")).expect("a database");
    let pages = whole.len() / 4096;
    let mut best = 0;
    for page in (0..pages).step_by(pages / 12 + 1) {
        let copy = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(copy.path().join("artifacts")).expect("a folder");
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0x5a);
        std::fs::write(copy.path().join("baton.db"), &bytes).expect("damaged");
        std::fs::write(copy.path().join("baton.lock"), "1\n").expect("its owner was killed");
        if Store::open(copy.path(), OpenOptions::default())
            .await
            .is_ok_and(|_| true)
        {
            continue;
        }
        let saved = Store::salvage(copy.path()).await.expect("saved");
        best = best.max(saved.events);
        let aside = saved.aside.expect("it was put aside");
        assert_eq!(
            std::fs::read(aside.join("baton.db")).expect("kept"),
            bytes,
            "page {page}"
        );
        is_sound(copy.path()).await;
    }
    assert!(best > 600, "at best {best} of 901 events were saved");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_put_aside() {
    let dir = three_runs().await;
    std::fs::write(dir.path().join("baton.db"), "no database".repeat(500)).expect("damaged");
    let saved = Store::salvage(dir.path()).await.expect("an empty one");
    assert_eq!((saved.events, saved.lost.len()), (0, 1));
    is_sound(dir.path()).await;
}
