//! One source for every `file` trigger that acts, and none for any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use baton_core::trigger::TriggerKind;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::hints::Hints;
use super::keeper::Keeper;
use super::source::FileSource;
use crate::shared::Shared;
use crate::triggers::Name;
use crate::triggers::registry::{self, Registered};

/// How long what the store did not answer is left alone.
const AGAIN_MS: i64 = 1_000;

/// A source that was started.
struct Running {
    registered: Arc<Registered>,
    stop: CancellationToken,
    work: JoinHandle<()>,
}

impl Running {
    /// Whether it watches what `registered` says.
    fn is(&self, registered: &Registered) -> bool {
        let (own, other) = (&self.registered.activation, &registered.activation);
        !self.work.is_finished()
            && own.revision == other.revision
            && own.digest == other.digest
            && own.cursor == other.cursor
            && own.work_dir == other.work_dir
    }

    /// Stops it and waits until it is over: two must not write one ledger.
    async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.work.await {
            tracing::error!(%error, "a watched folder was left by a defect");
        }
    }
}

/// Watches folders until the engine closes.
pub(in crate::triggers) async fn watch(shared: Arc<Shared>) {
    let mut changes = shared.triggers.changes.subscribe();
    let mut running: BTreeMap<Name, Running> = BTreeMap::new();
    loop {
        changes.mark_unchanged();
        let wait = match registry::of_kind(&shared, "file").await {
            Ok(wanted) => {
                reconcile(&shared, &mut running, wanted).await;
                None
            }
            Err(error) => {
                tracing::warn!(%error, "the triggers of files cannot be read");
                Some(AGAIN_MS)
            }
        };
        let again = async {
            match wait {
                Some(ms) => shared.clock.sleep_for(ms).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.closing.cancelled() => break,
            changed = changes.changed() => if changed.is_err() { break },
            () = again => {}
        }
    }
    for (_, running) in running {
        running.end().await;
    }
}

async fn reconcile(
    shared: &Arc<Shared>,
    running: &mut BTreeMap<Name, Running>,
    wanted: Vec<Arc<Registered>>,
) {
    let mut left = std::mem::take(running);
    for registered in wanted {
        let activation = &registered.activation;
        let name = (activation.workflow.clone(), activation.trigger.clone());
        match left.remove(&name) {
            Some(same) if same.is(&registered) => {
                running.insert(name, same);
                continue;
            }
            Some(other) => other.end().await,
            None => {}
        }
        let TriggerKind::File(settings) = &registered.spec.kind else {
            continue;
        };
        let stop = shared.closing.child_token();
        let source = FileSource {
            settings: (**settings).clone(),
            work_dir: registered.work_dir(),
            since: activation.cursor,
            desk: Arc::new(Keeper {
                shared: shared.clone(),
                registered: registered.clone(),
            }),
            clock: shared.clock.clone(),
            hints: Arc::new(Hints::default()),
        };
        let work = shared.drivers.spawn(source.run(stop.clone()));
        running.insert(
            name,
            Running {
                registered,
                stop,
                work,
            },
        );
    }
    for (_, unwanted) in left {
        unwanted.end().await;
    }
}
