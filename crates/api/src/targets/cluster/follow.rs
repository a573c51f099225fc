//! Runs that somebody looks at: told from the program as they go on, kept whole while they are used.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use baton_sidecar::{Ask, Told};
use serde_json::Value;

use super::Cluster;
use super::shown::{Changed, Shown};
use super::sidecar::{Heard, Unanswered};
use crate::app::App;
use crate::error::ApiError;
use crate::events::BackendEvent;
use crate::views;

/// How many runs are followed at a time.
const MOST: usize = 8;
/// How long a run is followed after it was asked for last.
const UNUSED: Duration = Duration::from_secs(30 * 60);
/// How many events of a run one message carries.
const MAX_EVENTS: usize = 200;

/// The runs that are followed.
#[derive(Debug, Default)]
pub(super) struct Runs(BTreeMap<String, Followed>);

#[derive(Debug)]
enum Followed {
    /// All of it is on its way; what was told since.
    Coming(Vec<Told>),
    /// It is here.
    Here { shown: Box<Shown>, used: Instant },
}

impl Runs {
    /// A run that is here.
    pub(super) fn get(&self, run: &str) -> Option<&Shown> {
        match self.0.get(run)? {
            Followed::Here { shown, .. } => Some(shown),
            Followed::Coming(_) => None,
        }
    }

    fn use_it(&mut self, run: &str) -> bool {
        match self.0.get_mut(run) {
            Some(Followed::Here { used, .. }) => {
                *used = Instant::now();
                true
            }
            _ => false,
        }
    }

    /// Those that nobody needs to follow any more, taken out.
    fn leave(&mut self) -> Vec<String> {
        let mut by_use: Vec<(Instant, String)> = Vec::new();
        for (run, one) in &self.0 {
            if let Followed::Here { used, .. } = one {
                by_use.push((*used, run.clone()));
            }
        }
        by_use.sort();
        let too_many = by_use.len().saturating_sub(MOST);
        let left: Vec<String> = by_use
            .into_iter()
            .enumerate()
            .filter(|(place, (used, _))| *place < too_many || used.elapsed() > UNUSED)
            .map(|(_, (_, run))| run)
            .collect();
        for run in &left {
            self.0.remove(run);
        }
        left
    }
}

impl Cluster {
    /// Looks at a run as it is now; it is followed from then on.
    pub(super) async fn shown<T>(
        self: &Arc<Self>,
        app: &App,
        run: &str,
        look: impl FnOnce(&Shown) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        if self.runs().use_it(run) {
            let name = run.to_owned();
            match self.try_ask(app, &Ask::CatchUp { run: name }).await {
                Ok(_) => {}
                // By another program than the one that followed it.
                Err(Unanswered::Failed(failure)) if failure.code == "not-followed" => {
                    self.runs().0.remove(run);
                }
                Err(why) => return Err(self.error(why, true)),
            }
        }
        if self.runs().get(run).is_none() {
            self.begin_to_follow(app, run).await?;
        }
        match self.runs().get(run) {
            Some(shown) => look(shown),
            None => Err(super::trouble::gone(
                &self.name,
                "it ended while the run was read",
            )),
        }
    }

    async fn begin_to_follow(self: &Arc<Self>, app: &App, run: &str) -> Result<(), ApiError> {
        let turn = self.following.lock().await;
        if self.runs().use_it(run) {
            return Ok(());
        }
        let coming = Followed::Coming(Vec::new());
        self.runs().0.insert(run.to_owned(), coming);
        let ask = Ask::Follow {
            run: run.to_owned(),
        };
        let first: Result<Told, ApiError> = self.ask(app, ask).await;
        let begun = first.and_then(|told| Shown::begin(app, told));
        let left = {
            let mut runs = self.runs();
            let since = runs.0.remove(run);
            let mut shown = begun?;
            if let Some(Followed::Coming(told)) = since {
                for told in told {
                    shown.take(told)?;
                }
            }
            let here = Followed::Here {
                shown: Box::new(shown),
                used: Instant::now(),
            };
            runs.0.insert(run.to_owned(), here);
            runs.leave()
        };
        drop(turn);
        for run in left {
            let left: Result<Value, ApiError> = self.ask(app, Ask::Unfollow { run }).await;
            if let Err(error) = left {
                tracing::debug!(%error, "a run is followed that nobody needs");
            }
        }
        Ok(())
    }

    /// Takes what came unasked into account, and tells front ends.
    pub(super) fn hear(&self, app: &App, heard: Heard) {
        let told = match heard {
            Heard::Told(told) => *told,
            Heard::Gone(why) => {
                tracing::info!(target = self.name, why, "the program for clusters ended");
                let was_used = !std::mem::take(&mut self.runs().0).is_empty();
                if was_used && !self.closed.is_cancelled() {
                    self.publish(app, BackendEvent::Lagged);
                }
                return;
            }
        };
        let run = told.run.clone();
        let mut runs = self.runs();
        let shown = match runs.0.get_mut(&run) {
            Some(Followed::Here { shown, .. }) => shown,
            Some(Followed::Coming(coming)) => {
                coming.push(told);
                return;
            }
            None => return,
        };
        let asked_before = questions(shown);
        let taken = shown.take(told);
        let summary = views::summary(shown.row(&self.queue));
        let asks_else = questions(shown) != asked_before;
        let Ok(Changed {
            events,
            is_replaced,
        }) = taken
        else {
            // Read anew when it is asked for again.
            runs.0.remove(&run);
            drop(runs);
            self.publish(app, BackendEvent::Lagged);
            return;
        };
        drop(runs);
        self.publish(
            app,
            BackendEvent::RunAdvanced {
                summary: Box::new(summary),
                truncated: is_replaced || events.len() > MAX_EVENTS,
                events: events.into_iter().take(MAX_EVENTS).collect(),
            },
        );
        if is_replaced {
            // What was shown of it is not so any more.
            self.publish(app, BackendEvent::Lagged);
        }
        if asks_else {
            self.publish(app, BackendEvent::InboxChanged);
        }
    }
}

/// What a run asks, as far as it can change.
fn questions(shown: &Shown) -> Vec<(String, Value)> {
    let asked = shown.asked().into_iter();
    asked.map(|one| (one.row.step, one.row.answers)).collect()
}
