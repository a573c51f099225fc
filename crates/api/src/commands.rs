//! The only list of commands there is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::app::App;
use crate::catalog::*;
use crate::error::{ApiError, Code};
use crate::handlers;
use crate::host::*;
use crate::keeping::*;
use crate::limits::*;
use crate::runs::*;
use crate::triggers::*;
use crate::webhooks::*;
use crate::workflows::*;

/// Calls `$then!` with the list: `name(Request) -> Response, "one sentence";`.
macro_rules! command_list {
    ($then:ident) => {
        $then! {
            app_info(Nothing) -> AppInfo, "What runs here.";
            approval_decide(ApprovalDecide) -> Nothing, "Answers a question.";
            backup_list(Nothing) -> BackupList, "The complete backups in the data folder.";
            backup_make(BackupMake) -> BackupRow, "Copies the data folder, while it is in use.";
            blob_get(BlobGet) -> AnyValue, "Reads a large value.";
            catalog_list(Nothing) -> CatalogList, "All kinds of step.";
            disk_get(Nothing) -> DiskView, "The room on the disk of the data folder.";
            draft_discard(DraftKey) -> Nothing, "Forgets unsaved edits.";
            draft_list(Nothing) -> DraftList, "Edits that were not saved.";
            draft_put(DraftPut) -> Nothing, "Keeps an edit, durable when it answers.";
            expression_try(ExpressionTry) -> ExpressionTried, "Evaluates an expression on the data of a run.";
            folder_list(FolderList) -> FolderListed, "Looks into a folder.";
            host_log(Nothing) -> HostLog, "Sleeps of the computer and changes of its clock.";
            inbox_list(Nothing) -> InboxList, "All open questions.";
            input_delete(InputName) -> Nothing, "Forgets a saved input.";
            input_list(InputList) -> InputListed, "The saved inputs of a workflow.";
            input_save(InputSave) -> Nothing, "Keeps an input to start a workflow with.";
            limits_get(Nothing) -> LimitsView, "How much runs may use, and how much is carried out at a time.";
            limits_set(EngineLimits) -> LimitsView, "Changes the limits.";
            recent_forget(FilePath) -> Nothing, "Takes a file off the list of recent ones.";
            recent_list(Nothing) -> RecentList, "Files that were opened before.";
            run_cancel(RunCancel) -> Nothing, "Stops a run.";
            run_events(RunEvents) -> RunEventList, "Reads the log of a run.";
            run_get(RunGet) -> RunView, "A run, as it is or as it was at one event.";
            run_list(RunList) -> RunListed, "Runs, newest first.";
            run_pause(RunId) -> Nothing, "Starts no further step.";
            run_raise(RunRaise) -> Nothing, "Allows a run more of a budget.";
            run_release(RunId) -> Nothing, "Lets a run go on that was set aside.";
            run_resume(RunId) -> Nothing, "Starts steps again.";
            run_retry_now(RunStep) -> Nothing, "Does not wait for the next attempt.";
            run_settle(RunSettle) -> Nothing, "Says what became of a step with unknown outcome.";
            run_start(RunStart) -> RunStarted, "Starts a run of a document.";
            safe_mode_get(Nothing) -> SafeModeView, "Whether Baton is in safe mode, and what is set aside.";
            safe_mode_leave(Nothing) -> SafeModeView, "Lets runs and triggers go on by themselves again.";
            sample_list(Nothing) -> SampleList, "The sample workflows.";
            schedule_preview(SchedulePreview) -> ScheduleShown, "When a schedule fires next, or what is wrong with it.";
            settings_get(Nothing) -> Settings, "Settings of this person on this machine.";
            settings_set(Settings) -> Settings, "Changes the settings that are given.";
            signal_send(SignalSend) -> SignalSent, "Sends an event to whoever waits for it.";
            table_page(TablePage) -> TableRows, "Reads a page of a table.";
            text_save(TextFileSave) -> Nothing, "Writes a text file, atomically.";
            trigger_activate(TriggerActivate) -> TriggerActivated, "Activates the triggers of a workflow, exactly as it is now.";
            trigger_deactivate(TriggerName) -> Nothing, "Takes back a trigger, or all of a workflow.";
            trigger_fire(TriggerFire) -> FiringLine, "Fires a trigger by hand.";
            trigger_firings(TriggerFirings) -> FiringsListed, "What triggers recorded, newest first, with reasons.";
            trigger_list(Nothing) -> TriggerListed, "Every trigger that is active or paused.";
            trigger_pause(TriggerName) -> Nothing, "Lets a trigger, or all of a workflow, wait.";
            trigger_resume(TriggerName) -> Nothing, "Lets a paused trigger act again.";
            verify(VerifyLog) -> Verified, "Checks the chain of the log, its checkpoints and anchors.";
            webhook_get(Nothing) -> WebhookView, "Where hooks listen, and what they took and refused.";
            webhook_set(WebhookSet) -> WebhookView, "Changes where hooks listen, at once.";
            workflow_check(WorkflowCheck) -> WorkflowChecked, "All findings about a document.";
            workflow_layout(WorkflowLayout) -> WorkflowLaidOut, "Places for all steps, anew.";
            workflow_open(WorkflowOpen) -> WorkflowOpened, "Opens a file; carries nothing out.";
            workflow_save(WorkflowSave) -> WorkflowSaved, "Saves a document, atomically.";
            workflow_svg(WorkflowSvg) -> TextFile, "A picture of a document.";
            workflow_trust(WorkflowTrust) -> Nothing, "Lets this version run without asking.";
        }
    };
}

