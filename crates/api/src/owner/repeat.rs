//! Which commands may be asked once more when nobody knows whether they were carried out.

use serde_json::Value;

/// They change nothing, or the same thing twice.
const REPEATABLE: &[&str] = &[
    "app_info",
    "backup_list",
    "backup_make",
    "blob_get",
    "catalog_list",
    "disk_get",
    "draft_discard",
    "draft_list",
    "draft_put",
    "expression_try",
    "figures_get",
    "folder_list",
    "inbox_list",
    "input_list",
    "input_save",
    "limits_get",
    "limits_set",
    "ready_get",
    "recent_forget",
    "recent_list",
    "run_events",
    "run_get",
    "run_list",
    "safe_mode_get",
    "safe_mode_leave",
    "sample_list",
    "schedule_preview",
    "settings_get",
    "settings_set",
    "table_page",
    "target_check",
    "target_list",
    "target_problems",
    "target_try",
    "text_save",
    "trigger_firings",
    "trigger_list",
    "trigger_pause",
    "trigger_resume",
    "user_identify",
    "user_list",
    "user_roles",
    "verify",
    "workflow_check",
    "workflow_compare",
    "workflow_kept",
    "workflow_layout",
    "workflow_open",
    "workflow_pull",
    "workflow_revisions",
    "workflow_svg",
    "workflow_trust",
];

/// Whether asking twice is as good as asking once. A command that this list does not know is not.
pub(crate) fn is_repeatable(command: &str) -> bool {
    REPEATABLE.binary_search(&command).is_ok()
}

/// As [`is_repeatable`], of a command that is passed on to a target as well.
pub(crate) fn may_be_asked_again(command: &str, request: &Value) -> bool {
    match request.get("command").and_then(Value::as_str) {
        Some(inner) if command == "target_call" => is_repeatable(inner),
        _ => is_repeatable(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_names_commands_that_exist() {
        assert!(REPEATABLE.is_sorted());
        for name in REPEATABLE {
            assert!(
                crate::COMMANDS.iter().any(|(known, _)| known == name),
                "{name}"
            );
        }
    }

    #[test]
    fn what_starts_or_decides_something_is_not_asked_twice() {
        for name in [
            "run_start",
            "approval_decide",
            "signal_send",
            "run_cancel",
            "trigger_fire",
        ] {
            assert!(!is_repeatable(name), "{name}");
        }
        assert!(is_repeatable("draft_put"));
        let passed_on = |command: &str| {
            may_be_asked_again("target_call", &serde_json::json!({ "command": command }))
        };
        assert!(passed_on("run_get") && !passed_on("run_start"));
        assert!(!may_be_asked_again("target_call", &Value::Null));
    }
}
