//! `baton serve`: Baton in a browser on this machine.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use baton_api::{ApiError, App, AppConfig, Code};
use baton_server::{Client, Config, Server, find_ui};
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
    if let Some(workspace) = &args.workspace {
        config.workspace_dir = absolute(workspace)?;
    }
    let data_dir = config.data_dir.clone();
    let app = match App::open(config).await {
        Ok(app) => app,
        Err(error) => return Err(taken(error, &data_dir).await),
    };
    let result = serve(args, &app, data_dir, out).await;
    app.shutdown().await;
    result
}

/// If another server has the folder, its address is the way out.
async fn taken(mut error: ApiError, data_dir: &Path) -> Trouble {
    if error.code == Code::Store
        && let Some(client) = Client::find(data_dir).await
    {
        error = error.hint(format!(
            "`baton serve` runs at {} already: press Enter there for a link, or choose another folder with `--data`",
            client.url()
        ));
    }
    error.into()
}

async fn serve(
    args: Serve,
    app: &App,
    data_dir: std::path::PathBuf,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let mut interrupts = Interrupts::listen().map_err(Trouble::io("Ctrl-C cannot be noticed"))?;
    let server = Server::start(
        Arc::new(app.clone()),
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
    let mut enters = if std::io::stdin().is_terminal() {
        out.line("The link works once, for a minute. Press Enter for a fresh one, Ctrl-C to stop.");
        Some(enters())
    } else {
        None
    };
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
    out.line("Baton has stopped; runs go on at the next start");
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
