//! A process is killed while it writes; a disk is full.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::common::{batch, open};

/// Tells this test binary to be the process that is killed.
const FOLDER: &str = "BATON_STORE_CRASH_FOLDER";

/// The process that `a_killed_process_loses_nothing` kills: appends until then, and says after each batch what
/// was acknowledged. By itself it does nothing.
#[tokio::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = open(folder.as_ref()).await;
    let rounds: u32 = store.open_runs().await.expect("runs").len() as u32;
    let run = format!("run-{rounds}");
    let mut seq = 0;
    loop {
        seq = store
            .append(batch(&run, seq, 1 + seq % 40))
            .await
            .expect("it follows")
            .seq;
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack {run} {seq}").expect("the pipe is open");
        out.flush().expect("the pipe is open");
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing() {
    let dir = tempfile::TempDir::new().expect("a folder");
    let mut total = 0;
    for round in 0..12_usize {
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "crash::child", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        // Some are killed after their first batch, some later, all at a moment of their own.
        let mut acknowledged = None;
        let mut acks = 0;
        for line in lines {
            let line = line.expect("it is text");
            let Some((_, said)) = line.split_once("ack ") else {
                continue;
            };
            acknowledged = Some(said.to_owned());
            acks += 1;
            if acks == 1 + round * 3 {
                std::thread::sleep(std::time::Duration::from_micros(300 * round as u64));
                child.kill().expect("it can be killed");
            }
        }
        child.wait().expect("it is gone");
        let acknowledged = acknowledged.expect("it acknowledged something");
        let (run, seq) = acknowledged.split_once(' ').expect("a run and a position");
        let seq: u32 = seq.parse().expect("a number");

        let store = open(dir.path()).await;
        let events = store.events(run, 0, u32::MAX).await.expect("events");
        assert!(
            events.len() >= seq as usize,
            "round {round}: {} of {seq}",
            events.len()
        );
        let row = store
            .run(run)
            .await
            .expect("read")
            .expect("the run is there");
        assert_eq!(
            row.seq as usize,
            events.len(),
            "the list agrees with the log"
        );
        total += events.len() as u64;
        let verified = store.verify().await.expect("it can be checked");
        assert_eq!((verified.events, verified.damage), (total, vec![]));
        store.close().await;
    }
}

/// A disk of one megabyte fills up, is freed, and the log goes on. Who may not mount a small disk is told; a limit
/// on the pages of the database stands in for it in the tests of the writer.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_reported_and_survived() {
    let disk = tempfile::TempDir::new().expect("a folder");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1500k", "tmpfs"])
        .arg(disk.path())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        let mut out = std::io::stderr().lock();
        writeln!(out, "left out: this account may not mount a small disk").expect("a line");
        return;
    }
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![1; 500_000]).expect("there is space");
    let store = open(&disk.path().join("data")).await;
    let mut seq = 0;
    let error = loop {
        match store.append(batch("r", seq, 100)).await {
            Ok(appended) => seq = appended.seq,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), "store-disk-full", "{error:?}");
    assert!(error.hint().is_some());
    let again = store
        .append(batch("r", seq, 100))
        .await
        .expect_err("still full");
    assert_eq!(again.code(), "store-disk-full", "{again:?}");
    assert_eq!(
        store
            .events("r", 0, u32::MAX)
            .await
            .expect("it can be read")
            .len(),
        seq as usize
    );

    std::fs::remove_file(&ballast).expect("it can be freed");
    seq = store
        .append(batch("r", seq, 100))
        .await
        .expect("there is space again")
        .seq;
    let verified = store.verify().await.expect("it can be checked");
    assert_eq!((verified.events, verified.damage), (u64::from(seq), vec![]));
    store.close().await;
    let unmounted = Command::new("umount")
        .arg(disk.path())
        .status()
        .expect("umount starts");
    assert!(unmounted.success(), "the disk can be unmounted");
}
