//! What becomes of files that were read: they fire, or the ledger is told why not.

use baton_store::Recorded;
use serde_json::json;

use super::board::{Event, Now, Row, State, Verdict};
use super::desk::{FileFiring, Writer};
use super::scan;
use super::source::{AGAIN_MS, BUSY_MS, Done, Go, Over, Watching, not_kept};

/// How many firings may lead to a file being written before it counts as a circle.
const MOST_DEPTH: u32 = 16;

impl Watching {
    /// Takes what was read.
    pub(super) async fn judge(&mut self, go: Go) -> Result<(), Over> {
        let now = self.source.now();
        let Some(place) = self.place.clone() else {
            for (path, before, _) in go {
                self.board.abandon(now, &path, Some(&before), 0);
            }
            return Ok(());
        };
        let mut firings = Vec::new();
        let mut notes = Vec::new();
        let mut forgotten = Vec::new();
        for (path, before, done) in go {
            let content = match done {
                Done::Busy => {
                    self.board.unrest(now, &path, BUSY_MS);
                    continue;
                }
                Done::Read(content) => content,
            };
            let hash = match content.hash {
                Ok(hash) => {
                    self.denied.remove(&path);
                    hash
                }
                Err(error) => {
                    // Locked, or gone, or its right to be read is still to come.
                    tracing::debug!(path, %error, "a file was not read");
                    if content.after.is_some()
                        && error.kind() == std::io::ErrorKind::PermissionDenied
                    {
                        self.denied.insert(path.clone());
                        self.tell(Some(self.denial(&path))).await;
                    }
                    self.board
                        .abandon(now, &path, content.after.as_ref(), AGAIN_MS);
                    continue;
                }
            };
            for other in self.board.namesakes(&path, &before) {
                let there = scan::stat(&place.join(&other));
                if there.is_none()
                    && let Some(row) = self.board.look(now, &other, None)
                {
                    notes.push((other, row));
                }
            }
            match self
                .board
                .judge(now, &path, &before, &hash, content.after.as_ref())
            {
                Verdict::Unsettled | Verdict::Nothing => {}
                Verdict::Note { row, moved_from } => {
                    if let Some(from) = moved_from {
                        self.board.forget(&from);
                        notes.retain(|(path, _)| *path != from);
                        forgotten.push(from);
                    }
                    self.board.settle(&path, row.clone());
                    notes.push((path, row));
                }
                Verdict::Fire { event, row } => {
                    let full = place.join(&path);
                    let writer = self.source.desk.writer(&full, &hash).await;
                    match self.firing(&path, event, row, writer) {
                        Some(firing) => firings.push(firing),
                        None => self.board.unrest(now, &path, BUSY_MS),
                    }
                }
            }
        }
        self.keep(now, notes, forgotten).await;
        self.fire(now, firings).await
    }

    /// The firing of a file; `None` while it is not known who wrote it.
    fn firing(&self, path: &str, event: Event, mut row: Row, writer: Writer) -> Option<FileFiring> {
        let settings = &self.source.settings;
        let shown = self.source.shown(path);
        let mut depth = 0;
        let mut skipped = None;
        match writer {
            Writer::Other => {}
            Writer::StillWriting => return None,
            Writer::Own { run } => {
                row.state = State::Own;
                skipped = Some(format!(
                    "own-file: `{shown}` was written by this workflow itself (run `{run}`), and starting it again would go \
                     round in circles; write to another folder, or narrow the pattern"
                ));
            }
            Writer::Run { depth: before } => {
                depth = before + 1;
                if depth > MOST_DEPTH {
                    skipped = Some(format!(
                        "trigger-loop: {depth} firings led to `{shown}`, each starting the next: workflows write into folders \
                         that others of them watch; write to another folder, or narrow a pattern"
                    ));
                }
            }
        }
        let word = match event {
            Event::New => "new",
            Event::Changed => "changed",
        };
        let counts = match event {
            Event::New => settings.is_on_new,
            Event::Changed => settings.is_on_changed,
        };
        if !counts && skipped.is_none() {
            row.state = State::Known;
            skipped = Some(String::new());
        }
        let hash = row.hash.clone().unwrap_or_default();
        let modified = jiff::Timestamp::from_nanosecond(row.stat.modified.into());
        let payload = json!({
            "path": shown,
            "name": path.rsplit_once('/').map_or(path, |(_, name)| name),
            "folder": settings.folder,
            "event": word,
            "size": row.stat.size,
            "modified": modified.map(|at| at.to_string()).unwrap_or_default(),
            "blake3": hash,
            "version": row.version,
        });
        let short = hash.get(..16).unwrap_or(&hash);
        Some(FileFiring {
            key: format!("file:{path}@{}:{short}:{}", row.version, row.stat.modified),
            payload,
            file: (path.to_owned(), row),
            skipped,
            depth,
        })
    }

    async fn keep(&mut self, now: Now, notes: Vec<(String, Row)>, forgotten: Vec<String>) {
        let desk = &self.source.desk;
        let mut kept = Ok(());
        if !notes.is_empty() {
            kept = desk.write(notes, None).await;
        }
        if kept.is_ok() && !forgotten.is_empty() {
            kept = desk.forget(forgotten).await;
        }
        if let Err(error) = kept {
            // Nothing fired for these; the next start finds the same again.
            self.tell(Some(not_kept(&error))).await;
            self.next_poll = self.next_poll.min(now.work + AGAIN_MS);
        }
    }

    async fn fire(&mut self, now: Now, firings: Vec<FileFiring>) -> Result<(), Over> {
        let (quiet, loud): (Vec<_>, Vec<_>) = firings
            .into_iter()
            .partition(|firing| firing.skipped.as_deref() == Some(""));
        if !quiet.is_empty() {
            let rows: Vec<(String, Row)> = quiet.into_iter().map(|firing| firing.file).collect();
            for (path, row) in &rows {
                self.board.settle(path, row.clone());
            }
            self.keep(now, rows, Vec::new()).await;
        }
        if loud.is_empty() {
            return Ok(());
        }
        match self.source.desk.fire(loud.clone()).await {
            Ok(recorded) => {
                let mut is_over = false;
                for (firing, recorded) in loud.into_iter().zip(recorded) {
                    let (path, row) = firing.file;
                    match recorded {
                        Recorded::Accepted => self.board.settle(&path, row),
                        Recorded::Duplicate => {
                            // It fired before a crash kept the ledger from knowing.
                            self.board.settle(&path, row.clone());
                            self.keep(now, vec![(path, row)], Vec::new()).await;
                        }
                        Recorded::Paused => self.board.unrest(now, &path, AGAIN_MS),
                        Recorded::Revoked => is_over = true,
                    }
                }
                if is_over { Err(Over) } else { Ok(()) }
            }
            Err(error) => {
                for firing in loud {
                    self.board.unrest(now, &firing.file.0, AGAIN_MS);
                }
                self.tell(Some(not_kept(&error))).await;
                self.next_poll = self.next_poll.min(now.work + AGAIN_MS);
                Ok(())
            }
        }
    }
}
