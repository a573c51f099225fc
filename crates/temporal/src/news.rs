//! What is told of a run: all of it once, then whatever is new, through parts that follow one another, resets, and a
//! cluster that does not answer for a while.

use std::time::Duration;

use baton_core::machine::Logged;
use baton_sidecar::{Closed, Listening, Mark, Told};
use temporalio_common::protos::temporal::api::enums::v1::PendingWorkflowTaskState;
use tokio::sync::{mpsc, watch};

use crate::error::ClusterError;
use crate::fold::{self, Fold};
use crate::list::{millis, now};
use crate::target::Cluster;

/// How often it is looked whether the run is still this one, and whether a worker listens.
const LOOK: Duration = Duration::from_secs(2);
/// What nobody took up for so long waits for a worker.
const TAKEN_UP: Duration = Duration::from_secs(6);
/// How long a cluster that does not answer is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// A run as the cluster describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct About {
    /// How much there is of it.
    pub mark: Mark,
    /// What there is to do was not taken up by any worker.
    pub is_untaken: bool,
}

impl Cluster {
    /// How much there is of a run, without reading it.
    ///
    /// # Errors
    ///
    /// If the cluster does not know it.
    pub async fn about(&self, run: &str) -> Result<About, ClusterError> {
        let about = self.handle(run).describe(Default::default()).await;
        let about = about.map_err(|error| ClusterError::interaction(run, &error))?;
        let raw = about.raw();
        let task = raw.pending_workflow_task.as_ref();
        let waits = task.filter(|task| task.state() == PendingWorkflowTaskState::Scheduled);
        let since = waits.and_then(|task| task.scheduled_time.as_ref());
        let now = now();
        let limit = i64::try_from(TAKEN_UP.as_millis()).unwrap_or(i64::MAX);
        let is_untaken = since.is_some_and(|time| now - millis(time.seconds, time.nanos) > limit);
        Ok(About {
            mark: Mark {
                part: about.run_id().to_owned(),
                length: i64::try_from(about.history_length()).unwrap_or(i64::MAX),
            },
            is_untaken,
        })
    }

    /// A run, all of it.
    ///
    /// # Errors
    ///
    /// If the cluster does not know it, or it cannot be read.
    pub async fn whole(
        &self,
        run: &str,
        about: &About,
        listening: Listening,
    ) -> Result<Told, ClusterError> {
        let (events, _) = self.raw_history(run, Some(&about.mark.part)).await?;
        let mut fold = Fold::new(self.home.clone(), run);
        fold.read(&events)?;
        let mut reader = Reader::new(run);
        reader.part.clone_from(&about.mark.part);
        reader.is_untaken = about.is_untaken;
        reader.listening = listening;
        reader.news(&fold)
    }

    /// Tells everything of a run, then whatever is new, until nobody wants to hear it. `read` says how far.
    ///
    /// # Errors
    ///
    /// If it cannot be read at all. A cluster that stops answering later is said, and asked again.
    pub async fn follow(
        &self,
        run: &str,
        tell: mpsc::Sender<Told>,
        read: watch::Sender<Option<Mark>>,
    ) -> Result<(), ClusterError> {
        let mut reader = Reader::new(run);
        let mut fold = Fold::new(self.home.clone(), run);
        loop {
            let gone = match self.go_on(&mut reader, &mut fold, &tell, &read).await {
                Ok(()) => return Ok(()),
                Err(error) if reader.last.is_none() => return Err(error),
                Err(error) => error,
            };
            reader.trouble = Some(gone.message.clone());
            if tell.send(reader.nothing_new()).await.is_err() {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(AGAIN) => {}
                () = tell.closed() => return Ok(()),
            }
        }
    }

    /// Follows a run until the cluster stops answering, or nobody wants to hear it any more.
    async fn go_on(
        &self,
        reader: &mut Reader,
        fold: &mut Fold,
        tell: &mpsc::Sender<Told>,
        read: &watch::Sender<Option<Mark>>,
    ) -> Result<(), ClusterError> {
        let mut about = self.about(&reader.run).await?;
        reader.listening = self.listening().await?;
        reader.is_untaken = about.is_untaken;
        loop {
            // A part is read from its beginning: the cluster gives no place to go on from.
            reader.part.clone_from(&about.mark.part);
            *fold = Fold::new(self.home.clone(), &reader.run);
            let mut token = Vec::new();
            let mut is_read = false;
            let mut looks = tokio::time::interval_at(tokio::time::Instant::now() + LOOK, LOOK);
            let (run, part) = (reader.run.clone(), reader.part.clone());
            'part: loop {
                let waits = is_read;
                // It is closed, and nothing comes after that. Only a reset makes another part of it.
                let is_over = is_read && token.is_empty();
                let place = std::mem::take(&mut token);
                let (run, part) = (&run, &part);
                let page = async move {
                    if is_over {
                        return std::future::pending().await;
                    }
                    self.page(run, part, place, true).await
                };
                tokio::pin!(page);
                let (events, next) = loop {
                    tokio::select! {
                        page = &mut page => break page?,
                        () = tell.closed() => return Ok(()),
                        // Whoever waits for the first words waits for all of them.
                        _ = looks.tick(), if waits => {
                            about = self.about(&reader.run).await?;
                            if about.mark.part != reader.part {
                                break 'part;
                            }
                            let listening = self.listening().await?;
                            if reader.sees(listening, about.is_untaken) && tell.send(reader.nothing_new()).await.is_err() {
                                return Ok(());
                            }
                        }
                    }
                };
                fold.read(&events)?;
                token = next;
                // A workflow task that only answers a question is counted, and may never be written down.
                let is_all = fold.last_event() + 2 >= about.mark.length || token.is_empty();
                if !is_read && !is_all {
                    continue;
                }
                is_read = true;
                if let Some(fold::Closed::Continued(next)) = fold.closed() {
                    about.mark = Mark {
                        part: next.clone(),
                        length: 1,
                    };
                    break 'part;
                }
                reader.trouble = None;
                let told = reader.news(fold)?;
                let mark = told.mark.clone();
                if tell.send(told).await.is_err() {
                    return Ok(());
                }
                read.send_replace(Some(mark));
            }
        }
    }
}

