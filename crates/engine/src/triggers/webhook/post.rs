//! Who takes what hooks bring: secrets by name, and the store.

use std::sync::Arc;

use async_trait::async_trait;
use baton_store::{HookRequest, NewFiring, Recorded, StoreError};

use super::hooks::{Delivery, HookName, Taken, Taker};
use crate::notice::EngineNotice;
use crate::shared::Shared;
use crate::triggers::{MOST_WAITING, dispatch, new_run};

/// Records deliveries in the store.
pub(super) struct Post {
    pub(super) shared: Arc<Shared>,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Post")
    }
}

#[async_trait]
impl Taker for Post {
    fn secret(&self, name: &str) -> Option<String> {
        self.shared.secrets.find(name)
    }

    async fn waiting(&self, hook: &HookName) -> Result<u32, StoreError> {
        let store = &self.shared.store;
        store
            .count_open_firings(&hook.workflow, &hook.trigger, MOST_WAITING)
            .await
    }

    async fn take(&self, hook: &HookName, delivery: Delivery) -> Result<Taken, StoreError> {
        let HookName {
            workflow,
            trigger,
            revision,
        } = hook;
        let run = new_run();
        let request = delivery.nonce.map(|nonce| HookRequest {
            hook: format!("{workflow}/{trigger}"),
            nonce,
            at: delivery.at,
        });
        let firing = NewFiring {
            run: run.clone(),
            payload: delivery.payload,
            request,
            ..NewFiring::new(workflow, trigger, *revision, &delivery.key, delivery.at)
        };
        let store = &self.shared.store;
        let said = store.record(vec![firing], None).await?;
        let recorded = said.first().copied().unwrap_or(Recorded::Revoked);
        let run = match recorded {
            Recorded::Accepted => {
                dispatch::kick(&self.shared, workflow, trigger);
                self.shared.tell(EngineNotice::TriggersChanged);
                Some(run)
            }
            Recorded::Duplicate => {
                let firing = store.firing(workflow, trigger, &delivery.key).await?;
                firing.map(|firing| firing.run)
            }
            Recorded::Paused | Recorded::Revoked => None,
        };
        Ok(Taken { recorded, run })
    }

    async fn trouble(&self, hook: &HookName, trouble: Option<String>) {
        let store = &self.shared.store;
        let noted = async {
            match store.activation(&hook.workflow, &hook.trigger).await? {
                Some(activation) => {
                    store
                        .activation_trouble(&activation, trouble.as_deref())
                        .await
                }
                None => Ok(false),
            }
        };
        match noted.await {
            Ok(true) => self.shared.tell(EngineNotice::TriggersChanged),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "what is wrong with a hook was not noted"),
        }
    }
}
