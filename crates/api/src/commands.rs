//! The only list of commands there is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::app::App;
use crate::caller::{Caller, Role, admit};
use crate::catalog::*;
use crate::error::{ApiError, Code};
use crate::figures::*;
use crate::handlers;
use crate::host::*;
use crate::keeping::*;
use crate::limits::*;
use crate::revisions::*;
use crate::runs::*;
use crate::targets::*;
use crate::triggers::*;
use crate::users::*;
use crate::webhooks::*;
use crate::workflows::*;

/// Calls `$then!` with the list: `name(Request) -> Response, Role, "one sentence";`. The role is that which a user of a
/// server needs.
macro_rules! command_list {
    ($then:ident) => {
        $then! {
            app_info(Nothing) -> AppInfo, View, "What runs here.";
            approval_decide(ApprovalDecide) -> Nothing, Approve, "Answers a question.";
            backup_list(Nothing) -> BackupList, Admin, "The complete backups in the data folder.";
            backup_make(BackupMake) -> BackupRow, Admin, "Copies the data folder, while it is in use.";
            blob_get(BlobGet) -> AnyValue, View, "Reads a large value.";
            catalog_list(Nothing) -> CatalogList, View, "All kinds of step.";
            disk_get(Nothing) -> DiskView, View, "The room on the disk of the data folder.";
            draft_discard(DraftKey) -> Nothing, Edit, "Forgets unsaved edits.";
            draft_list(Nothing) -> DraftList, Edit, "Edits that were not saved.";
            draft_put(DraftPut) -> Nothing, Edit, "Keeps an edit, durable when it answers.";
            expression_try(ExpressionTry) -> ExpressionTried, View, "Evaluates an expression on the data of a run.";
            figures_get(Nothing) -> FiguresView, View, "What this Baton did since it started, in numbers.";
            folder_list(FolderList) -> FolderListed, Edit, "Looks into a folder.";
            host_log(Nothing) -> HostLog, View, "Sleeps of the computer and changes of its clock.";
            inbox_list(Nothing) -> InboxList, View, "All open questions.";
            input_delete(InputName) -> Nothing, Run, "Forgets a saved input.";
            input_list(InputList) -> InputListed, View, "The saved inputs of a workflow.";
            input_save(InputSave) -> Nothing, Run, "Keeps an input to start a workflow with.";
            limits_get(Nothing) -> LimitsView, View, "How much runs may use, and how much is carried out at a time.";
            limits_set(EngineLimits) -> LimitsView, Admin, "Changes the limits.";
            ready_get(Nothing) -> ReadyView, View, "Whether work can be taken, and what stands in the way.";
            recent_forget(FilePath) -> Nothing, Edit, "Takes a file off the list of recent ones.";
            recent_list(Nothing) -> RecentList, View, "Files that were opened before.";
            run_cancel(RunCancel) -> Nothing, Run, "Stops a run.";
            run_events(RunEvents) -> RunEventList, View, "Reads the log of a run.";
            run_get(RunGet) -> RunView, View, "A run, as it is or as it was at one event.";
            run_list(RunList) -> RunListed, View, "Runs, newest first.";
            run_pause(RunId) -> Nothing, Run, "Starts no further step.";
            run_raise(RunRaise) -> Nothing, Run, "Allows a run more of a budget.";
            run_release(RunId) -> Nothing, Admin, "Lets a run go on that was set aside.";
            run_reset(RunReset) -> RunStarted, Run, "Goes back to a step of a run; what was finished before is not repeated.";
            run_resume(RunId) -> Nothing, Run, "Starts steps again.";
            run_retry_now(RunStep) -> Nothing, Run, "Does not wait for the next attempt.";
            run_settle(RunSettle) -> Nothing, Run, "Says what became of a step with unknown outcome.";
            run_start(RunStart) -> RunStarted, Run, "Starts a run of a document.";
            safe_mode_get(Nothing) -> SafeModeView, View, "Whether Baton is in safe mode, and what is set aside.";
            safe_mode_leave(Nothing) -> SafeModeView, Admin, "Lets runs and triggers go on by themselves again.";
            sample_list(Nothing) -> SampleList, View, "The sample workflows.";
            schedule_preview(SchedulePreview) -> ScheduleShown, View, "When a schedule fires next, or what is wrong with it.";
            settings_get(Nothing) -> Settings, View, "Settings of this person on this machine.";
            settings_set(Settings) -> Settings, View, "Changes the settings that are given.";
            signal_send(SignalSend) -> SignalSent, Run, "Sends an event to whoever waits for it.";
            table_page(TablePage) -> TableRows, View, "Reads a page of a table.";
            target_add(TargetAdd) -> TargetLine, Admin, "Keeps a place where runs go, or changes it.";
            target_call(TargetCall) -> AnyValue, View, "Asks a target what this computer would be asked.";
            target_check(TargetId) -> TargetChecked, View, "Looks whether runs can go to a target.";
            target_list(Nothing) -> TargetListed, View, "The places where runs go besides this computer.";
            target_problems(TargetProblems) -> TargetProblemList, View, "What a workflow does otherwise on a target.";
            target_remove(TargetId) -> Nothing, Admin, "Forgets a target.";
            target_try(TargetAdd) -> TargetChecked, Admin, "Looks whether runs can go there, before it is kept.";
            text_save(TextFileSave) -> Nothing, Edit, "Writes a text file, atomically.";
            trigger_activate(TriggerActivate) -> TriggerActivated, Edit, "Activates the triggers of a workflow, exactly as it is now.";
            trigger_deactivate(TriggerName) -> Nothing, Edit, "Takes back a trigger, or all of a workflow.";
            trigger_fire(TriggerFire) -> FiringLine, Run, "Fires a trigger by hand.";
            trigger_firings(TriggerFirings) -> FiringsListed, View, "What triggers recorded, newest first, with reasons.";
            trigger_list(Nothing) -> TriggerListed, View, "Every trigger that is active or paused.";
            trigger_pause(TriggerName) -> Nothing, Run, "Lets a trigger, or all of a workflow, wait.";
            trigger_resume(TriggerName) -> Nothing, Run, "Lets a paused trigger act again.";
            user_add(UserAdd) -> TokenMade, Admin, "Adds a user of the server, and makes their token.";
            user_identify(TokenShown) -> UserIdentified, Admin, "Says whose token this is.";
            user_list(Nothing) -> UserListed, Admin, "The users of the server.";
            user_remove(UserName) -> Nothing, Admin, "Removes a user and takes their tokens back.";
            user_roles(UserRoles) -> Nothing, Admin, "Gives a user other roles.";
            user_token(UserName) -> TokenMade, Admin, "Makes a token in place of all that the user had.";
            verify(VerifyLog) -> Verified, Admin, "Checks the chain of the log, its checkpoints and anchors.";
            webhook_get(Nothing) -> WebhookView, View, "Where hooks listen, and what they took and refused.";
            webhook_set(WebhookSet) -> WebhookView, Admin, "Changes where hooks listen, at once.";
            workflow_check(WorkflowCheck) -> WorkflowChecked, View, "All findings about a document.";
            workflow_compare(WorkflowCompare) -> WorkflowCompared, View, "What a push would change.";
            workflow_kept(Nothing) -> KeptListed, View, "The workflows that were pushed here, each with its last revision.";
            workflow_layout(WorkflowLayout) -> WorkflowLaidOut, View, "Places for all steps, anew.";
            workflow_open(WorkflowOpen) -> WorkflowOpened, View, "Opens a file; carries nothing out.";
            workflow_pull(WorkflowPull) -> RevisionPulled, View, "A workflow as it was pushed.";
            workflow_push(WorkflowPush) -> WorkflowPushed, Edit, "Keeps a revision of a workflow, if it follows the last one.";
            workflow_revisions(WorkflowNamed) -> RevisionsListed, View, "The revisions of a workflow, newest first.";
            workflow_save(WorkflowSave) -> WorkflowSaved, Edit, "Saves a document, atomically.";
            workflow_svg(WorkflowSvg) -> TextFile, View, "A picture of a document.";
            workflow_trust(WorkflowTrust) -> Nothing, Edit, "Lets this version run without asking.";
        }
    };
}

