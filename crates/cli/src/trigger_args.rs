//! What can be typed after `baton triggers`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Triggers {
    #[command(subcommand)]
    pub(crate) what: TriggersCommand,
}

impl Triggers {
    /// Whether errors are told as JSON.
    pub(crate) fn is_json(&self) -> bool {
        match &self.what {
            TriggersCommand::List(args) => args.json,
            TriggersCommand::Activate(args) => args.json,
            TriggersCommand::Deactivate(args)
            | TriggersCommand::Pause(args)
            | TriggersCommand::Resume(args) => args.json,
            TriggersCommand::Fire(args) => args.json,
            TriggersCommand::Firings(args) => args.json,
            TriggersCommand::Next(args) => args.json,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TriggersCommand {
    /// Triggers that are active or paused, and when they fire next
    List(TriggersList),
    /// Activate the triggers of a workflow, exactly as it is now
    Activate(TriggersActivate),
    /// Take back a trigger, or all of a workflow
    Deactivate(TriggerNamed),
    /// Let a trigger, or all of a workflow, wait
    Pause(TriggerNamed),
    /// Let a paused trigger, or all of a workflow, act again
    Resume(TriggerNamed),
    /// Fire a trigger by hand, and go along with its run
    Fire(TriggersFire),
    /// What triggers recorded, newest first, with reasons
    Firings(TriggersFirings),
    /// When schedules fire next
    Next(TriggersNext),
}

#[derive(Debug, Args)]
pub(crate) struct TriggersList {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TriggersActivate {
    /// The workflow file
    pub(crate) file: PathBuf,
    /// Only this trigger (may be repeated) [default: all]
    #[arg(long = "only", value_name = "TRIGGER")]
    pub(crate) only: Vec<String>,
    /// Input that every run gets: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) input: Option<String>,
    /// Folder that relative paths in the workflow start from [default: the folder of the file]
    #[arg(long, value_name = "DIR")]
    pub(crate) work: Option<PathBuf>,
    /// Trust this version of the workflow with whatever it does outside
    #[arg(long)]
    pub(crate) trust: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TriggerNamed {
    /// Id of the workflow, or its file
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    /// Id of the trigger [default: all of the workflow]
    pub(crate) trigger: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TriggersFire {
    /// Id of the workflow, or its file
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: String,
    /// Id of the trigger
    pub(crate) trigger: String,
    /// The input: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) input: Option<String>,
    /// Name of a saved input
    #[arg(long, value_name = "NAME")]
    pub(crate) saved: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TriggersFirings {
    /// Only of this workflow: its id or file
    #[arg(value_name = "WORKFLOW")]
    pub(crate) workflow: Option<String>,
    /// Only of this trigger
    pub(crate) trigger: Option<String>,
    /// Only what came to this
    #[arg(long)]
    pub(crate) status: Option<Came>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TriggersNext {
    /// A workflow file [default: the triggers that are active]
    #[arg(conflicts_with_all = ["cron", "every"])]
    pub(crate) file: Option<PathBuf>,
    /// A cron expression instead
    #[arg(long, value_name = "CRON", conflicts_with = "every")]
    pub(crate) cron: Option<String>,
    /// An interval instead, such as `15m`
    #[arg(long, value_name = "DURATION")]
    pub(crate) every: Option<String>,
    /// The time zone of `--cron` [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// How many
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) count: u32,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a firing came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Came {
    Pending,
    Queued,
    Started,
    Skipped,
    Missed,
    Failed,
}
