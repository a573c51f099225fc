//! What the writer did since this process opened the folder: counted where it is acknowledged, so that nothing is
//! counted that was not kept.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::Row;

use crate::error::StoreError;
use crate::rows::RunRow;
use crate::sql;
use crate::store::Store;
use crate::writer::Work;

const OPEN: &str = "SELECT count(*) FROM runs WHERE ended_at IS NULL";
const QUESTIONS: &str = "SELECT count(*) FROM questions";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[OPEN, QUESTIONS];

/// Upper bounds of the classes of how long a commit took, in seconds; the last class has none.
pub const COMMIT_BOUNDS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// What was written since the folder was opened.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Events, by their type.
    pub events: BTreeMap<String, u64>,
    /// Runs that ended, by status.
    pub ended: BTreeMap<String, u64>,
    /// Runs that began.
    pub begun: u64,
    /// Commits in each class of [`COMMIT_BOUNDS`], and at the end those above the last.
    pub commits: [u64; COMMIT_BOUNDS.len() + 1],
    /// How long all commits took, in seconds.
    pub commit_seconds: f64,
    /// Transactions that were taken back, and requests that were refused.
    pub failed: u64,
    /// Requests that wait for the writer at this moment.
    pub queue: u64,
}

/// The counters, shared by writer and readers.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Figures>);

impl Counters {
    /// Counts a group that was written; `answered` says which requests went well.
    pub(crate) fn count(&self, work: &[&Work], answered: &[bool], took: Duration) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = took.as_secs_f64();
        let class = COMMIT_BOUNDS.iter().position(|bound| seconds <= *bound);
        figures.commits[class.unwrap_or(COMMIT_BOUNDS.len())] += 1;
        figures.commit_seconds += seconds;
        for (one, went_well) in work.iter().zip(answered) {
            if !went_well {
                figures.failed += 1;
                continue;
            }
            let Work::Append(batch) = one else { continue };
            figures.begun += u64::from(batch.expected == 0);
            for event in &batch.events {
                match figures.events.get_mut(event.kind()) {
                    Some(count) => *count += 1,
                    None => drop(figures.events.insert(event.kind().to_owned(), 1)),
                }
            }
            if let RunRow {
                ended_at: Some(_),
                status,
                ..
            } = &batch.run
            {
                *figures.ended.entry(status.clone()).or_default() += 1;
            }
        }
    }

    /// Counts a group that was taken back; its requests are tried one by one.
    pub(crate) fn failed(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).failed += 1;
    }

    fn look(&self) -> Figures {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        figures.clone()
    }
}

impl Store {
    /// What was written since this process opened the folder.
    pub fn figures(&self) -> Figures {
        let (counters, queue) = self.counters();
        Figures {
            queue,
            ..counters.look()
        }
    }
    /// How many runs have not ended.
    pub async fn open_count(&self) -> Result<u64, StoreError> {
        self.count(OPEN).await
    }

    /// How many questions wait for an answer.
    pub async fn question_count(&self) -> Result<u64, StoreError> {
        self.count(QUESTIONS).await
    }

    async fn count(&self, statement: &'static str) -> Result<u64, StoreError> {
        let row = sqlx::query(statement).fetch_one(self.readers()?).await;
        let count: i64 = row
            .and_then(|row| row.try_get(0))
            .map_err(|error| sql::error(&error, self.dir()))?;
        Ok(count.unsigned_abs())
    }
}
