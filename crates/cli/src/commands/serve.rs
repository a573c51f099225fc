//! `baton serve`: Baton in a browser on this machine, or for a team.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use baton_api::baton_core::duration::format_ms;
use baton_api::catalog::Nothing;
use baton_api::limits::SafeModeView;
use baton_api::users::UserListed;
use baton_api::{ApiError, AppConfig, Code, Member};
use baton_server::{Config, Server, Team, TlsFiles, find_ui};
use serde_json::json;
use tokio::sync::mpsc;

use crate::commands::follow::Interrupts;
use crate::commands::serve_log;
use crate::exit::Exit;
use crate::out::Out;
use crate::server_args::Serve;
use crate::session::config;
use crate::source::absolute;
use crate::trouble::{Trouble, note};

/// How long steps may go on after a request to stop, if nothing else is said.
const GRACE: Duration = Duration::from_secs(5);
const GRACE_OF_A_TEAM: Duration = Duration::from_secs(30);
/// How long the log of what happened last may take.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A wait that is not worth a word.
const AT_ONCE: Duration = Duration::from_millis(200);

pub(crate) async fn run(args: Serve, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let mut config: AppConfig = config(data)?;
    config.act_on_triggers = true;
    config.webhooks = args.webhooks;
    if let Some(workspace) = &args.workspace {
        config.workspace_dir = absolute(workspace)?;
    }
    let data_dir = config.data_dir.clone();
    let member = Member::join(config).await?;
    let log = args
        .log_format
        .map(|_| tokio::spawn(serve_log::events(member.subscribe())));
    let result = serve(&args, &member, data_dir, out).await;
    let owner = member.owner().map(|owner| owner.to_string());
    member.shutdown().await;
    drop(member);
    if let Some(log) = log {
        // With the last sender it ends by itself; a log that cannot be written holds up no end.
        drop(tokio::time::timeout(LAST_WORDS, log).await);
    }
    if result.is_ok() {
        goodbye(&args, owner, out);
    }
    result
}

/// How the server may be reached.
fn server_config(args: &Serve, data_dir: PathBuf) -> Result<Config, Trouble> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(TlsFiles {
            cert: absolute(cert)?,
            key: absolute(key)?,
        }),
        _ => None,
    };
    Ok(Config {
        port: args.port,
        data_dir,
        ui_dir: find_ui(),
        team: args.listen.map(|listen| Team {
            listen,
            tls,
            hosts: args.hosts.iter().map(|host| host.to_lowercase()).collect(),
        }),
        metrics: args.metrics_listen,
    })
}

/// A server for a team without users would let nobody in.
async fn require_users(member: &Member) -> Result<(), Trouble> {
    let listed: UserListed = member.ask("user_list", &Nothing {}).await?;
    if listed.users.iter().any(|user| user.token.is_some()) {
        return Ok(());
    }
    let error = ApiError::new(
        Code::NotFound,
        "nobody could use this server: it has no users",
    )
    .hint("add one first: `baton users add NAME --role admin`");
    Err(Trouble::unusable(error).named("no-users"))
}

async fn serve(
    args: &Serve,
    member: &Member,
    data_dir: PathBuf,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let mut interrupts = Interrupts::listen().map_err(Trouble::io("Ctrl-C cannot be noticed"))?;
    let mut hang_ups = HangUps::listen().map_err(Trouble::io("SIGHUP cannot be noticed"))?;
    let config = server_config(args, data_dir)?;
    if config.team.is_some() {
        require_users(member).await?;
    }
    let server = Server::start(Arc::new(member.clone()), config)
        .await
        .map_err(|error| {
            let (code, hint) = (error.code(), error.hint());
            Trouble::unusable(ApiError::new(Code::Io, error.to_string()).hint(hint)).named(code)
        })?;
    let is_team = args.listen.is_some();
    let link = (!is_team).then(|| server.link());
    greet(args, &server, link.as_deref(), member, out).await?;
    let mut enters = if !is_team && !args.json && std::io::stdin().is_terminal() {
        out.line("The link works once, for a minute. Press Enter for a fresh one, Ctrl-C to stop.");
        Some(enters())
    } else {
        None
    };
    out.flush();
    if let Some(link) = link.filter(|_| !args.no_open && !args.json) {
        open_browser(&link);
    }
    loop {
        tokio::select! {
            () = interrupts.next() => break,
            () = hang_ups.next() => match server.reload_certificate() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => {
                    // Also where nothing is logged: whoever sent the signal wants to know.
                    note(&format!("the old certificate stays in use: {error} ({}; {})", error.code(), error.hint()));
                }
            },
            () = next(&mut enters) => {
                out.line(&format!("Baton is ready: {}", server.link()));
                out.flush();
            }
        }
    }
    server.stop().await;
    wind_down(args, member, &mut interrupts, out).await;
    Ok(Exit::Success)
}

