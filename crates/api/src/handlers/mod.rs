//! What each command does, by area.

mod about;
mod drafts;
mod figures;
mod files;
mod host;
mod inbox;
mod keeping;
mod limits;
mod revisions;
mod runs;
mod safe_mode;
mod settings;
mod targets;
mod triggers;
mod users;
mod values;
mod webhooks;
mod workflows;

pub use about::{app_info, catalog_list, sample_list};
pub use drafts::{draft_discard, draft_list, draft_put};
pub use figures::{figures_get, ready_get};
pub use files::{folder_list, recent_forget, recent_list, text_save};
pub use host::host_log;
pub use inbox::{approval_decide, inbox_list, run_settle, signal_send};
pub(crate) use inbox::{
    decider, item as inbox_item, not_asked as question_closed, require_shown as require_evidence,
};
pub use keeping::{backup_list, backup_make, verify};
pub(crate) use limits::kept as kept_limits;
pub use limits::{disk_get, limits_get, limits_set, run_raise};
pub use revisions::{
    workflow_compare, workflow_kept, workflow_pull, workflow_push, workflow_revisions,
};
pub(crate) use runs::{begin, require_valid, row as run_row, work_dir_of};
pub use runs::{
    run_cancel, run_events, run_get, run_list, run_pause, run_resume, run_retry_now, run_start,
};
pub use safe_mode::{run_release, safe_mode_get, safe_mode_leave};
pub(crate) use settings::settings_of;
pub use settings::{settings_get, settings_set};
pub use targets::{
    run_reset, target_add, target_call, target_check, target_list, target_problems, target_remove,
    target_try,
};
pub use triggers::{
    input_delete, input_list, input_save, schedule_preview, trigger_activate, trigger_deactivate,
    trigger_fire, trigger_firings, trigger_list, trigger_pause, trigger_resume,
};
pub use users::{user_add, user_identify, user_list, user_remove, user_roles, user_token};
pub(crate) use values::try_on as try_expression;
pub use values::{blob_get, expression_try, table_page};
pub(crate) use webhooks::listen_for_webhooks;
pub use webhooks::{webhook_get, webhook_set};
pub use workflows::{
    workflow_check, workflow_layout, workflow_open, workflow_save, workflow_svg, workflow_trust,
};
