//! All runs of a cluster: lists, questions, and looking again while somebody uses them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_core::Millis;
use baton_sidecar::{Ask, List, Listed, Looked, RunRow as Row};
use baton_store::RunRow;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};
use serde_json::Value;

use super::Cluster;
use super::shown::{Around, Asked, Shown, no_worker};
use crate::app::App;
use crate::error::ApiError;
use crate::events::BackendEvent;
use crate::handlers;
use crate::runs::{InboxList, RunList, RunListed, RunSummary};
use crate::views;

/// How often lists are looked at while they were used in the last [`RECENTLY`], and after that for [`UNUSED`].
const OFTEN: Duration = Duration::from_secs(3);
const SELDOM: Duration = Duration::from_secs(15);
const RECENTLY: Duration = Duration::from_secs(60);
const UNUSED: Duration = Duration::from_secs(30 * 60);
/// How many of the newest runs are looked at so, and how many open ones for their questions.
const NEWEST: u32 = 100;
const OPEN: u32 = 500;
/// How many histories are read at a time.
const AT_ONCE: usize = 8;
/// How many runs are remembered.
const REMEMBERED: usize = 2_000;

/// What was seen of runs in lists.
#[derive(Debug, Default)]
pub(super) struct Lists {
    used: Option<Instant>,
    is_watched: bool,
    seen: BTreeMap<String, Seen>,
    told: Option<Told>,
}

/// A run as its history showed it when it was read last.
#[derive(Debug, Clone)]
struct Seen {
    base: RunRow,
    around: Around,
    asked: Vec<Asked>,
    listens: Vec<(String, Value)>,
}

/// What front ends know of the lists.
#[derive(Debug, Default)]
struct Told {
    runs: BTreeMap<String, RunSummary>,
    questions: Vec<Question>,
}

type Question = (String, String, Millis, Value);

impl Seen {
    fn of(shown: &Shown) -> Self {
        Self {
            base: shown.base(),
            around: shown.around().clone(),
            asked: shown.asked(),
            listens: shown.listens(),
        }
    }

    fn row(&self, queue: &str) -> RunRow {
        self.around.finish(self.base.clone(), queue)
    }
}

impl Cluster {
    /// Runs, newest first.
    pub(super) async fn run_list(
        self: &Arc<Self>,
        app: &App,
        request: RunList,
    ) -> Result<RunListed, ApiError> {
        self.use_lists(app);
        let list = List {
            workflow: request.workflow,
            status: request
                .status
                .map(|status| views::status_word(status).to_owned()),
            search: request.search.filter(|words| !words.trim().is_empty()),
            open: false,
            limit: request.limit.unwrap_or(50).min(500),
            offset: request.offset.unwrap_or(0),
        };
        let listed: Listed = self.ask(app, Ask::List(list)).await?;
        let total = u32::try_from(listed.total).unwrap_or(u32::MAX);
        let runs = self.summaries(app, listed).await;
        Ok(RunListed { runs, total })
    }

    /// All open questions, oldest first.
    pub(super) async fn inbox_list(self: &Arc<Self>, app: &App) -> Result<InboxList, ApiError> {
        self.use_lists(app);
        let mut items = Vec::new();
        for seen in self.open(app).await? {
            let summary = views::summary(seen.row(&self.queue));
            for asked in seen.asked {
                items.push(handlers::inbox_item(
                    summary.clone(),
                    asked.row,
                    asked.evidence,
                )?);
            }
        }
        items.sort_by_key(|item| item.asked_at);
        Ok(InboxList { items })
    }

    /// Open runs in which a step waits for an event.
    pub(super) async fn listening_to(
        self: &Arc<Self>,
        app: &App,
        event: &str,
        key: &Value,
    ) -> Result<Vec<String>, ApiError> {
        let hears = |seen: &Seen| {
            let mut all = seen.listens.iter();
            all.any(|(name, wanted)| name == event && wanted == key)
        };
        let open = self.open(app).await?.into_iter();
        Ok(open.filter(hears).map(|seen| seen.base.id).collect())
    }

