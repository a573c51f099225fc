// Made by `npm run bindings`. Do not edit.
import type { AnyValue } from "./AnyValue";
import type { AppInfo } from "./AppInfo";
import type { ApprovalDecide } from "./ApprovalDecide";
import type { BackupList } from "./BackupList";
import type { BackupMake } from "./BackupMake";
import type { BackupRow } from "./BackupRow";
import type { BlobGet } from "./BlobGet";
import type { CatalogList } from "./CatalogList";
import type { DiskView } from "./DiskView";
import type { DraftKey } from "./DraftKey";
import type { DraftList } from "./DraftList";
import type { DraftPut } from "./DraftPut";
import type { EngineLimits } from "./EngineLimits";
import type { ExpressionTried } from "./ExpressionTried";
import type { ExpressionTry } from "./ExpressionTry";
import type { FiguresView } from "./FiguresView";
import type { FilePath } from "./FilePath";
import type { FiringLine } from "./FiringLine";
import type { FiringsListed } from "./FiringsListed";
import type { FolderList } from "./FolderList";
import type { FolderListed } from "./FolderListed";
import type { HostLog } from "./HostLog";
import type { InboxList } from "./InboxList";
import type { InputList } from "./InputList";
import type { InputListed } from "./InputListed";
import type { InputName } from "./InputName";
import type { InputSave } from "./InputSave";
import type { KeptListed } from "./KeptListed";
import type { LimitsView } from "./LimitsView";
import type { Nothing } from "./Nothing";
import type { ReadyView } from "./ReadyView";
import type { RecentList } from "./RecentList";
import type { RevisionPulled } from "./RevisionPulled";
import type { RevisionsListed } from "./RevisionsListed";
import type { RunCancel } from "./RunCancel";
import type { RunEventList } from "./RunEventList";
import type { RunEvents } from "./RunEvents";
import type { RunGet } from "./RunGet";
import type { RunId } from "./RunId";
import type { RunList } from "./RunList";
import type { RunListed } from "./RunListed";
import type { RunRaise } from "./RunRaise";
import type { RunReset } from "./RunReset";
import type { RunSettle } from "./RunSettle";
import type { RunStart } from "./RunStart";
import type { RunStarted } from "./RunStarted";
import type { RunStep } from "./RunStep";
import type { RunView } from "./RunView";
import type { SafeModeView } from "./SafeModeView";
import type { SampleList } from "./SampleList";
import type { SchedulePreview } from "./SchedulePreview";
import type { ScheduleShown } from "./ScheduleShown";
import type { Settings } from "./Settings";
import type { SignalSend } from "./SignalSend";
import type { SignalSent } from "./SignalSent";
import type { TablePage } from "./TablePage";
import type { TableRows } from "./TableRows";
import type { TargetAdd } from "./TargetAdd";
import type { TargetCall } from "./TargetCall";
import type { TargetChecked } from "./TargetChecked";
import type { TargetId } from "./TargetId";
import type { TargetLine } from "./TargetLine";
import type { TargetListed } from "./TargetListed";
import type { TargetProblemList } from "./TargetProblemList";
import type { TargetProblems } from "./TargetProblems";
import type { TextFile } from "./TextFile";
import type { TextFileSave } from "./TextFileSave";
import type { TokenMade } from "./TokenMade";
import type { TokenShown } from "./TokenShown";
import type { TriggerActivate } from "./TriggerActivate";
import type { TriggerActivated } from "./TriggerActivated";
import type { TriggerFire } from "./TriggerFire";
import type { TriggerFirings } from "./TriggerFirings";
import type { TriggerListed } from "./TriggerListed";
import type { TriggerName } from "./TriggerName";
import type { UserAdd } from "./UserAdd";
import type { UserIdentified } from "./UserIdentified";
import type { UserListed } from "./UserListed";
import type { UserName } from "./UserName";
import type { UserRoles } from "./UserRoles";
import type { Verified } from "./Verified";
import type { VerifyLog } from "./VerifyLog";
import type { WebhookSet } from "./WebhookSet";
import type { WebhookView } from "./WebhookView";
import type { WorkflowCheck } from "./WorkflowCheck";
import type { WorkflowChecked } from "./WorkflowChecked";
import type { WorkflowCompare } from "./WorkflowCompare";
import type { WorkflowCompared } from "./WorkflowCompared";
import type { WorkflowLaidOut } from "./WorkflowLaidOut";
import type { WorkflowLayout } from "./WorkflowLayout";
import type { WorkflowNamed } from "./WorkflowNamed";
import type { WorkflowOpen } from "./WorkflowOpen";
import type { WorkflowOpened } from "./WorkflowOpened";
import type { WorkflowPull } from "./WorkflowPull";
import type { WorkflowPush } from "./WorkflowPush";
import type { WorkflowPushed } from "./WorkflowPushed";
import type { WorkflowSave } from "./WorkflowSave";
import type { WorkflowSaved } from "./WorkflowSaved";
import type { WorkflowSvg } from "./WorkflowSvg";
import type { WorkflowTrust } from "./WorkflowTrust";
import type { Role } from "./Role";

