//! One file per command.

pub(crate) mod approve;
pub(crate) mod away;
pub(crate) mod backup;
pub(crate) mod cancel;
pub(crate) mod cluster;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod fmt;
pub(crate) mod follow;
pub(crate) mod limits;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod raise;
pub(crate) mod release;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod resume;
pub(crate) mod rpc;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod safe_mode;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod serve_log;
pub(crate) mod settle;
pub(crate) mod submit;
pub(crate) mod targets;
pub(crate) mod triggers;
pub(crate) mod users;
pub(crate) mod validate;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod workflows;

use crate::args::{Arguments, Command};
use crate::exit::Exit;
use crate::out::Out;
use crate::trouble::Trouble;

/// Carries out a command that needs the runtime.
pub(crate) async fn run(arguments: Arguments) -> Result<Exit, Trouble> {
    let data = arguments.data.as_deref();
    let mut out = Out::new();
    match arguments.command {
        Command::Validate(args) => validate::run(&args, &mut out),
        Command::Schema(_) => schema::run(&mut out),
        Command::Fmt(args) => fmt::run(&args, &mut out),
        Command::Export(args) => export::run(&args, &mut out),
        Command::Run(args) if args.watch => Box::pin(watch::run(args, data, out)).await,
        Command::Run(args) => Box::pin(run::run(args, data, out)).await,
        Command::Resume(args) => Box::pin(resume::run(args, data, out)).await,
        Command::Approve(args) => Box::pin(approve::run(args, data, out)).await,
        Command::Settle(args) => Box::pin(settle::run(args, data, out)).await,
        Command::Cancel(args) => Box::pin(cancel::run(args, data, out)).await,
        Command::Raise(args) => Box::pin(raise::run(args, data, out)).await,
        Command::Release(args) => Box::pin(release::run(args, data, out)).await,
        Command::SafeMode(args) => safe_mode::run(&args, data, &mut out).await,
        Command::Limits(args) => limits::run(&args, data, &mut out).await,
        Command::Runs(args) => runs::run(args, data, &mut out).await,
        Command::Worker(args) => cluster::worker(&args),
        Command::Submit(args) => Box::pin(submit::run(&args, data, out)).await,
        Command::Replay(args) => replay::run(args, data, &mut out).await,
        Command::Verify(args) => verify::run(&args, data, &mut out).await,
        Command::Backup(args) => backup::run(&args, data, &mut out).await,
        Command::Restore(args) => restore::run(&args, data, &mut out).await,
        Command::Targets(args) => targets::run(args, data, &mut out).await,
        Command::Triggers(args) => triggers::run(args, data, out).await,
        Command::Serve(args) => serve::run(args, data, &mut out).await,
        Command::Users(args) => users::run(args, data, &mut out).await,
        Command::Push(args) => push::run(args, data, &mut out).await,
        Command::Pull(args) => pull::run(args, data, &mut out).await,
        Command::Workflows(args) => workflows::run(args, data, &mut out).await,
        Command::Rpc(args) => rpc::run(&args, data, &mut out).await,
        Command::Doctor(args) => doctor::run(&args, data, &mut out).await,
    }
}
