//! What a watched folder held and holds, and which files have to fire: pure, with the time passed in.
//!
//! ```text
//!   seen ──► resting (size and time unchanged) ──► read (content hash) ──► fires, or is known already
//! ```
//!
//! A file fires once for each content that it came to rest with. The ledger of what was there is in the store; this is its
//! image and what cannot be known from the disk: since when a file rests.

use std::collections::{BTreeMap, BTreeSet};

use baton_core::Millis;

/// Two writes within this time may leave the same time and size on a file: what was read so soon after a change is read
/// once more.
const SAME_TICK_MS: i64 = 100;
/// How many ripe files are told at a time.
const SOME: usize = 4_096;

/// The two times of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// What passes while this process works: how long a file rests is told by it, whatever the wall clock does.
    pub(crate) work: Millis,
    /// The wall clock, which is also that of the file system.
    pub(crate) wall: Millis,
}

/// What the file system says about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Bytes.
    pub(crate) size: u64,
    /// When its content was last changed, in nanoseconds since 1970.
    pub(crate) modified: i64,
    /// Device and number of the file, where there are such.
    pub(crate) id: Option<String>,
}

/// What became of a file in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It was there when the trigger was activated, or its event does not count: nothing was fired.
    Known,
    /// It fired.
    Fired,
    /// The workflow wrote it itself.
    Own,
    /// It is no longer there.
    Gone,
}

/// A file in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) stat: Stat,
    /// Hash of the content; `None` until it was read.
    pub(crate) hash: Option<String>,
    /// Rises with every content.
    pub(crate) version: u32,
    pub(crate) state: State,
    /// When this was found.
    pub(crate) seen_at: Millis,
}

/// A file that is not as the ledger says.
#[derive(Debug, Clone)]
struct Resting {
    stat: Stat,
    since: Millis,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// It was not there before.
    New,
    /// It has other content than before.
    Changed,
}

/// What is to be done about a file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It changed while it was read; it is looked at again.
    Unsettled,
    /// Nothing new; nothing to write.
    Nothing,
    /// Nothing new; the ledger gets this row, and loses the row of the path that the file had before.
    Note {
        row: Row,
        moved_from: Option<String>,
    },
    /// It fires, and the ledger gets this row with the firing.
    Fire { event: Event, row: Row },
}

/// The ledger in memory, and what waits.
#[derive(Debug, Default)]
pub(crate) struct Board {
    rows: BTreeMap<String, Row>,
    by_id: BTreeMap<String, BTreeSet<String>>,
    resting: BTreeMap<String, Resting>,
    /// Files whose content has to be read although nothing seems to have changed, and when.
    reread: BTreeMap<String, Millis>,
    /// Files that are being read.
    reading: BTreeSet<String>,
    stable_for_ms: i64,
}

impl Board {
    /// The board of a ledger.
    pub(crate) fn new(rows: BTreeMap<String, Row>, stable_for_ms: i64) -> Self {
        let mut board = Self {
            stable_for_ms,
            ..Self::default()
        };
        for (path, row) in rows {
            // What was read right after a change may have been changed once more before the end of the last watch.
            let is_fresh = row.seen_at - row.stat.modified.div_euclid(1_000_000) < SAME_TICK_MS;
            if row.state != State::Gone && (row.hash.is_none() || is_fresh) {
                board.reread.insert(path.clone(), Millis::MIN);
            }
            board.put(path, row);
        }
        board
    }

    /// The row of a file.
    pub(crate) fn row(&self, path: &str) -> Option<&Row> {
        self.rows.get(path)
    }

    /// Takes over what was written to the ledger.
    pub(crate) fn put(&mut self, path: String, row: Row) {
        self.forget(&path);
        if let Some(id) = &row.stat.id {
            let paths = self.by_id.entry(id.clone()).or_default();
            paths.insert(path.clone());
        }
        self.rows.insert(path, row);
    }

    /// As [`Board::put`], for a row whose content was not read yet.
    pub(crate) fn learn(&mut self, path: String, row: Row) {
        if row.hash.is_none() && row.state != State::Gone {
            self.reread.insert(path.clone(), Millis::MIN);
        }
        self.put(path, row);
    }

    /// Takes a row away.
    pub(crate) fn forget(&mut self, path: &str) {
        let Some(row) = self.rows.remove(path) else {
            return;
        };
        if let Some(id) = &row.stat.id
            && let Some(paths) = self.by_id.get_mut(id)
        {
            paths.remove(path);
            if paths.is_empty() {
                self.by_id.remove(id);
            }
        }
    }