/// What was told of a run.
#[derive(Debug)]
struct Reader {
    run: String,
    part: String,
    /// The part that the last news came from, and all events up to then.
    told_of: String,
    told: Vec<Logged>,
    last: Option<Told>,
    listening: Listening,
    is_untaken: bool,
    trouble: Option<String>,
}

impl Reader {
    fn new(run: &str) -> Self {
        Self {
            run: run.to_owned(),
            part: String::new(),
            told_of: String::new(),
            told: Vec::new(),
            last: None,
            listening: Listening::default(),
            is_untaken: false,
            trouble: None,
        }
    }

    /// Whether this is something else than before.
    fn sees(&mut self, listening: Listening, is_untaken: bool) -> bool {
        // A count that goes up and down says nothing.
        let is_other = (listening.runs == 0) != (self.listening.runs == 0)
            || (listening.steps == 0) != (self.listening.steps == 0)
            || is_untaken != self.is_untaken;
        self.listening = listening;
        self.is_untaken = is_untaken;
        is_other
    }

    /// What `fold` has beyond what was told.
    fn news(&mut self, fold: &Fold) -> Result<Told, ClusterError> {
        let host = fold.host();
        let mark = Mark {
            part: self.part.clone(),
            length: fold.last_event(),
        };
        let goes_on = fold.input().is_some_and(|input| !input.log.is_empty());
        if host.is_none() && goes_on && self.last.is_some() {
            // The next part of the run has not begun: what happened before stays.
            return Ok(Told {
                mark,
                closed: None,
                ..self.nothing_new()
            });
        }
        let log = host.map_or(&[][..], |host| host.log());
        let log: Vec<&Logged> = fold.earlier().iter().chain(log).collect();
        let is_first = self.last.is_none();
        let same = if self.told_of == self.part {
            self.told.len().min(log.len())
        } else {
            let pairs = self.told.iter().zip(&log);
            pairs.take_while(|(old, new)| *old == **new).count()
        };
        self.told_of.clone_from(&self.part);
        self.told.truncate(same);
        let from = self.told.last().map_or(0, |logged| logged.seq);
        let events: Vec<Logged> = log[same..].iter().map(|&logged| logged.clone()).collect();
        self.told.extend(events.iter().cloned());
        let definition = if is_first { fold.workflow()? } else { None };
        let closed = fold.closed().map(|closed| Closed {
            how: closed.word(fold),
            at: fold.closed_at().unwrap_or_default(),
        });
        let told = Told {
            run: self.run.clone(),
            mark,
            definition,
            from,
            events,
            standing: host.map(|host| host.standing()),
            started_at: fold.began_at(),
            listening: self.listening.clone(),
            is_untaken: self.is_untaken,
            trouble: self
                .trouble
                .clone()
                .or_else(|| fold.trouble().map(str::to_owned)),
            closed,
        };
        self.last = Some(Told {
            definition: None,
            events: Vec::new(),
            ..told.clone()
        });
        Ok(told)
    }

    /// The same once more, with what is known besides the history.
    fn nothing_new(&self) -> Told {
        let last = self.last.clone().unwrap_or_else(|| Told {
            run: self.run.clone(),
            mark: Mark {
                part: self.part.clone(),
                length: 0,
            },
            definition: None,
            from: 0,
            events: Vec::new(),
            standing: None,
            started_at: 0,
            listening: Listening::default(),
            is_untaken: false,
            trouble: None,
            closed: None,
        });
        Told {
            from: self.told.last().map_or(0, |logged| logged.seq),
            listening: self.listening.clone(),
            is_untaken: self.is_untaken,
            trouble: self.trouble.clone().or(last.trouble.clone()),
            ..last
        }
    }
}
