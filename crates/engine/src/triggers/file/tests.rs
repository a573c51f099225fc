//! Real folders and the real watcher of the system, with a ledger in memory. Waits for conditions, never for time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use baton_core::Millis;
use baton_core::trigger::{FileSettings, TriggerKind, TriggerSpec};
use baton_store::{Recorded, StoreError, WatchedFile};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, FileFiring, LedgerRow, Mark, Writer};
use super::hints::Hints;
use super::source::FileSource;
use crate::clock::{Clock, ManualClock, SystemClock};

/// What the desk holds.
#[derive(Debug, Default, Clone)]
struct Held {
    ledger: BTreeMap<String, WatchedFile>,
    fired: Vec<(Millis, FileFiring)>,
    trouble: Option<String>,
    writers: BTreeMap<PathBuf, Writer>,
    asked: usize,
    is_down: bool,
    is_paused: bool,
    room: usize,
}

#[derive(Debug)]
struct Memory {
    held: watch::Sender<Held>,
    keys: Mutex<BTreeSet<String>>,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Desk for Memory {
    async fn ledger(&self) -> Result<Vec<WatchedFile>, StoreError> {
        self.up()?;
        Ok(self.held.borrow().ledger.values().cloned().collect())
    }

    async fn write(&self, rows: Vec<LedgerRow>, mark: Option<Mark>) -> Result<(), StoreError> {
        self.up()?;
        self.held.send_modify(|held| {
            let mark = mark.map(|mark| mark.keep("w", "t", 0));
            let rows = rows.iter().map(|(path, row)| row.keep("w", "t", path));
            for file in rows.chain(mark) {
                held.ledger.insert(file.path.clone(), file);
            }
        });
        Ok(())
    }

    async fn forget(&self, paths: Vec<String>) -> Result<(), StoreError> {
        self.held.send_modify(|held| {
            for path in &paths {
                held.ledger.remove(path);
            }
        });
        Ok(())
    }

    async fn room(&self) -> Result<usize, StoreError> {
        self.up()?;
        Ok(self.held.borrow().room)
    }

    async fn fire(&self, firings: Vec<FileFiring>) -> Result<Vec<Recorded>, StoreError> {
        self.up()?;
        if self.held.borrow().is_paused {
            self.held.send_modify(|held| held.asked += firings.len());
            return Ok(vec![Recorded::Paused; firings.len()]);
        }
        let now = self.clock.now();
        let mut recorded = Vec::new();
        self.held.send_modify(|held| {
            for firing in firings {
                if !self.keys.lock().unwrap().insert(firing.key.clone()) {
                    recorded.push(Recorded::Duplicate);
                    continue;
                }
                let file = firing.file.1.keep("w", "t", &firing.file.0);
                held.ledger.insert(file.path.clone(), file);
                held.fired.push((now, firing));
                recorded.push(Recorded::Accepted);
            }
        });
        Ok(recorded)
    }

    async fn trouble(&self, trouble: Option<String>) {
        self.held.send_modify(|held| held.trouble = trouble);
    }

    async fn writer(&self, path: &Path, _: &str) -> Writer {
        self.held.send_modify(|held| held.asked += 1);
        self.held
            .borrow()
            .writers
            .get(path)
            .cloned()
            .unwrap_or(Writer::Other)
    }
}

impl Memory {
    fn up(&self) -> Result<(), StoreError> {
        if self.held.borrow().is_down {
            self.held.send_modify(|held| held.asked += 1);
            return Err(StoreError::Closed);
        }
        Ok(())
    }
}

/// A work folder with a watched folder `in`.
struct Bench {
    dir: tempfile::TempDir,
    desk: Arc<Memory>,
    clock: Arc<dyn Clock>,
    hints: Arc<Hints>,
    stop: CancellationToken,
    source: Option<tokio::task::JoinHandle<()>>,
}

impl Bench {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        Self {
            desk: Arc::new(Memory {
                held: watch::Sender::new(Held {
                    room: usize::MAX,
                    ..Held::default()
                }),
                keys: Mutex::default(),
                clock: clock.clone(),
            }),
            dir,
            clock,
            hints: Arc::default(),
            stop: CancellationToken::new(),
            source: None,
        }
    }

    /// Real time, and nothing but hints: the folder is looked at as a whole once a day.
    fn hinted() -> Self {
        Self::new(Arc::new(SystemClock))
    }

