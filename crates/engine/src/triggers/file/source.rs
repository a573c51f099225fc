//! The source of a `file` trigger: looks at a folder, when it is hinted at and from time to time, and fires what came to rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use baton_core::Millis;
use baton_core::trigger::FileSettings;
use baton_store::StoreError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::board::{Board, Now, Row, Stat, State};
use super::desk::{Desk, Mark, read_ledger};
use super::eyes::Eyes;
use super::hints::Hints;
use super::scan::{self, Content, FolderTrouble, Found};
use crate::clock::Clock;

/// How many files are read in one go, and how many goes at a time.
const AT_ONCE: usize = 256;
const GOES: usize = 2;
/// A file of this size is read in a go of its own, so that small ones need not wait for it.
const LARGE: u64 = 8 << 20;
/// How long a file is left alone that somebody still writes to, if nobody says that it was closed.
pub(super) const BUSY_MS: i64 = 250;
/// How long to wait after the store did not answer.
pub(super) const AGAIN_MS: i64 = 1_000;
/// The clock of the file system is that much behind the other one.
const SLACK_MS: i64 = 100;
/// How long a file that is gone is remembered.
const REMEMBER_MS: i64 = 30 * 86_400_000;

/// A folder to watch.
#[derive(Debug)]
pub(crate) struct FileSource {
    /// What is watched.
    pub(crate) settings: FileSettings,
    /// The folder that `settings.folder` is below.
    pub(crate) work_dir: PathBuf,
    /// When the trigger was activated.
    pub(crate) since: Millis,
    /// Ledger and taker of firings.
    pub(crate) desk: Arc<dyn Desk>,
    /// Where the time comes from.
    pub(crate) clock: Arc<dyn Clock>,
    /// Where hints arrive.
    pub(crate) hints: Arc<Hints>,
}

/// What became of reading one file.
pub(super) enum Done {
    Busy,
    Read(Content),
}

pub(super) type Go = Vec<(String, Stat, Done)>;

/// A source at work.
pub(super) struct Watching {
    pub(super) source: FileSource,
    counts: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    pub(super) board: Board,
    /// Whether what is there now has to be taken for known first.
    is_first: bool,
    /// The watcher of the system, and the number of the folder that it watches.
    eyes: Option<(Eyes, Option<String>)>,
    /// The folder, once it was found.
    pub(super) place: Option<PathBuf>,
    /// At work.
    pub(super) next_poll: i64,
    goes: JoinSet<Go>,
    told: Option<String>,
    /// What is wrong that does not keep the folder from being looked at.
    unwatched: Option<String>,
    /// Files that may not be read.
    pub(super) denied: BTreeSet<String>,
    over: CancellationToken,
    /// As many firings wait as may wait; nothing is read before this.
    no_room_until: i64,
}

/// The trigger was taken back or activated anew: this source is over.
pub(super) struct Over;