macro_rules! typescript_of {
    ($($name:ident($request:ident) -> $response:ident, $doc:literal;)*) => {
        /// The commands as a TypeScript type, for `ui/src/bindings/Commands.ts`.
        pub fn typescript() -> String {
            let mut types: Vec<&str> = vec![$(stringify!($request), stringify!($response)),*];
            types.sort_unstable();
            types.dedup();
            let imports: String = types
                .iter()
                .map(|name| format!("import type {{ {name} }} from \"./{name}\";\n"))
                .collect();
            let mut rows = String::new();
            $(rows.push_str(&format!(
                "  /** {} */\n  {}: {{ request: {}; response: {} }};\n",
                $doc, stringify!($name), stringify!($request), stringify!($response),
            ));)*
            format!("// Made by `npm run bindings`. Do not edit.\n{imports}\n/** Every command: what it takes and what it gives. */\nexport type Commands = {{\n{rows}}};\n")
        }
    };
}

macro_rules! dispatch_of {
    ($($name:ident($request:ident) -> $response:ident, $doc:literal;)*) => {
        /// Every command with one sentence about it.
        pub const COMMANDS: &[(&str, &str)] = &[$((stringify!($name), $doc)),*];

        /// Answers the command `name`.
        ///
        /// # Errors
        ///
        /// Those of the command, and [`Code::UnknownCommand`] or [`Code::BadRequest`].
        pub async fn dispatch(app: &App, name: &str, request: Value) -> Result<Value, ApiError> {
            match name {
                $(stringify!($name) => {
                    let request: $request = read(name, request)?;
                    // Boxed: the futures of the commands differ much in size.
                    let response: $response = Box::pin(handlers::$name(app, request)).await?;
                    write(response)
                })*
                other => Err(ApiError::new(Code::UnknownCommand, format!("there is no command `{other}`"))
                    .hint("front end and backend come from different versions: restart Baton")),
            }
        }
    };
}

fn read<T: DeserializeOwned>(name: &str, request: Value) -> Result<T, ApiError> {
    let request = if request.is_null() {
        Value::Object(Map::new())
    } else {
        request
    };
    serde_json::from_value(request).map_err(|error| {
        ApiError::new(
            Code::BadRequest,
            format!("`{name}` was asked in the wrong form: {error}"),
        )
    })
}

fn write<T: Serialize>(response: T) -> Result<Value, ApiError> {
    serde_json::to_value(response).map_err(|error| ApiError::new(Code::Internal, error.to_string()))
}

command_list!(typescript_of);
command_list!(dispatch_of);

#[cfg(test)]
mod tests {
    /// Writes the list beside the types that ts-rs exports; `npm run bindings` compares both with git.
    #[test]
    fn export_bindings_commands() {
        let folder = std::env::var("TS_RS_EXPORT_DIR").expect("set in .cargo/config.toml");
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(format!("{folder}/Commands.ts"), super::typescript())
            .expect("the list can be written");
    }
}