    /// Every open run, as its history shows it.
    async fn open(self: &Arc<Self>, app: &App) -> Result<Vec<Seen>, ApiError> {
        let list = List {
            open: true,
            limit: OPEN,
            ..List::default()
        };
        let listed: Listed = self.ask(app, Ask::List(list)).await?;
        let looks = listed.runs.into_iter().map(|row| {
            let (cluster, app) = (self.clone(), app.clone());
            let look: BoxFuture<'static, Option<Seen>> = Box::pin(async move {
                let seen = cluster.look(&app, &row).await;
                // The list of runs says of it that it cannot be read.
                seen.map_err(|error| tracing::debug!(run = row.run, %error, "a run cannot be read"))
                    .ok()
            });
            look
        });
        let seen: Vec<Option<Seen>> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        Ok(seen.into_iter().flatten().collect())
    }

    /// The rows of a list as front ends see them.
    async fn summaries(self: &Arc<Self>, app: &App, listed: Listed) -> Vec<RunSummary> {
        let nobody = no_worker(&listed.listening, false, &self.queue);
        let looks = listed.runs.into_iter().map(|row| {
            let (cluster, app, nobody) = (self.clone(), app.clone(), nobody.clone());
            let look: BoxFuture<'static, RunSummary> =
                Box::pin(async move { cluster.summary(&app, &row, nobody).await });
            look
        });
        stream::iter(looks).buffered(AT_ONCE).collect().await
    }

    async fn summary(self: &Arc<Self>, app: &App, row: &Row, nobody: Option<String>) -> RunSummary {
        let is_open = row.ended_at.is_none();
        // What ended is as it was, and why it failed is only in its history.
        let known = self.lists().seen.get(&row.run).cloned();
        // What was read while it still went on is not its end.
        let known = known.filter(|seen| {
            !is_open && seen.base.ended_at.is_some() && seen.around.mark.part == row.run_id
        });
        let seen = match known {
            Some(seen) => Some(Ok(seen)),
            None if is_open || row.status == "failed" => Some(self.look(app, row).await),
            None => None,
        };
        match seen {
            Some(Ok(seen)) => views::summary(seen.row(&self.queue)),
            Some(Err(error)) => {
                let mut row = plain(row, nobody);
                row.waiting_for
                    .push(format!("it cannot be read from here: {error}"));
                views::summary(row)
            }
            None => views::summary(plain(row, nobody)),
        }
    }

    /// A run of a list, as its history shows it: read again only if there is more of it.
    async fn look(self: &Arc<Self>, app: &App, row: &Row) -> Result<Seen, ApiError> {
        let run = &row.run;
        let followed = self.runs().get(run).map(Seen::of);
        if let Some(seen) = followed.filter(|seen| seen.around.mark.part == row.run_id) {
            return Ok(seen);
        }
        let known = self.lists().seen.get(run).cloned();
        let ask = Ask::Log {
            run: run.clone(),
            known: known.as_ref().map(|seen| seen.around.mark.clone()),
        };
        let seen = match (self.ask(app, ask).await?, known) {
            (Looked::Other(told), _) => Seen::of(&Shown::begin(app, told)?),
            (
                Looked::Same {
                    listening,
                    is_untaken,
                },
                Some(mut seen),
            ) => {
                seen.around.listening = listening;
                seen.around.is_untaken = is_untaken;
                seen
            }
            (Looked::Same { .. }, None) => {
                return Err(super::trouble::gone(
                    &self.name,
                    "it answered something else",
                ));
            }
        };
        let mut lists = self.lists();
        if lists.seen.len() >= REMEMBERED && !lists.seen.contains_key(run) {
            lists.seen.clear();
        }
        lists.seen.insert(run.clone(), seen.clone());
        Ok(seen)
    }

    /// Lists are used: they are looked at for a while.
    fn use_lists(self: &Arc<Self>, app: &App) {
        let mut lists = self.lists();
        lists.used = Some(Instant::now());
        if !std::mem::replace(&mut lists.is_watched, true) {
            let (weak, closing) = app.downgrade();
            let cluster = Arc::downgrade(self);
            let closed = self.closed.clone();
            tokio::spawn(async move {
                loop {
                    let pace = match cluster.upgrade() {
                        Some(cluster) => cluster.pace(),
                        None => return,
                    };
                    let Some(pace) = pace else { return };
                    tokio::select! {
                        () = closing.cancelled() => return,
                        () = closed.cancelled() => return,
                        () = tokio::time::sleep(pace) => {}
                    }
                    let (Some(cluster), Some(app)) = (cluster.upgrade(), weak.upgrade()) else {
                        return;
                    };
                    // Whoever asks next is told what is wrong.
                    if let Err(error) = cluster.look_at_lists(&app).await {
                        tracing::debug!(target = cluster.name, %error, "lists cannot be read");
                    }
                }
            });
        }
    }

    /// How long to wait before lists are looked at again; `None`: nobody uses them any more.
    fn pace(&self) -> Option<Duration> {
        let mut lists = self.lists();
        let unused = lists.used.map_or(UNUSED, |used| used.elapsed());
        if unused < RECENTLY {
            return Some(OFTEN);
        }
        if unused < UNUSED {
            return Some(SELDOM);
        }
        lists.is_watched = false;
        lists.told = None;
        None
    }

    /// Looks at the newest runs and all questions, and tells front ends what is otherwise than before.
    async fn look_at_lists(self: &Arc<Self>, app: &App) -> Result<(), ApiError> {
        let list = List {
            limit: NEWEST,
            ..List::default()
        };
        let listed: Listed = self.ask(app, Ask::List(list)).await?;
        let summaries = self.summaries(app, listed).await;
        let mut questions: Vec<Question> = Vec::new();
        for seen in self.open(app).await? {
            for Asked { row, .. } in seen.asked {
                questions.push((row.run, row.step, row.asked_at, row.answers));
            }
        }
        questions.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        let runs: BTreeMap<String, RunSummary> = summaries
            .into_iter()
            .map(|summary| (summary.id.clone(), summary))
            .collect();
        let told = Told { runs, questions };
        let before = {
            let mut lists = self.lists();
            let before = lists.told.take();
            let changed = before.as_ref().map(|before| news(before, &told));
            lists.told = Some(told);
            changed
        };
        // The first look says what everybody has just read.
        let Some((changed, asks_else)) = before else {
            return Ok(());
        };
        for summary in changed {
            // Of those that are followed it was told when it happened.
            if self.runs().get(&summary.id).is_some() {
                continue;
            }
            self.publish(
                app,
                BackendEvent::RunAdvanced {
                    truncated: summary.seq > 0,
                    summary: Box::new(summary),
                    events: Vec::new(),
                },
            );
        }
        if asks_else {
            self.publish(app, BackendEvent::InboxChanged);
        }
        Ok(())
    }
}

