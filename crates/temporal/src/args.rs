//! What can be typed.

use std::path::PathBuf;

use baton_temporal::target::{Access, Place};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// What `--help` says about exit codes.
const HELP: &str = "\
Exit codes:
  0  it went well
  1  it did not: the run failed, the command was refused, something is missing
  2  it could not begin: a wrong argument, an unusable file, a cluster that does not answer
  3  the run was cancelled
  4  the run waits for a person or an event

Environment:
  BATON_TEMPORAL_API_KEY  a key of the cluster
  BATON_LOG               what to log on standard error: `warn`, `baton_temporal=debug` …";

/// Baton on Temporal: a worker, and what a program asks of a cluster.
#[derive(Debug, Parser)]
#[command(name = "baton-temporal", version, after_help = HELP, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) at: At,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct At {
    /// The cluster: temporal://HOST:PORT/NAMESPACE/QUEUE
    #[arg(
        long,
        global = true,
        value_name = "TARGET",
        conflicts_with = "temporal"
    )]
    pub(crate) target: Option<String>,
    /// The cluster: HOST:PORT
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub(crate) temporal: Option<String>,
    /// The namespace
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// The task queue
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) task_queue: Option<String>,
    /// Folder for large values, the same for every worker and client
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) blobs: Option<PathBuf>,
    /// File of keys to encrypt values with: a line `name:` and 64 hex digits for each
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// With TLS
    #[arg(long, global = true)]
    pub(crate) tls: bool,
    /// The authority that signed the certificate of the server
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The certificate of this program
    #[arg(long, global = true, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of this program
    #[arg(long, global = true, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Print JSON, one value per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl At {
    pub(crate) fn place(&self) -> Result<Place, baton_temporal::error::ClusterError> {
        let mut place: Place = match (&self.target, &self.temporal) {
            (Some(target), _) => target.parse()?,
            (None, address) => {
                let address = address.as_deref().unwrap_or("localhost:7233");
                format!("temporal://{address}").parse()?
            }
        };
        if let Some(namespace) = &self.namespace {
            place.namespace.clone_from(namespace);
        }
        if let Some(task_queue) = &self.task_queue {
            place.task_queue.clone_from(task_queue);
        }
        Ok(place)
    }

    pub(crate) fn access(&self) -> Access {
        Access {
            has_tls: self.tls,
            ca: self.tls_ca.clone(),
            identity: self.tls_cert.clone().zip(self.tls_key.clone()),
            api_key: std::env::var("BATON_TEMPORAL_API_KEY").ok(),
            keys: self.keys.clone(),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Carry on runs and carry out their steps, until it is told to stop
    Worker(Worker),
    /// Start a run
    #[command(alias = "submit")]
    Start(Start),
    /// List runs
    List(List),
    /// Show where a run stands, and its steps
    History(History),
    /// Follow a run to its end
    Watch(Watch),
    /// Answer a question of a run
    Approve(Approve),
    /// Hand an event to a run that waits for one
    Signal(Signal),
    /// Stop a run
    Cancel(Cancel),
    /// Say what became of a step that was interrupted
    Settle(Settle),
    /// Tell a run something else: `pause`, `resume`, `retry-now`, `raise`, as JSON
    Tell(Tell),
    /// Go back to a step; what was finished before it is not repeated
    Reset(Reset),
    /// Look whether everything is there that runs on the cluster need
    Check(Check),
    /// Answer questions of Baton: a line of JSON for each, on standard input
    Rpc,
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Folder that relative paths of steps start from [default: the current folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) work: Option<PathBuf>,
    /// How many steps are carried out at the same time
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) steps: usize,
    /// Pin runs to the build that began them, in the deployment of this name
    #[arg(long, value_name = "NAME")]
    pub(crate) deployment: Option<String>,
    /// Name of this build in the deployment
    #[arg(long, value_name = "ID", requires = "deployment")]
    pub(crate) build: Option<String>,
    /// Let new runs begin with this build
    #[arg(long, requires = "deployment")]
    pub(crate) make_current: bool,
    /// How long steps may go on after a signal to stop, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(crate) grace: u64,
    /// Carry out steps only, and drive no run
    #[arg(long)]
    pub(crate) steps_only: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// The workflow file
    pub(crate) file: PathBuf,
    /// The input: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) input: Option<String>,
    /// Name of the run; without it, one is made
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Stay, and follow the run to its end
    #[arg(long)]
    pub(crate) watch: bool,
    /// The longest silence of a step before it is taken for lost, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) heartbeat: Option<u64>,
    /// The longest a step may wait for a worker and be carried out, in seconds
    #[arg(long, value_name = "SECONDS")]
    pub(crate) deadline: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Narrow the list down, in the words of Temporal: "BatonStatus = 'waiting'"
    #[arg(long, value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// The run
    pub(crate) run: String,
    /// Another part of it than the last
    #[arg(long, value_name = "ID")]
    pub(crate) part: Option<String>,
    /// Print the events of the run instead
    #[arg(long)]
    pub(crate) events: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The run
    pub(crate) run: String,
    /// Leave out what happened up to this event
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(crate) after: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    Approved,
    Rejected,
    Submitted,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The run
    pub(crate) run: String,
    /// The step that asks
    pub(crate) step: String,
    /// The answer
    #[arg(default_value = "approved")]
    pub(crate) answer: Answer,
    /// Who answers [default: the account of this computer]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
    /// Words with it
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Data of a form: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) form: Option<String>,
    /// Leave the answer as a message, and do not wait whether it is taken
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Signal {
    /// The run
    pub(crate) run: String,
    /// Name of the event
    pub(crate) event: String,
    /// Its key, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) key: Option<String>,
    /// What it carries: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) payload: Option<String>,
    /// Unique: a second one with this name is ignored [default: one is made of event, key and payload]
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Leave it as a message, and do not wait whether it is taken
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The run
    pub(crate) run: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Take back what was completed
    #[arg(long)]
    pub(crate) undo: bool,
    /// Who [default: the account of this computer]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Became {
    Done,
    NotDone,
    RunAgain,
}

#[derive(Debug, Args)]
pub(crate) struct Settle {
    /// The run
    pub(crate) run: String,
    /// The step in question
    pub(crate) step: String,
    /// What became of it
    pub(crate) became: Became,
    /// The output to go on with, if it was done: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) output: Option<String>,
    /// Who [default: the account of this computer]
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Tell {
    /// The run
    pub(crate) run: String,
    /// What: {"type":"pause","by":"ada"}
    #[arg(value_name = "JSON|@FILE")]
    pub(crate) command: String,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The run
    pub(crate) run: String,
    /// The step to go back to
    pub(crate) step: String,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "run again from here")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Make the search attributes that are missing
    #[arg(long)]
    pub(crate) create: bool,
    /// Also say what of this workflow the cluster cannot do as this computer does
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}
