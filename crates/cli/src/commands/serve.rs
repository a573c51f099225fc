//! `baton serve`: Baton in a browser on this machine.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use baton_api::catalog::Nothing;
use baton_api::limits::SafeModeView;
use baton_api::{ApiError, AppConfig, Code, Member};
use baton_server::{Config, Server, find_ui};
use tokio::sync::mpsc;

use crate::args::Serve;
use crate::commands::follow::Interrupts;
use crate::exit::Exit;
use crate::out::Out;
use crate::session::config;
use crate::source::absolute;
use crate::trouble::Trouble;

pub(crate) async fn run(args: Serve, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let mut config: AppConfig = config(data)?;
    config.act_on_triggers = true;
    config.webhooks = args.webhooks;
    if let Some(workspace) = &args.workspace {
        config.workspace_dir = absolute(workspace)?;
    }
    let data_dir = config.data_dir.clone();
    let member = Member::join(config).await?;
    let result = serve(args, &member, data_dir, out).await;
    member.shutdown().await;
    result
}

async fn serve(
    args: Serve,
    member: &Member,
    data_dir: std::path::PathBuf,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let mut interrupts = Interrupts::listen().map_err(Trouble::io("Ctrl-C cannot be noticed"))?;
    let server = Server::start(
        Arc::new(member.clone()),
        Config {
            port: args.port,
            data_dir,
            ui_dir: find_ui(),
        },
    )
    .await
    .map_err(|error| {
        let hint = "choose another port with `--port`, or leave it out for a free one";
        Trouble::unusable(ApiError::new(Code::Io, error.to_string()).hint(hint))
            .named("port-in-use")
    })?;
    let link = server.link();
    out.line(&format!("Baton is ready: {link}"));
    if let Some(owner) = member.owner() {
        out.line(&format!(
            "The data folder is open in {owner}, which carries runs out"
        ));
    }
    if let Some(port) = args.webhooks {
        out.line(&if member.owner().is_some() {
            "`--webhooks` has no effect while another Baton carries runs out: `baton rpc webhook_set` sets its port".to_owned()
        } else {
            format!("Hooks are called at http://127.0.0.1:{port}/hooks/… while a trigger with one is active")
        });
    }
    let mut enters = if std::io::stdin().is_terminal() {
        out.line("The link works once, for a minute. Press Enter for a fresh one, Ctrl-C to stop.");
        Some(enters())
    } else {
        None
    };
    let safe_mode: SafeModeView = member.ask("safe_mode_get", &Nothing {}).await?;
    if let Some(reason) = safe_mode.reason {
        out.line(&format!(
            "Safe mode: {reason}. Nothing goes on by itself until you leave it there, or with `baton safe-mode --leave`"
        ));
    }
    out.flush();
    if !args.no_open {
        open_browser(&link);
    }
    loop {
        tokio::select! {
            () = interrupts.next() => break,
            () = next(&mut enters) => {
                out.line(&format!("Baton is ready: {}", server.link()));
                out.flush();
            }
        }
    }
    server.stop().await;
    out.line(&match member.owner() {
        Some(owner) => format!("Baton has stopped here; runs go on in {owner}"),
        None => "Baton has stopped; runs go on at the next start".to_owned(),
    });
    Ok(Exit::Success)
}

async fn next(enters: &mut Option<mpsc::Receiver<()>>) {
    let pressed = match enters {
        Some(enters) => enters.recv().await,
        None => None,
    };
    if pressed.is_none() {
        *enters = None;
        std::future::pending::<()>().await;
    }
}

/// Reads on a thread of its own: standard input cannot be waited for together with other things.
fn enters() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            if line.is_err() || sender.blocking_send(()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Best effort: the link is printed as well.
fn open_browser(link: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let started = Command::new(opener)
        .arg(link)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        // Waited for on a thread of its own, so that it does not stay behind as a zombie.
        Ok(mut child) => drop(std::thread::spawn(move || child.wait())),
        Err(error) => tracing::info!(%error, opener, "the browser was not opened"),
    }
}