/// The runs that are otherwise than before, and whether the questions are.
fn news(before: &Told, now: &Told) -> (Vec<RunSummary>, bool) {
    let changed = now
        .runs
        .iter()
        .filter(|(run, summary)| before.runs.get(*run) != Some(summary));
    let changed = changed.map(|(_, summary)| summary.clone()).collect();
    (changed, before.questions != now.questions)
}

/// A row as the list of the cluster shows it, without its history.
fn plain(row: &Row, nobody: Option<String>) -> RunRow {
    let status = match row.status.as_str() {
        "terminated" => "cancelled",
        "timed-out" => "failed",
        other => other,
    };
    let workflow = row.workflow.clone();
    let mut waiting_for = Vec::new();
    if row.ended_at.is_none() {
        waiting_for.extend(nobody);
        waiting_for.extend(
            row.asking
                .iter()
                .map(|step| format!("an answer to `{step}`")),
        );
    }
    RunRow {
        id: row.run.clone(),
        workflow_name: row
            .name
            .clone()
            .or_else(|| workflow.clone())
            .unwrap_or_else(|| row.run.clone()),
        workflow: workflow.unwrap_or_default(),
        digest: row.digest.clone().unwrap_or_default(),
        status: status.to_owned(),
        started_at: row.started_at,
        ended_at: row.ended_at,
        waiting_for,
        ..RunRow::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: &str, ended_at: Option<i64>) -> Row {
        Row {
            run: "r".to_owned(),
            run_id: "p".to_owned(),
            status: status.to_owned(),
            workflow: None,
            name: None,
            digest: None,
            asking: vec!["ask".to_owned()],
            started_at: 1,
            ended_at,
            task_queue: "q".to_owned(),
            parent: None,
        }
    }

    #[test]
    fn a_row_says_first_that_nobody_works_and_only_while_it_goes_on() {
        let nobody = Some("no worker is listening on the task queue `q`".to_owned());
        let open = plain(&row("waiting", None), nobody.clone());
        assert_eq!(open.waiting_for.len(), 2);
        assert_eq!(Some(&open.waiting_for[0]), nobody.as_ref());
        assert_eq!(open.workflow_name, "r");
        let ended = plain(&row("terminated", Some(2)), nobody);
        assert_eq!(
            (ended.status.as_str(), ended.waiting_for.len()),
            ("cancelled", 0)
        );
    }

    #[test]
    fn only_what_is_otherwise_is_told() {
        let summary = |status: &str| views::summary(plain(&row(status, None), None));
        let told = |status: &str, asked: i64| Told {
            runs: BTreeMap::from([("r".to_owned(), summary(status))]),
            questions: vec![("r".to_owned(), "ask".to_owned(), asked, Value::Null)],
        };
        let (changed, asks_else) = news(&told("running", 1), &told("running", 1));
        assert_eq!((changed.len(), asks_else), (0, false));
        let (changed, asks_else) = news(&told("running", 1), &told("waiting", 2));
        assert_eq!((changed.len(), asks_else), (1, true));
    }
}