    fn file(&self, path: &str) -> PathBuf {
        self.dir.path().join("in").join(path)
    }

    fn put(&self, path: &str, content: &str) {
        std::fs::write(self.file(path), content).unwrap();
    }

    /// Starts watching; returns once the folder was looked at.
    async fn watch(&mut self, settings: Value) {
        let mut all = json!({ "folder": "in", "stableFor": "0ms", "poll": "1d" });
        for (name, value) in settings.as_object().unwrap() {
            all[name] = value.clone();
        }
        let source = FileSource {
            settings: settings_of(&all),
            work_dir: self.dir.path().to_path_buf(),
            since: i64::MAX,
            desk: self.desk.clone(),
            clock: self.clock.clone(),
            hints: self.hints.clone(),
        };
        self.stop = CancellationToken::new();
        self.source = Some(tokio::spawn(source.run(self.stop.clone())));
        self.until("it was looked at", |held| held.ledger.contains_key(""))
            .await;
    }

    async fn end(&mut self) {
        self.stop.cancel();
        if let Some(source) = self.source.take() {
            source.await.unwrap();
        }
    }

    async fn until(&self, what: &str, holds: impl Fn(&Held) -> bool) -> Held {
        let mut seen = self.desk.held.subscribe();
        let wait = seen.wait_for(|held| holds(held));
        match tokio::time::timeout(std::time::Duration::from_secs(20), wait).await {
            Ok(held) => held.unwrap().clone(),
            Err(_) => panic!("waited for: {what}; is {:#?}", self.desk.held.borrow()),
        }
    }

    async fn fired(&self, count: usize) -> Vec<FileFiring> {
        let what = format!("{count} firings");
        let held = self.until(&what, |held| held.fired.len() >= count).await;
        assert_eq!(held.fired.len(), count);
        held.fired.into_iter().map(|(_, firing)| firing).collect()
    }

    /// Makes sure that nothing is under way: a last file goes through, and its firing comes after all others.
    async fn nothing_more(&self, count: usize) -> Vec<FileFiring> {
        self.hints.all();
        self.put("zzz-last", "last");
        let held = self
            .until("the last file", |held| {
                held.fired
                    .iter()
                    .any(|(_, firing)| firing.file.0 == "zzz-last")
            })
            .await;
        let fired: Vec<FileFiring> = held.fired.into_iter().map(|(_, firing)| firing).collect();
        assert_eq!(fired.len(), count + 1, "{fired:#?}");
        fired
    }
}

fn settings_of(with: &Value) -> FileSettings {
    let mut trigger = with.clone();
    trigger["id"] = json!("t");
    trigger["kind"] = json!("file");
    let (spec, troubles) = TriggerSpec::read(&serde_json::from_value(trigger).unwrap());
    match spec.map(|spec| spec.kind) {
        Some(TriggerKind::File(settings)) => *settings,
        other => panic!("{other:?}: {troubles:?}"),
    }
}

fn names(fired: &[FileFiring]) -> Vec<&str> {
    let mut names: Vec<&str> = fired.iter().map(|firing| firing.file.0.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_file_that_lands_fires_with_what_it_is() {
    let mut bench = Bench::hinted();
    bench.watch(json!({ "pattern": "*.csv" })).await;
    bench.put("a.txt", "no");
    bench.put("a.csv", "yes");
    let fired = bench.fired(1).await;
    let payload = &fired[0].payload;
    assert_eq!(payload["path"], "in/a.csv");
    assert_eq!(payload["name"], "a.csv");
    assert_eq!(payload["event"], "new");
    assert_eq!(payload["size"], 3);
    assert_eq!(payload["blake3"], blake3::hash(b"yes").to_hex().as_str());
    assert_eq!(bench.desk.held.borrow().trouble, None);
    bench.end().await;
}

#[tokio::test]
async fn a_touch_does_not_fire_and_a_change_does() {
    let mut bench = Bench::hinted();
    bench.watch(json!({})).await;
    bench.put("a", "1");
    bench.fired(1).await;
    let file = std::fs::File::options()
        .append(true)
        .open(bench.file("a"))
        .unwrap();
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5))
        .unwrap();
    drop(file);
    let known = bench
        .until("the touch was noted", |held| {
            held.ledger["a"].modified > 0 && held.asked == 1
        })
        .await;
    assert_eq!(known.fired.len(), 1);
    bench.put("a", "2");
    let fired = bench.fired(2).await;
    assert_eq!(fired[1].payload["event"], "changed");
    assert_eq!(fired[1].payload["version"], 2);
    bench.end().await;
}

