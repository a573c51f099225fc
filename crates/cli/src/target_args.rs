//! What can be typed about targets: keeping them, and `--target` of the commands that reach one.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Where the runs are. The token comes from `BATON_TOKEN`, a file, or is kept; never from an argument.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct There {
    /// A target that is kept, `https://…`, or temporal://HOST:PORT/NAMESPACE/QUEUE [default: this computer]
    #[arg(long, global = true, value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// File with the token for an address [default: what `BATON_TOKEN` says]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust besides those of the system, PEM, for an address
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Targets {
    #[command(subcommand)]
    pub(crate) what: TargetsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TargetsCommand {
    /// The targets that are kept
    List(TargetsList),
    /// Keep one, or change it
    Add(Box<TargetsAdd>),
    /// Look whether runs can go there
    Check(TargetNamed),
    /// Forget one and its token
    Remove(TargetNamed),
}

#[derive(Debug, Args)]
pub(crate) struct TargetsList {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TargetNamed {
    /// Name or id of the target
    pub(crate) name: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TargetsAdd {
    /// What people call it
    pub(crate) name: String,
    /// Another Baton that serves: its address
    #[arg(
        long,
        value_name = "URL",
        required_unless_present = "temporal",
        conflicts_with = "temporal"
    )]
    pub(crate) server: Option<String>,
    /// A Temporal cluster: its address
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) temporal: Option<String>,
    /// File with the token or key [default: what `BATON_TOKEN` says, or `BATON_TEMPORAL_API_KEY` for a cluster]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust besides those of the system, PEM
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(crate) ca: Option<PathBuf>,
    /// Namespace of the cluster
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
    /// Task queue that its workers listen on
    #[arg(long, value_name = "NAME", default_value = "baton")]
    pub(crate) task_queue: String,
    /// Folder for large values, the same for every worker and client
    #[arg(long, value_name = "DIR", requires = "temporal")]
    pub(crate) blobs: Option<PathBuf>,
    /// File of keys that values are encrypted with
    #[arg(long, value_name = "FILE", requires = "temporal")]
    pub(crate) keys: Option<PathBuf>,
    /// With TLS to the cluster
    #[arg(long, requires = "temporal")]
    pub(crate) tls: bool,
    /// The authority that signed the certificate of the cluster
    #[arg(long, value_name = "FILE", requires = "temporal")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// The certificate of this computer
    #[arg(long, value_name = "FILE", requires_all = ["temporal", "tls_key"])]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The key of this computer
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Change the one of this name; its token stays if none is given
    #[arg(long)]
    pub(crate) change: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Targets {
    /// Whether errors are told as JSON.
    pub(crate) fn is_json(&self) -> bool {
        match &self.what {
            TargetsCommand::List(args) => args.json,
            TargetsCommand::Add(args) => args.json,
            TargetsCommand::Check(args) | TargetsCommand::Remove(args) => args.json,
        }
    }
}

/// Start a run on another Baton. On a Temporal cluster, `baton-temporal start --help` says more.
#[derive(Debug, Parser)]
#[command(name = "baton submit")]
pub(crate) struct Submit {
    /// The workflow file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The input: JSON, `@FILE`, or `@-` for standard input
    #[arg(long, value_name = "JSON|@FILE")]
    pub(crate) input: Option<String>,
    /// Stay, and go along with the run to its end
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) there: There,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