impl FileSource {
    /// Watches until it is stopped, or the trigger was taken back.
    pub(crate) async fn run(self, stop: CancellationToken) {
        // Reading a large file ends with this.
        let over = stop.child_token();
        let _guard = over.clone().drop_guard();
        let Some(mut watching) = self.begin(&stop, over).await else {
            return;
        };
        loop {
            if watching.look().await.is_err() {
                return;
            }
            watching.read().await;
            let (until, now) = (watching.next(), watching.source.now().work);
            let Watching { source, goes, .. } = &mut watching;
            let go = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(go) = goes.join_next(), if !goes.is_empty() => go,
                () = source.hints.arrived() => continue,
                () = source.clock.sleep_for(until - now) => continue,
            };
            match go {
                Ok(go) => {
                    if watching.judge(go).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "reading files broke off");
                    return;
                }
            }
        }
    }

    async fn begin(self, stop: &CancellationToken, over: CancellationToken) -> Option<Watching> {
        let ledger = loop {
            match self.desk.ledger().await {
                Ok(ledger) => break ledger,
                Err(error) => {
                    self.desk.trouble(Some(not_kept(&error))).await;
                    tokio::select! {
                        () = stop.cancelled() => return None,
                        () = self.clock.sleep_for(AGAIN_MS) => {}
                    }
                }
            }
        };
        let (rows, mark) = read_ledger(ledger);
        let rows: BTreeMap<String, Row> = rows.into_iter().collect();
        let is_first = mark.as_ref() != Some(&self.mark());
        Some(Watching {
            counts: {
                let pattern = self.settings.pattern.clone();
                Arc::new(move |path: &str| pattern.matches(path))
            },
            board: Board::new(rows, self.settings.stable_for_ms),
            is_first,
            eyes: None,
            place: None,
            next_poll: i64::MIN,
            goes: JoinSet::new(),
            told: None,
            unwatched: None,
            denied: BTreeSet::new(),
            over,
            no_room_until: i64::MIN,
            source: self,
        })
    }

    pub(super) fn now(&self) -> Now {
        Now {
            work: self.clock.at_work(),
            wall: self.clock.now(),
        }
    }

    fn mark(&self) -> Mark {
        let FileSettings {
            folder,
            pattern,
            is_recursive,
            ..
        } = &self.settings;
        Mark {
            since: self.since,
            settings: format!("{folder}|{}|{is_recursive}", pattern.as_str()),
        }
    }

    /// The path from the work folder, as steps take it.
    pub(super) fn shown(&self, path: &str) -> String {
        match self.settings.folder.as_str() {
            "." => path.to_owned(),
            folder => format!("{folder}/{path}"),
        }
    }
}

pub(super) fn not_kept(error: &StoreError) -> String {
    format!("store: what was found cannot be kept, and nothing fires until it can: {error}")
}

impl Watching {
    /// Looks at what was hinted at, or at everything if it is time.
    async fn look(&mut self) -> Result<(), Over> {
        let now = self.source.now();
        let hint = self.source.hints.take();
        if hint.is_all || now.work >= self.next_poll || self.place.is_none() {
            self.look_at_all(now).await;
            return Ok(());
        }
        let Some(place) = self.place.clone() else {
            return Ok(());
        };
        let mut paths = Vec::new();
        for (path, is_done) in hint.paths {
            if path == place {
                // The folder itself: it may be gone, or another one.
                self.look_at_all(now).await;
                return Ok(());
            }
            let below = path.strip_prefix(&place).ok().and_then(Path::to_str);
            if let Some(below) = below.map(|below| below.replace(std::path::MAIN_SEPARATOR, "/"))
                && (self.counts)(&below)
                && (self.source.settings.is_recursive || !below.contains('/'))
            {
                paths.push((below, is_done));
            }
        }
        if paths.is_empty() {
            return Ok(());
        }
        let looked = tokio::task::spawn_blocking(move || {
            let stat = |(path, is_done): (String, bool)| {
                let stat = scan::stat(&place.join(&path));
                (path, is_done, stat)
            };
            paths.into_iter().map(stat).collect::<Vec<_>>()
        })
        .await;
        let mut gone = Vec::new();
        // In order of the clock: nothing of this was seen later than now.
        for (path, is_done, stat) in looked.unwrap_or_default() {
            if let Some(row) = self.board.look(now, &path, stat) {
                gone.push((path.clone(), row));
            }
            if is_done {
                self.board.rest(now, &path);
            }
        }
        self.note_gone(gone).await;
        Ok(())
    }

    async fn look_at_all(&mut self, now: Now) {
        self.next_poll = now.work + self.source.settings.poll_ms;
        let (work_dir, folder) = (
            self.source.work_dir.clone(),
            self.source.settings.folder.clone(),
        );
        let located = tokio::task::spawn_blocking(move || scan::locate(&work_dir, &folder)).await;
        let found = match located {
            Ok(Ok((place, id))) => {
                // Watched before it is looked at: what comes in between is seen by one of both.
                self.watch(&place, id);
                self.place = Some(place.clone());
                let settings = &self.source.settings;
                let (folder, is_recursive) = (settings.folder.clone(), settings.is_recursive);
                let counts = self.counts.clone();
                tokio::task::spawn_blocking(move || {
                    scan::scan(&place, &folder, is_recursive, &*counts)
                })
                .await
            }
            Ok(Err(trouble)) => Ok(Err(trouble)),
            Err(error) => Err(error),
        };
        let trouble = match found {
            Ok(Ok(found)) => self.take(now, found).await,
            Ok(Err(trouble)) => {
                self.place = None;
                self.eyes = None;
                self.missing(now, &trouble).await
            }
            Err(error) => Some(format!("looking at the folder broke off: {error}")),
        };
        self.tell(trouble).await;
    }

