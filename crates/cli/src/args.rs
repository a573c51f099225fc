//! What can be typed.

use std::path::PathBuf;

use baton_api::baton_interop::EXPORTERS;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;
use crate::server_args::{Pull, Push, Serve, Users, Workflows};
use crate::target_args::{Targets, There};
use crate::trigger_args::Triggers;

/// Baton runs workflows: check them, run them, decide in them, and look at what happened.
#[derive(Debug, Parser)]
#[command(name = "baton", version, after_help = exit::HELP, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Folder of database and artifacts [default: the data folder of this account]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Whether errors are told as JSON.
    pub(crate) fn is_json(&self) -> bool {
        match &self.command {
            Command::Validate(args) => args.json,
            Command::Run(args) => args.json,
            Command::Resume(args) => args.json,
            Command::Approve(args) => args.json,
            Command::Cancel(args) => args.json,
            Command::Runs(args) => match &args.what {
                RunsCommand::List(args) => args.json,
                RunsCommand::Show(args) | RunsCommand::Events(args) => args.json,
            },
            Command::Raise(args) => args.json,
            Command::Release(args) => args.json,
            Command::SafeMode(args) => args.json,
            Command::Limits(args) => args.json,
            Command::Replay(args) => args.json,
            Command::Verify(args) => args.json,
            Command::Doctor(args) => args.json,
            Command::Backup(args) => args.json,
            Command::Restore(args) => args.json,
            Command::Settle(args) => args.json,
            Command::Targets(args) => args.is_json(),
            Command::Triggers(args) => args.is_json(),
            Command::Serve(args) => args.json,
            Command::Users(args) => args.is_json(),
            Command::Push(args) => args.json,
            Command::Pull(args) => args.json,
            Command::Workflows(args) => args.json,
            Command::Export(args) => args.json,
            Command::Fmt(args) => args.json,
            Command::Schema(args) => args.json,
            Command::Rpc(_) => true,
            Command::Worker(handed) | Command::Submit(handed) => handed.is_json(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check workflow files; nothing is carried out
    Validate(Validate),
    /// Run a workflow from beginning to end
    Run(Run),
    /// Go on with a run that was interrupted or waited
    Resume(Resume),
    /// Answer the question of a run, and go on with it
    Approve(Approve),
    /// Say what became of a step that was interrupted, and go on with its run
    Settle(Settle),
    /// Stop a run
    Cancel(Cancel),
    /// Allow a run more of a budget that is used up, and go on with it
    Raise(Raise),
    /// Let a run go on that was set aside because Baton ended while it took it up
    Release(OneRun),
    /// Say whether Baton is in safe mode, and leave it
    SafeMode(SafeMode),
    /// Show how much runs may use and how much is carried out at a time
    Limits(Limits),
    /// List runs, or look at one
    Runs(Runs),
    /// Start a run elsewhere: FILE --target NAME, https://… or temporal://HOST:PORT/NAMESPACE/QUEUE
    #[command(disable_help_flag = true)]
    Submit(Handed),
    /// Carry on runs of a Temporal cluster: --temporal HOST:PORT --namespace N --task-queue Q
    #[command(disable_help_flag = true)]
    Worker(Handed),
    /// Step through a run again; nothing is carried out
    Replay(Replay),
    /// Places where runs go besides this computer: Baton servers and Temporal clusters
    Targets(Targets),
    /// What starts runs without a person: activate it, look at it, fire it
    Triggers(Triggers),
    /// Check the log of all runs
    Verify(Verify),
    /// Copy the data folder, also while it is in use
    Backup(Backup),
    /// Put a backup, or what a damaged database still says, in the place of the present one
    Restore(Restore),
    /// Print the JSON Schema of workflow files, for editors
    Schema(Schema),
    /// Write a workflow in another form
    Export(Export),
    /// Write workflow files in their canonical form
    Fmt(Fmt),
    /// Show Baton in a browser on this machine, or serve a team
    Serve(Serve),
    /// Who may use a server, and what they may do there
    Users(Users),
    /// Keep files as revisions of workflows on a server, after showing what changes
    Push(Push),
    /// Write a workflow of a server into a file, after showing what changes
    Pull(Pull),
    /// Workflows that were pushed to a server, with their revisions
    Workflows(Workflows),
    /// Carry out one command of the api, and print its answer
    Rpc(Rpc),
    /// Look whether everything is there that Baton needs
    Doctor(Doctor),
}

/// What is handed to the program for clusters as it is.
#[derive(Debug, Args)]
pub(crate) struct Handed {
    /// See `baton-temporal --help`
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    pub(crate) rest: Vec<std::ffi::OsString>,
}

impl Handed {
    /// Whether JSON is asked for: what goes wrong before anything is handed over is said in it as well.
    fn is_json(&self) -> bool {
        self.rest.iter().any(|argument| argument == "--json")
    }
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Make a new database of what still reads in a damaged one; the damaged one is kept
    #[arg(long)]
    pub(crate) repair: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Compare with the anchors in this file, and add one; keep it where nobody changes it
    #[arg(long, value_name = "FILE")]
    pub(crate) anchor: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// Folder that the backup becomes a folder in [default: `backups` in the data folder]
    #[arg(long, value_name = "DIR", conflicts_with = "list")]
    pub(crate) to: Option<PathBuf>,
    /// List the backups in the data folder
    #[arg(long)]
    pub(crate) list: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The folder of the backup
    #[arg(value_name = "BACKUP", conflicts_with = "salvage")]
    pub(crate) from: Option<PathBuf>,
    /// Make a new database of what still reads in the damaged one
    #[arg(long)]
    pub(crate) salvage: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Settle {
    /// Number or id of the run
    pub(crate) run: String,
    /// The step in question
    pub(crate) step: String,
    /// What became of it
    #[arg(value_name = "BECAME")]
    pub(crate) became: Became,
    /// The output to go on with, if it was done: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) output: Option<String>,
    /// Print one event per line, and last the result
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// Workflow files; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The workflow file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The input: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) input: Option<String>,
    /// Folder that relative paths in the workflow start from [default: the folder of the file]
    #[arg(long, value_name = "DIR")]
    pub(crate) work: Option<PathBuf>,
    /// Answer a question beforehand
    #[arg(long = "approve", value_name = "STEP=approved|rejected", value_parser = answer)]
    pub(crate) approvals: Vec<(String, Answer)>,
    /// Let the triggers of the workflow act until Ctrl-C, instead of running it now
    #[arg(long, conflicts_with = "approvals")]
    pub(crate) watch: bool,
    /// Print one event per line, and last the result
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Number or id of the run
    pub(crate) run: String,
    /// Answer a question beforehand
    #[arg(long = "approve", value_name = "STEP=approved|rejected", value_parser = answer)]
    pub(crate) approvals: Vec<(String, Answer)>,
    /// Print one event per line, and last the result
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// Number or id of the run
    pub(crate) run: String,
    /// The step that asks
    pub(crate) step: String,
    /// The answer
    pub(crate) answer: Answer,
    /// A few words with it
    #[arg(long)]
    pub(crate) comment: Option<String>,
    #[command(flatten)]
    pub(crate) there: There,
    /// Print one event per line, and last the result
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// Number or id of the run
    pub(crate) run: String,
    /// Why
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Leave what was completed as it is, instead of taking it back
    #[arg(long)]
    pub(crate) no_undo: bool,
    #[command(flatten)]
    pub(crate) there: There,
    /// Print one event per line, and last the result
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[group(id = "budgets", required = true, multiple = true, args = ["steps", "iterations", "depth", "payload", "run_payload", "memory", "wall_time"])]
pub(crate) struct Raise {
    /// Number or id of the run
    pub(crate) run: String,
    /// Steps started in all
    #[arg(long, value_name = "N")]
    pub(crate) steps: Option<u64>,
    /// Iterations of one loop
    #[arg(long, value_name = "N")]
    pub(crate) iterations: Option<u64>,
    /// Sub-workflows below one another
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<u64>,
    /// One value, such as `500MB`
    #[arg(long, value_name = "SIZE")]
    pub(crate) payload: Option<String>,
    /// All values and tables of the run, such as `20GB`
    #[arg(long, value_name = "SIZE")]
    pub(crate) run_payload: Option<String>,
    /// Values in memory, such as `500MB`
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// Time since the start of the run, such as `8h`
    #[arg(long, value_name = "DURATION")]
    pub(crate) wall_time: Option<String>,
    /// Print one event per line, and last the result
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SafeMode {
    /// Let runs and triggers go on by themselves again
    #[arg(long)]
    pub(crate) leave: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// Change these, and leave the others: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) set: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Runs {
    #[command(flatten)]
    pub(crate) there: There,
    #[command(subcommand)]
    pub(crate) what: RunsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Runs, newest first
    List(RunsList),
    /// A run and its steps
    Show(OneRun),
    /// Everything that happened in a run
    Events(OneRun),
}

#[derive(Debug, Args)]
pub(crate) struct RunsList {
    /// Only of the workflow with this id
    #[arg(long, value_name = "ID")]
    pub(crate) workflow: Option<String>,
    /// Only runs that stand here
    #[arg(long)]
    pub(crate) status: Option<Status>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OneRun {
    /// Number or id of the run
    pub(crate) run: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Number or id of the run
    pub(crate) run: String,
    /// Stop at this event
    #[arg(long, value_name = "SEQ", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) until: Option<u32>,
    /// Print one event per line, and last the state
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The workflow file
    pub(crate) file: PathBuf,
    /// The form
    #[arg(long, value_name = "FORM", value_parser = form())]
    pub(crate) to: String,
    /// Where to [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print JSON: the form, and the text or the file that it was written to
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Tell errors as JSON; what is printed is JSON anyway
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// Workflow files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; exit with 1 if a file is not in its canonical form
    #[arg(long)]
    pub(crate) check: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rpc {
    /// Name of the command; `list` for all of them
    pub(crate) name: String,
    /// The request: JSON, `@FILE`, or `@-` for standard input
    #[arg(default_value = "{}", hide_default_value = true)]
    pub(crate) request: String,
    /// Print the JSON on one line
    #[arg(long)]
    pub(crate) json: bool,
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    /// Yes
    Approved,
    /// No
    Rejected,
}

/// What became of a step that was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Became {
    /// It acted: the run goes on with `--output`
    Done,
    /// It did not act: the step fails
    NotDone,
    /// Carry it out again
    Again,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Status {
    Running,
    Waiting,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
}

/// The forms of the one list of exporters.
fn form() -> PossibleValuesParser {
    EXPORTERS
        .iter()
        .map(|exporter| PossibleValue::new(exporter.id).help(exporter.title))
        .collect::<Vec<_>>()
        .into()
}

fn answer(text: &str) -> Result<(String, Answer), String> {
    let wanted = || format!("`{text}` is not `STEP=approved` or `STEP=rejected`");
    let (step, answer) = text.split_once('=').ok_or_else(wanted)?;
    if step.is_empty() {
        return Err(wanted());
    }
    Ok((
        step.to_owned(),
        Answer::from_str(answer, false).map_err(|_| wanted())?,
    ))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_can_speak_json() {
        fn look(command: &clap::Command, path: &str, silent: &mut Vec<String>) {
            let mut has_more = false;
            for inner in command
                .get_subcommands()
                .filter(|inner| inner.get_name() != "help")
            {
                has_more = true;
                look(inner, &format!("{path} {}", inner.get_name()), silent);
            }
            // `rest` goes to another program as it is, `--json` with it.
            let speaks = command
                .get_arguments()
                .any(|argument| argument.get_id() == "json" || argument.get_id() == "rest");
            if !has_more && !speaks {
                silent.push(path.to_owned());
            }
        }
        let mut silent = Vec::new();
        look(&Arguments::command(), "baton", &mut silent);
        assert_eq!(silent, Vec::<String>::new());
    }

    #[test]
    fn an_answer_names_its_step() {
        assert_eq!(answer("a=approved"), Ok(("a".to_owned(), Answer::Approved)));
        assert_eq!(
            answer("each[0]/a=rejected"),
            Ok(("each[0]/a".to_owned(), Answer::Rejected))
        );
        for wrong in ["a", "a=", "=approved", "a=yes", "a=Approved"] {
            assert!(answer(wrong).is_err(), "{wrong}");
        }
    }
}
