//! What can be typed about servers: serving, users, and workflows that are pushed and pulled.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use baton_api::Role;
use baton_api::baton_core::duration::parse_ms;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Port on this machine [default: a free one]
    #[arg(
        long,
        default_value_t = 0,
        hide_default_value = true,
        conflicts_with = "listen"
    )]
    pub(crate) port: u16,
    /// Serve a team: listen here, for users with tokens (`baton users`)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Certificate and its chain, PEM; needed where other machines reach it
    #[arg(long, value_name = "FILE", requires_all = ["listen", "tls_key"])]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A name that it is reached by (may be repeated)
    #[arg(long = "host", value_name = "NAME", requires = "listen")]
    pub(crate) hosts: Vec<String>,
    /// Answer `/metrics` here without a token; an address of this machine
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// How long steps may go on after a request to stop [default: 5s; 30s for a team]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) grace: Option<Duration>,
    /// Log what happens on standard error, in this form
    #[arg(long, value_name = "FORM")]
    pub(crate) log_format: Option<LogFormat>,
    /// Let hooks listen on this port meanwhile [default: as it is set]
    #[arg(long, value_name = "PORT")]
    pub(crate) webhooks: Option<u16>,
    /// Do not open the browser
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Folder that file dialogs start in; users of a team reach no other [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) workspace: Option<PathBuf>,
    /// Print one line of JSON when it is ready, and one when it has stopped
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object per line
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    let millis = parse_ms(text)?;
    u64::try_from(millis)
        .map(Duration::from_millis)
        .map_err(|_| format!("`{text}` is less than nothing"))
}

#[derive(Debug, Args)]
pub(crate) struct Users {
    #[command(subcommand)]
    pub(crate) what: UsersCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// Add a user, and show their token this once
    Add(UserWithRoles),
    /// Users with their roles
    List(UsersList),
    /// Give a user other roles
    Roles(UserWithRoles),
    /// Make a new token, shown this once; those before are taken back
    Token(UserNamed),
    /// Remove a user; their tokens are taken back
    Remove(UserNamed),
}

#[derive(Debug, Args)]
pub(crate) struct UserWithRoles {
    /// Name of the user
    pub(crate) name: String,
    /// What they may do: `view`, `run`, `approve`, `edit`, `admin` (may be repeated)
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    pub(crate) roles: Vec<Role>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn role(word: &str) -> Result<Role, String> {
    Role::of_word(word).ok_or_else(|| {
        let all: Vec<&str> = Role::ALL.into_iter().map(Role::word).collect();
        format!("there is no role `{word}`: {}", all.join(", "))
    })
}

#[derive(Debug, Args)]
pub(crate) struct UserNamed {
    /// Name of the user
    pub(crate) name: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UsersList {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Users {
    /// Whether errors are told as JSON.
    pub(crate) fn is_json(&self) -> bool {
        match &self.what {
            UsersCommand::Add(args) | UsersCommand::Roles(args) => args.json,
            UsersCommand::List(args) => args.json,
            UsersCommand::Token(args) | UsersCommand::Remove(args) => args.json,
        }
    }
}

/// How a server is reached. The token comes from `BATON_TOKEN` or a file, never from an argument.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// File with the token [default: what `BATON_TOKEN` says]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Certificates to trust besides those of the system, PEM
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// Workflow files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Address of the server: `https://baton.example.com`
    #[arg(long = "to", value_name = "URL")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) way: Way,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The revision that the file was made from [default: the one that was pulled or pushed here last]
    #[arg(long, value_name = "N", conflicts_with = "force")]
    pub(crate) base: Option<u32>,
    /// Also over revisions that were never pulled here
    #[arg(long)]
    pub(crate) force: bool,
    /// Activate its triggers there as well
    #[arg(long)]
    pub(crate) activate: bool,
    /// Print one line of JSON for each file
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// Id of the workflow
    pub(crate) workflow: String,
    /// Address of the server: `https://baton.example.com`
    #[arg(long = "from", value_name = "URL")]
    pub(crate) from: String,
    #[command(flatten)]
    pub(crate) way: Way,
    /// Which revision [default: the last one]
    #[arg(long, value_name = "N")]
    pub(crate) revision: Option<u32>,
    /// Where to; `-` for standard output [default: `<id>.baton.json` in this folder]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Workflows {
    /// Id of a workflow, for its revisions [default: all workflows]
    pub(crate) workflow: Option<String>,
    /// Address of the server [default: the data folder of this machine]
    #[arg(long = "from", value_name = "URL")]
    pub(crate) from: Option<String>,
    #[command(flatten)]
    pub(crate) way: Way,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