/** Every command: what it takes and what it gives. */
export type Commands = {
  /** What runs here. */
  app_info: { request: Nothing; response: AppInfo };
  /** Answers a question. */
  approval_decide: { request: ApprovalDecide; response: Nothing };
  /** The complete backups in the data folder. */
  backup_list: { request: Nothing; response: BackupList };
  /** Copies the data folder, while it is in use. */
  backup_make: { request: BackupMake; response: BackupRow };
  /** Reads a large value. */
  blob_get: { request: BlobGet; response: AnyValue };
  /** All kinds of step. */
  catalog_list: { request: Nothing; response: CatalogList };
  /** The room on the disk of the data folder. */
  disk_get: { request: Nothing; response: DiskView };
  /** Forgets unsaved edits. */
  draft_discard: { request: DraftKey; response: Nothing };
  /** Edits that were not saved. */
  draft_list: { request: Nothing; response: DraftList };
  /** Keeps an edit, durable when it answers. */
  draft_put: { request: DraftPut; response: Nothing };
  /** Evaluates an expression on the data of a run. */
  expression_try: { request: ExpressionTry; response: ExpressionTried };
  /** What this Baton did since it started, in numbers. */
  figures_get: { request: Nothing; response: FiguresView };
  /** Looks into a folder. */
  folder_list: { request: FolderList; response: FolderListed };
  /** Sleeps of the computer and changes of its clock. */
  host_log: { request: Nothing; response: HostLog };
  /** All open questions. */
  inbox_list: { request: Nothing; response: InboxList };
  /** Forgets a saved input. */
  input_delete: { request: InputName; response: Nothing };
  /** The saved inputs of a workflow. */
  input_list: { request: InputList; response: InputListed };
  /** Keeps an input to start a workflow with. */
  input_save: { request: InputSave; response: Nothing };
  /** How much runs may use, and how much is carried out at a time. */
  limits_get: { request: Nothing; response: LimitsView };
  /** Changes the limits. */
  limits_set: { request: EngineLimits; response: LimitsView };
  /** Whether work can be taken, and what stands in the way. */
  ready_get: { request: Nothing; response: ReadyView };
  /** Takes a file off the list of recent ones. */
  recent_forget: { request: FilePath; response: Nothing };
  /** Files that were opened before. */
  recent_list: { request: Nothing; response: RecentList };
  /** Stops a run. */
  run_cancel: { request: RunCancel; response: Nothing };
  /** Reads the log of a run. */
  run_events: { request: RunEvents; response: RunEventList };
  /** A run, as it is or as it was at one event. */
  run_get: { request: RunGet; response: RunView };
  /** Runs, newest first. */
  run_list: { request: RunList; response: RunListed };
  /** Starts no further step. */
  run_pause: { request: RunId; response: Nothing };
  /** Allows a run more of a budget. */
  run_raise: { request: RunRaise; response: Nothing };
  /** Lets a run go on that was set aside. */
  run_release: { request: RunId; response: Nothing };
  /** Goes back to a step of a run; what was finished before is not repeated. */
  run_reset: { request: RunReset; response: RunStarted };
  /** Starts steps again. */
  run_resume: { request: RunId; response: Nothing };
  /** Does not wait for the next attempt. */
  run_retry_now: { request: RunStep; response: Nothing };
  /** Says what became of a step with unknown outcome. */
  run_settle: { request: RunSettle; response: Nothing };
  /** Starts a run of a document. */
  run_start: { request: RunStart; response: RunStarted };
  /** Whether Baton is in safe mode, and what is set aside. */
  safe_mode_get: { request: Nothing; response: SafeModeView };
  /** Lets runs and triggers go on by themselves again. */
  safe_mode_leave: { request: Nothing; response: SafeModeView };
  /** The sample workflows. */
  sample_list: { request: Nothing; response: SampleList };
  /** When a schedule fires next, or what is wrong with it. */
  schedule_preview: { request: SchedulePreview; response: ScheduleShown };
  /** Settings of this person on this machine. */
  settings_get: { request: Nothing; response: Settings };
  /** Changes the settings that are given. */
  settings_set: { request: Settings; response: Settings };
  /** Sends an event to whoever waits for it. */
  signal_send: { request: SignalSend; response: SignalSent };
  /** Reads a page of a table. */
  table_page: { request: TablePage; response: TableRows };
  /** Keeps a place where runs go, or changes it. */
  target_add: { request: TargetAdd; response: TargetLine };
  /** Asks a target what this computer would be asked. */
  target_call: { request: TargetCall; response: AnyValue };
  /** Looks whether runs can go to a target. */
  target_check: { request: TargetId; response: TargetChecked };
  /** The places where runs go besides this computer. */
  target_list: { request: Nothing; response: TargetListed };
  /** What a workflow does otherwise on a target. */
  target_problems: { request: TargetProblems; response: TargetProblemList };
  /** Forgets a target. */
  target_remove: { request: TargetId; response: Nothing };
  /** Looks whether runs can go there, before it is kept. */
  target_try: { request: TargetAdd; response: TargetChecked };
  /** Writes a text file, atomically. */
  text_save: { request: TextFileSave; response: Nothing };
  /** Activates the triggers of a workflow, exactly as it is now. */
  trigger_activate: { request: TriggerActivate; response: TriggerActivated };
  /** Takes back a trigger, or all of a workflow. */
  trigger_deactivate: { request: TriggerName; response: Nothing };
  /** Fires a trigger by hand. */
  trigger_fire: { request: TriggerFire; response: FiringLine };
  /** What triggers recorded, newest first, with reasons. */
  trigger_firings: { request: TriggerFirings; response: FiringsListed };
  /** Every trigger that is active or paused. */
  trigger_list: { request: Nothing; response: TriggerListed };
  /** Lets a trigger, or all of a workflow, wait. */
  trigger_pause: { request: TriggerName; response: Nothing };
  /** Lets a paused trigger act again. */
  trigger_resume: { request: TriggerName; response: Nothing };
  /** Adds a user of the server, and makes their token. */
  user_add: { request: UserAdd; response: TokenMade };
  /** Says whose token this is. */
  user_identify: { request: TokenShown; response: UserIdentified };
  /** The users of the server. */
  user_list: { request: Nothing; response: UserListed };
  /** Removes a user and takes their tokens back. */
  user_remove: { request: UserName; response: Nothing };
  /** Gives a user other roles. */
  user_roles: { request: UserRoles; response: Nothing };
  /** Makes a token in place of all that the user had. */
  user_token: { request: UserName; response: TokenMade };
  /** Checks the chain of the log, its checkpoints and anchors. */
  verify: { request: VerifyLog; response: Verified };
  /** Where hooks listen, and what they took and refused. */
  webhook_get: { request: Nothing; response: WebhookView };
  /** Changes where hooks listen, at once. */
  webhook_set: { request: WebhookSet; response: WebhookView };
  /** All findings about a document. */
  workflow_check: { request: WorkflowCheck; response: WorkflowChecked };
  /** What a push would change. */
  workflow_compare: { request: WorkflowCompare; response: WorkflowCompared };
  /** The workflows that were pushed here, each with its last revision. */
  workflow_kept: { request: Nothing; response: KeptListed };
  /** Places for all steps, anew. */
  workflow_layout: { request: WorkflowLayout; response: WorkflowLaidOut };
  /** Opens a file; carries nothing out. */
  workflow_open: { request: WorkflowOpen; response: WorkflowOpened };
  /** A workflow as it was pushed. */
  workflow_pull: { request: WorkflowPull; response: RevisionPulled };
  /** Keeps a revision of a workflow, if it follows the last one. */
  workflow_push: { request: WorkflowPush; response: WorkflowPushed };
  /** The revisions of a workflow, newest first. */
  workflow_revisions: { request: WorkflowNamed; response: RevisionsListed };
  /** Saves a document, atomically. */
  workflow_save: { request: WorkflowSave; response: WorkflowSaved };
  /** A picture of a document. */
  workflow_svg: { request: WorkflowSvg; response: TextFile };
  /** Lets this version run without asking. */
  workflow_trust: { request: WorkflowTrust; response: Nothing };
};