/// Lets steps end that act, for the grace that they have; asked again, it is over at once.
async fn wind_down(args: &Serve, member: &Member, interrupts: &mut Interrupts, out: &mut Out) {
    let grace = args.grace.unwrap_or(match args.listen {
        Some(_) => GRACE_OF_A_TEAM,
        None => GRACE,
    });
    tracing::info!(grace_ms = grace.as_millis(), "stopping");
    let winding_down = member.wind_down(grace);
    tokio::pin!(winding_down);
    let at_once = tokio::time::timeout(AT_ONCE, winding_down.as_mut()).await;
    let has_ended = match at_once {
        Ok(has_ended) => has_ended,
        Err(_) => {
            if !args.json {
                let grace = format_ms(i64::try_from(grace.as_millis()).unwrap_or(i64::MAX));
                out.line(&format!(
                    "Steps that are at work may go on for {grace}; Ctrl-C ends it at once"
                ));
                out.flush();
            }
            tokio::select! {
                has_ended = winding_down => has_ended,
                () = interrupts.next() => false,
            }
        }
    };
    if !has_ended {
        tracing::warn!(
            "steps that did not end in time are interrupted, and taken up again at the next start"
        );
    }
}

/// Says where it is.
async fn greet(
    args: &Serve,
    server: &Server,
    link: Option<&str>,
    member: &Member,
    out: &mut Out,
) -> Result<(), Trouble> {
    let safe_mode: SafeModeView = member.ask("safe_mode_get", &Nothing {}).await?;
    let owner = member.owner();
    if args.json {
        out.json(&json!({ "ready": {
            "url": server.url(),
            "link": link,
            "metrics": server.metrics().map(|address| format!("http://{address}/metrics")),
            "owner": owner.map(|owner| owner.to_string()),
            "safeMode": safe_mode.reason,
        }}));
        return Ok(());
    }
    out.line(&match link {
        Some(link) => format!("Baton is ready: {link}"),
        None => format!("Baton serves its users at {}", server.url()),
    });
    if let Some(address) = server.metrics() {
        out.line(&format!(
            "Figures for Prometheus are at http://{address}/metrics"
        ));
    }
    if let Some(owner) = &owner {
        out.line(&format!(
            "The data folder is open in {owner}, which carries runs out"
        ));
    }
    if let Some(port) = args.webhooks {
        out.line(&if owner.is_some() {
            "`--webhooks` has no effect while another Baton carries runs out: `baton rpc webhook_set` sets its port".to_owned()
        } else {
            format!("Hooks are called at http://127.0.0.1:{port}/hooks/… while a trigger with one is active")
        });
    }
    if let Some(reason) = safe_mode.reason {
        out.line(&format!(
            "Safe mode: {reason}. Nothing goes on by itself until you leave it there, or with `baton safe-mode --leave`"
        ));
    }
    Ok(())
}

fn goodbye(args: &Serve, owner: Option<String>, out: &mut Out) {
    tracing::info!("stopped");
    if args.json {
        out.json(&json!({ "stopped": { "owner": owner } }));
        return;
    }
    out.line(&match owner {
        Some(owner) => format!("Baton has stopped here; runs go on in {owner}"),
        None => "Baton has stopped; runs go on at the next start".to_owned(),
    });
}

/// The request to read configuration again that a system sends.
struct HangUps {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl HangUps {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
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