/// A clock that is turned by hand and counts who waits for it.
#[derive(Debug)]
struct Turned {
    clock: ManualClock,
    sleeps: watch::Sender<u64>,
}

#[async_trait]
impl Clock for Turned {
    fn at_work(&self) -> Millis {
        self.clock.at_work()
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    async fn sleep_until(&self, at: Millis) {
        self.clock.sleep_until(at).await;
    }

    async fn sleep_for(&self, ms: i64) {
        self.sleeps.send_modify(|sleeps| *sleeps += 1);
        self.clock.sleep_for(ms).await;
    }
}

#[tokio::test]
async fn a_file_does_not_fire_before_it_rested() {
    let clock = Arc::new(Turned {
        clock: ManualClock::new(1_000_000),
        sleeps: watch::Sender::new(0),
    });
    let mut bench = Bench::new(clock.clone());
    bench
        .watch(json!({ "stableFor": "2s", "poll": "1s" }))
        .await;
    bench.put("a", "");
    let started = clock.now();
    let mut grown = 0;
    // It grows for a while, a little with every half second; then it rests.
    while bench.desk.held.borrow().fired.is_empty() {
        if grown < 10 {
            let mut file = std::fs::File::options()
                .append(true)
                .open(bench.file("a"))
                .unwrap();
            file.write_all(b"x").unwrap();
            grown += 1;
        }
        let mut sleeps = clock.sleeps.subscribe();
        let before = *sleeps.borrow_and_update();
        bench.hints.all();
        clock.clock.advance(500);
        sleeps.wait_for(|sleeps| *sleeps > before).await.unwrap();
        assert!(clock.now() - started < 600_000, "it never fires");
    }
    let held = bench.desk.held.borrow().clone();
    let (at, firing) = &held.fired[0];
    assert!(at - started >= 2_000, "after {} ms", at - started);
    assert_eq!(
        firing.payload["size"], 10,
        "it fired before it was complete"
    );
    bench.end().await;
}

#[tokio::test]
async fn only_so_many_fire_as_may_wait() {
    let mut bench = Bench::hinted();
    bench.watch(json!({})).await;
    bench.desk.held.send_modify(|held| held.room = 0);
    for index in 0..50 {
        bench.put(&format!("f{index}"), "x");
    }
    bench.desk.held.send_modify(|held| held.room = 20);
    let held = bench
        .until("some fired", |held| held.fired.len() >= 20)
        .await;
    assert!(held.fired.len() <= 50);
    bench.fired(50).await;
    bench.end().await;
}

#[tokio::test]
async fn a_file_that_is_open_for_writing_does_not_fire() {
    let mut bench = Bench::hinted();
    bench.watch(json!({})).await;
    let mut writer = std::fs::File::create(bench.file("slow")).unwrap();
    for part in 0..50 {
        writer.write_all(format!("{part}\n").as_bytes()).unwrap();
        writer.flush().unwrap();
        bench.put(&format!("other-{part}"), "x");
    }
    let fired = bench.fired(50).await;
    assert!(!names(&fired).contains(&"slow"));
    drop(writer);
    let fired = bench.fired(51).await;
    let slow = fired.iter().find(|firing| firing.file.0 == "slow").unwrap();
    assert_eq!(
        slow.payload["size"],
        std::fs::metadata(bench.file("slow")).unwrap().len()
    );
    bench.end().await;
}

#[tokio::test]
async fn ten_thousand_files_fire_once_each_though_hints_are_lost() {
    let mut bench = Bench::hinted();
    bench.watch(json!({})).await;
    let folder = bench.file("");
    let hints = bench.hints.clone();
    tokio::task::spawn_blocking(move || {
        for index in 0..10_000 {
            std::fs::write(folder.join(format!("f{index:05}")), index.to_string()).unwrap();
            if index % 1_000 == 0 {
                // As the queue of the system overflows.
                hints.take();
                hints.all();
            }
        }
    })
    .await
    .unwrap();
    let fired = bench.fired(10_000).await;
    let names: BTreeSet<&str> = fired.iter().map(|firing| firing.file.0.as_str()).collect();
    assert_eq!(names.len(), 10_000);
    for firing in fired.iter().step_by(97) {
        let content = std::fs::read(bench.file(&firing.file.0)).unwrap();
        assert_eq!(
            firing.payload["blake3"],
            blake3::hash(&content).to_hex().as_str()
        );
    }
    bench.nothing_more(10_000).await;
    bench.end().await;
}

#[tokio::test]
async fn a_storm_of_names_fires_each_file_once() {
    let mut bench = Bench::hinted();
    bench.watch(json!({})).await;
    for index in 0..200 {
        bench.put(&format!("a{index}"), &format!("content {index}"));
    }
    bench.fired(200).await;
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "d"), ("d", "a"), ("a", "e")] {
        for index in 0..200 {
            let (from, to) = (format!("{from}{index}"), format!("{to}{index}"));
            std::fs::rename(bench.file(&from), bench.file(&to)).unwrap();
        }
        bench.hints.all();
    }
    bench
        .until("the names were noted", |held| {
            let there = held
                .ledger
                .values()
                .filter(|file| file.path.starts_with('e') && !file.state.starts_with("gone"));
            there.count() == 200
        })
        .await;
    bench.nothing_more(200).await;
    bench.end().await;
}