    fn watch(&mut self, place: &Path, id: Option<String>) {
        let is_watched = self
            .eyes
            .as_ref()
            .is_some_and(|(_, watched)| *watched == id);
        if is_watched && self.place.as_deref() == Some(place) {
            return;
        }
        // The old one ends first: hints of another folder would mislead.
        self.eyes = None;
        match Eyes::open(place, self.source.settings.is_recursive, &self.source.hints) {
            Ok(eyes) => {
                self.eyes = Some((eyes, id));
                self.unwatched = None;
            }
            Err(reason) => self.unwatched(place, reason),
        }
    }

    fn unwatched(&mut self, place: &Path, reason: String) {
        tracing::warn!(place = %place.display(), reason, "a folder is only looked at from time to time");
        self.unwatched = Some(reason);
    }

    /// Watches folders below; those that are new have to be looked at once more.
    fn cover(&mut self, folders: &BTreeSet<String>) {
        let (Some(place), Some((eyes, _))) = (self.place.clone(), &self.eyes) else {
            return;
        };
        match eyes.cover(&place, folders) {
            Ok(true) => self.source.hints.all(),
            Ok(false) => {}
            Err(reason) => self.unwatched(&place, reason),
        }
    }

    /// A folder that is not there holds nothing, and all that comes with it later is new.
    async fn missing(&mut self, now: Now, trouble: &FolderTrouble) -> Option<String> {
        if self.is_first && *trouble == FolderTrouble::Missing(self.source.settings.folder.clone())
        {
            self.begin_with(now, Found::default()).await;
        }
        Some(format!("{}: {trouble}", trouble.code()))
    }