macro_rules! typescript_of {
    ($($name:ident($request:ident) -> $response:ident, $role:ident, $doc:literal;)*) => {
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
            let mut roles = String::new();
            $(roles.push_str(&format!("  {}: \"{}\",\n", stringify!($name), Role::$role));)*
            format!("// Made by `npm run bindings`. Do not edit.\n{imports}import type {{ Role }} from \"./Role\";\n\n/** Every command: what it takes and what it gives. */\nexport type Commands = {{\n{rows}}};\n\n/** The role that a user of a server needs for a command. */\nexport const COMMAND_ROLES: {{ readonly [Name in keyof Commands]: Role }} = {{\n{roles}}};\n")
        }
    };
}

macro_rules! dispatch_of {
    ($($name:ident($request:ident) -> $response:ident, $role:ident, $doc:literal;)*) => {
        /// Every command with one sentence about it.
        pub const COMMANDS: &[(&str, &str)] = &[$((stringify!($name), $doc)),*];

        /// The role that a user of a server needs for a command.
        pub const COMMAND_ROLES: &[(&str, Role)] = &[$((stringify!($name), Role::$role)),*];

        /// Answers the command `name` of `caller`.
        ///
        /// # Errors
        ///
        /// Those of the command; [`Code::Forbidden`] if the roles of the caller do not allow it, whatever the request
        /// says; [`Code::UnknownCommand`] or [`Code::BadRequest`].
        pub async fn dispatch(
            app: &App,
            caller: &Caller,
            name: &str,
            request: Value,
        ) -> Result<Value, ApiError> {
            match name {
                $(stringify!($name) => {
                    let app = &admit(app, caller, stringify!($name), Role::$role).await?;
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