/** The role that a user of a server needs for a command. */
export const COMMAND_ROLES: { readonly [Name in keyof Commands]: Role } = {
  app_info: "view",
  approval_decide: "approve",
  backup_list: "admin",
  backup_make: "admin",
  blob_get: "view",
  catalog_list: "view",
  disk_get: "view",
  draft_discard: "edit",
  draft_list: "edit",
  draft_put: "edit",
  expression_try: "view",
  figures_get: "view",
  folder_list: "edit",
  host_log: "view",
  inbox_list: "view",
  input_delete: "run",
  input_list: "view",
  input_save: "run",
  limits_get: "view",
  limits_set: "admin",
  ready_get: "view",
  recent_forget: "edit",
  recent_list: "view",
  run_cancel: "run",
  run_events: "view",
  run_get: "view",
  run_list: "view",
  run_pause: "run",
  run_raise: "run",
  run_release: "admin",
  run_reset: "run",
  run_resume: "run",
  run_retry_now: "run",
  run_settle: "run",
  run_start: "run",
  safe_mode_get: "view",
  safe_mode_leave: "admin",
  sample_list: "view",
  schedule_preview: "view",
  settings_get: "view",
  settings_set: "view",
  signal_send: "run",
  table_page: "view",
  target_add: "admin",
  target_call: "view",
  target_check: "view",
  target_list: "view",
  target_problems: "view",
  target_remove: "admin",
  target_try: "admin",
  text_save: "edit",
  trigger_activate: "edit",
  trigger_deactivate: "edit",
  trigger_fire: "run",
  trigger_firings: "view",
  trigger_list: "view",
  trigger_pause: "run",
  trigger_resume: "run",
  user_add: "admin",
  user_identify: "admin",
  user_list: "admin",
  user_remove: "admin",
  user_roles: "admin",
  user_token: "admin",
  verify: "admin",
  webhook_get: "view",
  webhook_set: "admin",
  workflow_check: "view",
  workflow_compare: "view",
  workflow_kept: "view",
  workflow_layout: "view",
  workflow_open: "view",
  workflow_pull: "view",
  workflow_push: "edit",
  workflow_revisions: "view",
  workflow_save: "edit",
  workflow_svg: "view",
  workflow_trust: "edit",
};