    /// Compares what was found with the ledger; gives what is wrong with the folder.
    async fn take(&mut self, now: Now, found: Found) -> Option<String> {
        self.cover(&found.folders);
        let trouble = self.trouble(&found);
        if self.is_first {
            self.begin_with(now, found).await;
            return trouble;
        }
        let mut gone = Vec::new();
        for path in self.board.present() {
            let is_hidden = found.unreadable.keys().any(|folder| {
                path.strip_prefix(folder.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            });
            if !found.files.contains_key(&path)
                && !is_hidden
                && let Some(row) = self.board.look(now, &path, None)
            {
                gone.push((path, row));
            }
        }
        for (path, stat) in found.files {
            self.board.look(now, &path, Some(stat));
        }
        self.note_gone(gone).await;
        self.forget_old(now).await;
        trouble
    }

    fn trouble(&self, found: &Found) -> Option<String> {
        let settings = &self.source.settings;
        if let Some((folder, reason)) = found.unreadable.first_key_value() {
            let folder = self.source.shown(folder);
            return Some(format!(
                "folder-denied: the folder `{folder}` cannot be looked into: {reason}; give this account the right to read it"
            ));
        }
        if found.unnamed > 0 {
            return Some(format!(
                "file-name: names of {} files in `{}` are not Unicode, so they cannot fire; rename them",
                found.unnamed, settings.folder
            ));
        }
        if let Some(path) = self
            .denied
            .iter()
            .find(|path| found.files.contains_key(*path))
        {
            return Some(self.denial(path));
        }
        let reason = self.unwatched.as_ref()?;
        Some(format!(
            "unwatched: `{}` is only looked at every {} ms: {reason}",
            settings.folder, settings.poll_ms
        ))
    }

    pub(super) fn denial(&self, path: &str) -> String {
        let shown = self.source.shown(path);
        format!(
            "file-denied: `{shown}` cannot be read: permission denied; give this account the right to read it"
        )
    }

    /// The first look: what is there was there before, unless it came after the activation or is meant to fire.
    async fn begin_with(&mut self, now: Now, found: Found) {
        let mut rows = Vec::new();
        for path in self.board.present() {
            if !found.files.contains_key(&path)
                && let Some(row) = self.board.look(now, &path, None)
            {
                rows.push((path, row));
            }
        }
        let mut later = Vec::new();
        for (path, stat) in found.files {
            let known = self.board.row(&path);
            let is_known = known.is_some_and(|row| row.state != State::Gone && row.stat == stat);
            let came_after =
                stat.modified.div_euclid(1_000_000) >= self.source.since.saturating_sub(SLACK_MS);
            if is_known {
                continue;
            }
            if self.source.settings.is_for_existing || came_after {
                later.push((path, stat));
                continue;
            }
            let row = Row {
                stat,
                hash: None,
                version: known.map_or(0, |row| row.version),
                state: State::Known,
                seen_at: now.wall,
            };
            rows.push((path, row));
        }
        let mark = self.source.mark();
        if let Err(error) = self.source.desk.write(rows.clone(), Some(mark)).await {
            self.tell(Some(not_kept(&error))).await;
            self.next_poll = now.work + AGAIN_MS;
            return;
        }
        self.is_first = false;
        for (path, row) in rows {
            self.board.learn(path, row);
        }
        for (path, stat) in later {
            self.board.look(now, &path, Some(stat));
        }
    }

    async fn note_gone(&mut self, gone: Vec<(String, Row)>) {
        if gone.is_empty() {
            return;
        }
        if let Err(error) = self.source.desk.write(gone, None).await {
            // The ledger is behind the board; the next start finds the same again.
            tracing::warn!(%error, "files that are gone were not noted");
        }
    }

    async fn forget_old(&mut self, now: Now) {
        let old = self.board.long_gone(now.wall - REMEMBER_MS);
        if old.is_empty() || self.source.desk.forget(old.clone()).await.is_err() {
            return;
        }
        for path in old {
            self.board.forget(&path);
        }
    }

    pub(super) async fn tell(&mut self, trouble: Option<String>) {
        if self.told != trouble {
            self.source.desk.trouble(trouble.clone()).await;
            self.told = trouble;
        }
    }

    /// When something has to be done without a hint.
    fn next(&self) -> i64 {
        let may_read = self.place.is_some() && !self.is_first && self.goes.len() < GOES;
        let ripe = self.board.next().filter(|_| may_read);
        ripe.map_or(self.next_poll, |ripe| {
            ripe.max(self.no_room_until).min(self.next_poll)
        })
    }

    /// Begins to read what has rested long enough, as far as there is room for its firings.
    async fn read(&mut self) {
        let now = self.source.now();
        let Some(place) = self.place.clone() else {
            return;
        };
        if self.is_first || self.goes.len() >= GOES || now.work < self.no_room_until {
            return;
        }
        let mut ripe = self.board.ripe(now);
        if ripe.is_empty() {
            return;
        }
        let room = match self.source.desk.room().await {
            Ok(room) => room.saturating_sub(self.board.count_reading()),
            Err(error) => {
                self.tell(Some(not_kept(&error))).await;
                0
            }
        };
        if room == 0 {
            self.no_room_until = now.work + BUSY_MS;
            return;
        }
        ripe.sort_by_key(|(_, stat)| stat.size);
        ripe.truncate(room);
        let mut rest = ripe.as_slice();
        while !rest.is_empty() && self.goes.len() < GOES {
            let small = rest
                .iter()
                .take(AT_ONCE)
                .take_while(|(_, stat)| stat.size < LARGE)
                .count();
            let (go, after) = rest.split_at(small.max(1));
            rest = after;
            let go = go.to_vec();
            for (path, _) in &go {
                self.board.begin_reading(path);
            }
            let (place, over) = (place.clone(), self.over.clone());
            self.goes
                .spawn_blocking(move || read_all(&place, go, &over));
        }
    }
}

/// Reads files that nobody has open for writing.
fn read_all(place: &Path, go: Vec<(String, Stat)>, over: &CancellationToken) -> Go {
    let full: BTreeSet<PathBuf> = go.iter().map(|(path, _)| place.join(path)).collect();
    let written = scan::written(&full);
    go.into_iter()
        .map(|(path, before)| {
            let full = place.join(&path);
            let done = if written.contains(&full) {
                Done::Busy
            } else {
                Done::Read(scan::read(&full, over))
            };
            (path, before, done)
        })
        .collect()
}