    /// Other paths under which the ledger has the same file, and which it believes to be there.
    pub(crate) fn namesakes(&self, path: &str, stat: &Stat) -> Vec<String> {
        let paths = stat.id.as_ref().and_then(|id| self.by_id.get(id));
        let paths = paths.into_iter().flatten();
        paths
            .filter(|other| *other != path)
            .filter(|other| {
                self.rows
                    .get(*other)
                    .is_some_and(|row| row.state != State::Gone)
            })
            .cloned()
            .collect()
    }

    /// All paths that the ledger believes to be there, or that wait.
    pub(crate) fn present(&self) -> BTreeSet<String> {
        let rows = self.rows.iter();
        let there = rows
            .filter(|(_, row)| row.state != State::Gone)
            .map(|(path, _)| path);
        there.chain(self.resting.keys()).cloned().collect()
    }

    /// Notes what is at `path` now. A row that has to be written is given back: the file is gone.
    pub(crate) fn look(&mut self, now: Now, path: &str, stat: Option<Stat>) -> Option<Row> {
        let Some(stat) = stat else {
            self.resting.remove(path);
            self.reread.remove(path);
            let row = self
                .rows
                .get_mut(path)
                .filter(|row| row.state != State::Gone)?;
            row.state = State::Gone;
            row.seen_at = now.wall;
            return Some(row.clone());
        };
        let row = self.rows.get(path);
        if row.is_some_and(|row| row.state != State::Gone && row.stat == stat) {
            self.resting.remove(path);
            return None;
        }
        self.reread.remove(path);
        match self.resting.get_mut(path) {
            Some(resting) if resting.stat == stat => {}
            _ => {
                let resting = Resting {
                    stat,
                    since: now.work,
                };
                self.resting.insert(path.to_owned(), resting);
            }
        }
        None
    }

    /// Notes that a file rests only from now on, and for at least so long: somebody still writes to it, or what was found
    /// could not be kept.
    pub(crate) fn unrest(&mut self, now: Now, path: &str, least_ms: i64) {
        self.reading.remove(path);
        if let Some(resting) = self.resting.get_mut(path) {
            resting.since = now.work + (least_ms - self.stable_for_ms).max(0);
        } else if self.rows.contains_key(path) {
            self.reread.insert(path.to_owned(), now.work + least_ms);
        }
    }

    /// Takes back what [`Board::unrest`] put on top of the usual time: the writer has closed the file.
    pub(crate) fn rest(&mut self, now: Now, path: &str) {
        if let Some(resting) = self.resting.get_mut(path) {
            resting.since = resting.since.min(now.work);
        }
    }