#[tokio::test]
async fn a_name_that_begins_to_count_fires() {
    let mut bench = Bench::hinted();
    bench.watch(json!({ "pattern": "*.csv" })).await;
    bench.put("a.part", "1");
    std::fs::rename(bench.file("a.part"), bench.file("a.csv")).unwrap();
    assert_eq!(names(&bench.fired(1).await), ["a.csv"]);
    // Replaced as a whole, as careful programs do.
    bench.put("a.part", "2");
    std::fs::rename(bench.file("a.part"), bench.file("a.csv")).unwrap();
    assert_eq!(bench.fired(2).await[1].payload["event"], "changed");
    bench.end().await;
}

#[tokio::test]
async fn what_came_while_nobody_watched_fires_at_the_next_start() {
    let mut bench = Bench::hinted();
    bench.put("before", "was there");
    bench.watch(json!({})).await;
    bench.put("a", "1");
    bench.fired(1).await;
    bench.end().await;
    bench.put("b", "1");
    bench.put("a", "2");
    std::fs::remove_file(bench.file("before")).unwrap();
    bench.watch(json!({})).await;
    let fired = bench.fired(3).await;
    assert_eq!(names(&fired), ["a", "a", "b"]);
    bench.end().await;
    bench.watch(json!({})).await;
    bench.nothing_more(3).await;
    bench.end().await;
}

#[tokio::test]
async fn what_was_there_fires_only_if_it_is_meant_to() {
    let mut bench = Bench::hinted();
    bench.put("old", "x");
    bench.watch(json!({})).await;
    bench
        .until("it was learned", |held| {
            held.ledger
                .get("old")
                .is_some_and(|file| file.hash.is_some())
        })
        .await;
    bench.put("old", "y");
    assert_eq!(bench.fired(1).await[0].payload["event"], "changed");
    bench.end().await;

    let mut bench = Bench::hinted();
    bench.put("old", "x");
    bench.watch(json!({ "existing": "fire" })).await;
    assert_eq!(bench.fired(1).await[0].payload["event"], "new");
    bench.end().await;
}

#[tokio::test]
async fn only_the_events_that_are_wanted_fire() {
    let mut bench = Bench::hinted();
    bench.watch(json!({ "events": "changed" })).await;
    bench.put("a", "1");
    bench
        .until("the new file was noted", |held| {
            held.ledger.contains_key("a")
        })
        .await;
    bench.put("a", "2");
    let fired = bench.fired(1).await;
    assert_eq!(fired[0].payload["event"], "changed");
    bench.end().await;
}

#[tokio::test]
async fn a_folder_that_vanishes_is_told_and_watched_again_when_it_is_back() {
    let mut bench = Bench::hinted();
    bench.watch(json!({ "poll": "250ms" })).await;
    bench.put("a", "1");
    bench.fired(1).await;
    let (folder, aside) = (bench.file(""), bench.dir.path().join("aside"));
    std::fs::rename(&folder, &aside).unwrap();
    let held = bench
        .until("the trouble is told", |held| held.trouble.is_some())
        .await;
    let trouble = held.trouble.unwrap();
    assert!(
        trouble.starts_with("folder-missing: ") && trouble.contains("`in`"),
        "{trouble}"
    );
    assert!(
        held.ledger["a"].state.starts_with("fired"),
        "what is away is not gone"
    );
    std::fs::write(aside.join("b"), "2").unwrap();
    std::fs::rename(&aside, &folder).unwrap();
    let fired = bench.fired(2).await;
    assert_eq!(names(&fired), ["a", "b"]);
    bench
        .until("the trouble is over", |held| held.trouble.is_none())
        .await;
    // Another folder in its place.
    std::fs::rename(&folder, &aside).unwrap();
    std::fs::create_dir(&folder).unwrap();
    bench
        .until("the other folder was looked at", |held| {
            held.ledger["a"].state.starts_with("gone")
        })
        .await;
    bench.put("c", "3");
    assert_eq!(names(&bench.fired(3).await), ["a", "b", "c"]);
    bench.end().await;
}

