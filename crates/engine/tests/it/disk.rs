//! A disk that fills up and is freed: runs stand still, say so, and go on by themselves.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use baton_core::machine::{DISK, Event, Outcome};
use baton_engine::{DiskLevel, EngineError, EngineNotice, NewRun, Room, Space, Watermarks};
use serde_json::json;

use crate::support::{Act, Bench, count, workflow};

/// Room that the test makes.
#[derive(Debug)]
struct Fake(AtomicU64);

impl Space for Fake {
    fn look(&self, _: &Path) -> io::Result<Room> {
        Ok(Room {
            free: self.0.load(Ordering::SeqCst),
            total: 100_000_000_000,
        })
    }
}

const MUCH: u64 = 50_000_000_000;

impl Fake {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(MUCH)))
    }

    /// Changes the room and lets the engine look.
    fn set(&self, bench: &Bench, free: u64) {
        self.0.store(free, Ordering::SeqCst);
        bench.engine.set_watermarks(Watermarks {
            ballast: 1_000_000,
            ..Watermarks::default()
        });
    }
}

fn chain() -> baton_core::document::Workflow {
    workflow(
        json!({ "steps": [{ "id": "a", "kind": "act" }, { "id": "b", "kind": "act" }],
        "edges": [{ "from": "a", "to": "b" }] }),
    )
}

#[tokio::test]
async fn with_little_room_no_step_begins_and_with_room_it_goes_on_by_itself() {
    let room = Fake::new();
    let bench = Bench::set_up(|config| config.space = room.clone()).await;
    bench.script.on("a", [Act::Hold(json!(1))]);
    let run = bench.start(&chain(), json!(null)).await;
    bench
        .until(&run, |event| {
            matches!(event, Event::StepStarted { .. }).then_some(())
        })
        .await;
    while bench.script.log().is_empty() {
        tokio::task::yield_now().await;
    }
    let mut notices = bench.engine.subscribe();
    room.set(&bench, 400_000_000);
    assert_eq!(bench.engine.disk().level, DiskLevel::Paused);
    while !matches!(notices.recv().await, Ok(EngineNotice::DiskChanged)) {}
    bench.status(&run, "paused").await;
    let row = bench.store.run(&run).await.unwrap().unwrap();
    assert!(
        row.waiting_for[0].starts_with("room on the disk"),
        "{row:?}"
    );
    // What is under way is finished and written.
    bench.script.let_go();
    bench
        .until(&run, |event| {
            matches!(event, Event::StepSucceeded { .. }).then_some(())
        })
        .await;
    assert_eq!(bench.script.log(), ["act a"]);
    room.set(&bench, MUCH);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    let events = bench.events(&run).await;
    assert_eq!(
        (count(&events, "RunPaused"), count(&events, "RunResumed")),
        (1, 1)
    );
    let by = bench.until(&run, |event| match event {
        Event::RunPaused { by } => Some(by.clone()),
        _ => None,
    });
    assert_eq!(by.await, DISK);
}

#[tokio::test]
async fn a_run_that_begins_with_little_room_waits_and_one_with_none_is_refused() {
    let room = Fake::new();
    let bench = Bench::set_up(|config| config.space = room.clone()).await;
    room.set(&bench, 400_000_000);
    let run = bench.start(&chain(), json!(null)).await;
    bench.status(&run, "paused").await;
    room.set(&bench, 90_000_000);
    let new = NewRun {
        workflow: chain().into(),
        path: None,
        work_dir: bench.work_dir(),
        input: json!(null),
        by: None,
    };
    let refused = bench.engine.run(new).await;
    assert!(matches!(refused, Err(EngineError::Store(_))), "{refused:?}");
    assert!(bench.script.log().is_empty());
    // The engine ends and comes back with room again.
    let bench = bench.crash().await;
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

#[tokio::test]
async fn a_person_who_resumes_a_run_for_which_there_is_no_room_is_not_believed() {
    let room = Fake::new();
    let bench = Bench::set_up(|config| config.space = room.clone()).await;
    room.set(&bench, 400_000_000);
    let run = bench.start(&chain(), json!(null)).await;
    bench.status(&run, "paused").await;
    bench.engine.resume(&run, "kim").await.unwrap();
    let pauses = || async { count(&bench.events(&run).await, "RunPaused") };
    while pauses().await < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(bench.script.log().is_empty());
    room.set(&bench, MUCH);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
}

/// A real disk of 48 MB fills up, is freed, and everything goes on. Who may not mount one is told so; the tests above
/// stand in for it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_real_disk_fills_up_and_is_freed() {
    use std::io::Write;
    use std::process::Command;

    let disk = Arc::new(tempfile::tempdir().unwrap());
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=48m", "tmpfs"])
        .arg(disk.path())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        let mut out = std::io::stderr().lock();
        writeln!(out, "left out: this account may not mount a small disk").unwrap();
        return;
    }
    let marks = Watermarks {
        warn: 20_000_000,
        warn_percent: 5,
        pause: 8_000_000,
        read_only: 4_000_000,
        ballast: 2_000_000,
    };
    let bench = Bench::with(
        disk.clone(),
        baton_engine::ManualClock::new(crate::support::START),
        Arc::default(),
        None,
        |config| config.watermarks = marks,
    )
    .await;
    wait(|| bench.engine.disk().has_ballast).await;
    let long = workflow(json!({ "steps": [
        { "id": "each", "kind": "for_each", "with": { "items": "{% [1..400] %}" },
          "body": { "steps": [{ "id": "one", "kind": "act", "with": { "text": "{% input.text %}" } }], "edges": [] } }] }));
    bench.script.on("one", [Act::Hold(json!(1))]);
    let run = bench
        .start(&long, json!({ "text": "x".repeat(2_000) }))
        .await;
    wait(|| !bench.script.log().is_empty()).await;
    // Somebody else fills the disk to the brim.
    let filler = disk.path().join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    let full = loop {
        if let Err(error) = file.write_all(&[7; 1 << 16]) {
            break error;
        }
    };
    assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    wait(|| bench.engine.disk().level >= DiskLevel::Paused).await;
    wait(|| !bench.engine.disk().has_ballast).await;
    bench.status(&run, "paused").await;
    bench.script.let_go();
    bench
        .until(&run, |event| {
            matches!(event, Event::StepSucceeded { .. }).then_some(())
        })
        .await;
    assert_eq!(bench.script.log().len(), 1, "nothing more begins");
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    bench.script.on("one", [Act::Give(json!(1))]);
    assert_eq!(bench.ended(&run).await.outcome, Outcome::Succeeded);
    wait(|| bench.engine.disk().has_ballast).await;
    let verified = bench.store.verify().await.unwrap();
    assert_eq!(verified.damage, Vec::<String>::new());
    bench.engine.close().await;
    bench.store.close().await;
    drop(bench);
    let unmounted = Command::new("umount").arg(disk.path()).status().unwrap();
    assert!(unmounted.success(), "the disk can be unmounted");
}

#[cfg(target_os = "linux")]
async fn wait(until: impl Fn() -> bool) {
    for _ in 0..4_000 {
        if until() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come");
}