    /// Rows of files that have been gone since before `then`.
    pub(crate) fn long_gone(&self, then: Millis) -> Vec<String> {
        let rows = self.rows.iter();
        rows.filter(|(_, row)| row.state == State::Gone && row.seen_at < then)
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Some of the files that have rested long enough and are not being read, with what they looked like.
    pub(crate) fn ripe(&self, now: Now) -> Vec<(String, Stat)> {
        let resting = self.resting.iter();
        let ripe = resting
            .filter(|(_, resting)| now.work - resting.since >= self.stable_for_ms)
            .map(|(path, resting)| (path.clone(), resting.stat.clone()));
        let reread = self.reread.iter().filter(|(_, at)| **at <= now.work);
        let reread = reread
            .filter(|(path, _)| !self.resting.contains_key(*path))
            .filter_map(|(path, _)| Some((path.clone(), self.rows.get(path)?.stat.clone())));
        ripe.chain(reread)
            .filter(|(path, _)| !self.reading.contains(path))
            .take(SOME)
            .collect()
    }

    /// When the next file that is not being read will be ripe.
    pub(crate) fn next(&self) -> Option<Millis> {
        let resting = self.resting.iter();
        let ripe = resting.map(|(path, resting)| (path, resting.since + self.stable_for_ms));
        let reread = self.reread.iter().map(|(path, at)| (path, *at));
        let reread = reread.filter(|(path, _)| !self.resting.contains_key(*path));
        ripe.chain(reread)
            .filter(|(path, _)| !self.reading.contains(*path))
            .map(|(_, at)| at)
            .min()
    }

    /// Notes that a file is being read.
    pub(crate) fn begin_reading(&mut self, path: &str) {
        self.reading.insert(path.to_owned());
    }

    /// How many files are being read.
    pub(crate) fn count_reading(&self) -> usize {
        self.reading.len()
    }

    /// Decides about a file that was read: `before` and `after` are what it looked like before and after.
    pub(crate) fn judge(
        &mut self,
        now: Now,
        path: &str,
        before: &Stat,
        hash: &str,
        after: Option<&Stat>,
    ) -> Verdict {
        self.reading.remove(path);
        if after != Some(before) {
            // What is there now is looked at as any other change.
            self.look_after_reading(now, path, after);
            return Verdict::Unsettled;
        }
        let is_reread = self.reread.remove(path).is_some();
        let is_expected = match self.resting.get(path) {
            Some(resting) => resting.stat == *before,
            None => is_reread,
        };
        if !is_expected {
            return Verdict::Unsettled;
        }
        self.watch_closely(now, path, before, is_reread);
        let row = |version, state| Row {
            stat: before.clone(),
            hash: Some(hash.to_owned()),
            version,
            state,
            seen_at: now.wall,
        };
        let known = self.rows.get(path);
        let verdict = match known {
            Some(known) if known.state != State::Gone => match known.hash.as_deref() {
                Some(was) if was == hash && known.stat == *before => Verdict::Nothing,
                Some(was) if was == hash => note(row(known.version, known.state)),
                // The first look at what was there at the start.
                None if known.stat == *before => note(row(known.version, known.state)),
                _ => fire(Event::Changed, row(known.version + 1, State::Fired)),
            },
            _ => match self.moved(path, before, hash) {
                Some((from, was)) => Verdict::Note {
                    row: row(was, State::Fired),
                    moved_from: (from != path).then_some(from),
                },
                None => fire(
                    Event::New,
                    row(known.map_or(1, |gone| gone.version + 1), State::Fired),
                ),
            },
        };
        if !matches!(verdict, Verdict::Fire { .. }) {
            self.resting.remove(path);
        }
        verdict
    }

    /// Gives up reading; the file is looked at again, but not before so long.
    pub(crate) fn abandon(&mut self, now: Now, path: &str, after: Option<&Stat>, least_ms: i64) {
        self.look_after_reading(now, path, after);
        self.unrest(now, path, least_ms);
    }

    /// Notes that the ledger has `row`: nothing of the file waits any more.
    pub(crate) fn settle(&mut self, path: &str, row: Row) {
        if self
            .resting
            .get(path)
            .is_some_and(|resting| resting.stat == row.stat)
        {
            self.resting.remove(path);
        }
        self.put(path.to_owned(), row);
    }

    fn look_after_reading(&mut self, now: Now, path: &str, after: Option<&Stat>) {
        self.reread.remove(path);
        let row = self.rows.get(path).filter(|row| row.state != State::Gone);
        match after {
            Some(stat) if row.is_some_and(|row| row.stat == *stat) => {
                self.resting.remove(path);
                self.reread.insert(path.to_owned(), now.work);
            }
            Some(stat) => {
                let resting = Resting {
                    stat: stat.clone(),
                    since: now.work,
                };
                self.resting.insert(path.to_owned(), resting);
            }
            // The next look at the folder finds that it is gone.
            None => {
                self.resting.remove(path);
            }
        }
    }

    /// Has a file that was read right after a change read once more.
    fn watch_closely(&mut self, now: Now, path: &str, stat: &Stat, is_second: bool) {
        let changed_at = stat.modified.div_euclid(1_000_000);
        if !is_second && now.wall - changed_at < SAME_TICK_MS {
            self.reread.insert(path.to_owned(), now.work + SAME_TICK_MS);
        }
    }

    /// The path and version of a file that is gone and turned up here, the same in every respect.
    fn moved(&self, path: &str, stat: &Stat, hash: &str) -> Option<(String, u32)> {
        let paths = self.by_id.get(stat.id.as_ref()?)?;
        let was = paths.iter().find_map(|from| {
            let row = self.rows.get(from)?;
            let is_same =
                row.state == State::Gone && row.stat == *stat && row.hash.as_deref() == Some(hash);
            is_same.then(|| (from.clone(), row.version))
        })?;
        // A later version of another file had this name: versions of a name never fall.
        let floor = self.rows.get(path).map_or(0, |row| row.version);
        Some((was.0, was.1.max(floor)))
    }
}

fn note(row: Row) -> Verdict {
    Verdict::Note {
        row,
        moved_from: None,
    }
}

fn fire(event: Event, row: Row) -> Verdict {
    Verdict::Fire { event, row }
}

#[cfg(test)]
mod tests;