#[tokio::test]
async fn a_folder_that_never_was_begins_empty() {
    let mut bench = Bench::hinted();
    std::fs::remove_dir(bench.file("")).unwrap();
    bench.watch(json!({ "poll": "250ms" })).await;
    assert!(bench.desk.held.borrow().trouble.is_some());
    std::fs::create_dir(bench.dir.path().join("new")).unwrap();
    std::fs::write(bench.dir.path().join("new/a"), "1").unwrap();
    std::fs::rename(bench.dir.path().join("new"), bench.file("")).unwrap();
    assert_eq!(names(&bench.fired(1).await), ["a"]);
    bench.end().await;
}

#[tokio::test]
async fn nothing_is_lost_while_the_store_is_down() {
    let mut bench = Bench::hinted();
    bench.watch(json!({ "poll": "250ms" })).await;
    bench.desk.held.send_modify(|held| held.is_down = true);
    bench.put("a", "1");
    let held = bench
        .until("the trouble is told", |held| held.trouble.is_some())
        .await;
    assert!(held.trouble.unwrap().starts_with("store: "));
    bench.desk.held.send_modify(|held| held.is_down = false);
    bench.fired(1).await;
    bench
        .until("the trouble is over", |held| held.trouble.is_none())
        .await;
    bench.end().await;
}

#[tokio::test]
async fn what_comes_while_the_trigger_is_paused_fires_afterwards() {
    let mut bench = Bench::hinted();
    bench.watch(json!({})).await;
    bench.desk.held.send_modify(|held| held.is_paused = true);
    bench.put("a", "1");
    bench.until("it was asked", |held| held.asked > 1).await;
    bench.end().await;
    bench.desk.held.send_modify(|held| held.is_paused = false);
    bench.watch(json!({})).await;
    bench.fired(1).await;
    bench.end().await;
}

#[tokio::test]
async fn folders_below_are_watched_if_they_are_meant_to() {
    let mut bench = Bench::hinted();
    bench
        .watch(json!({ "recursive": true, "pattern": "**/*.csv" }))
        .await;
    std::fs::create_dir_all(bench.file("x/y")).unwrap();
    bench.put("x/y/a.csv", "1");
    assert_eq!(bench.fired(1).await[0].payload["path"], "in/x/y/a.csv");
    bench.put("x/y/a.csv", "22");
    bench.fired(2).await;
    bench.end().await;
}

#[tokio::test]
async fn what_the_workflow_writes_itself_starts_nothing() {
    let mut bench = Bench::hinted();
    bench.watch(json!({})).await;
    let place = bench.file("").canonicalize().unwrap();
    let writers = [
        (
            place.join("own"),
            Writer::Own {
                run: "r1".to_owned(),
            },
        ),
        (place.join("deep"), Writer::Run { depth: 3 }),
        (place.join("circle"), Writer::Run { depth: 16 }),
        (place.join("later"), Writer::StillWriting),
    ];
    bench
        .desk
        .held
        .send_modify(|held| held.writers.extend(writers));
    for name in ["own", "deep", "circle", "later"] {
        bench.put(name, name);
    }
    let fired = bench.fired(3).await;
    let of = |name: &str| fired.iter().find(|firing| firing.file.0 == name).unwrap();
    assert!(of("own").skipped.as_ref().unwrap().contains("run `r1`"));
    assert_eq!((of("deep").depth, &of("deep").skipped), (4, &None));
    assert!(
        of("circle")
            .skipped
            .as_ref()
            .unwrap()
            .starts_with("trigger-loop: ")
    );
    bench.desk.held.send_modify(|held| {
        held.writers.remove(&place.join("later"));
    });
    bench.fired(4).await;
    bench.end().await;
}
