//! What the commands do.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use baton_core::machine::{Decision, Settlement};
use baton_sidecar::Line;
use baton_temporal::check::Finding;
use baton_temporal::client::{NewRun, Sent};
use baton_temporal::error::ClusterError;
use baton_temporal::history::Told;
use baton_temporal::home::Home;
use baton_temporal::target::Cluster;
use baton_temporal::view::{self, RunShown};
use baton_temporal::wire::{self, Settings};
use baton_temporal::worker::{WorkerSettings, work};
use baton_temporal::{capability, rpc, worker};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::args::{self, Answer, Arguments, At, Became, Command};
use crate::out;

type Code = Result<u8, ClusterError>;

/// Carries out what was typed; gives the exit code.
pub(crate) async fn run(arguments: Arguments) -> Code {
    let Arguments { at, command } = arguments;
    let work_dir = match &command {
        Command::Worker(worker) => worker.work.clone(),
        _ => None,
    };
    let cluster = match connect(&at, work_dir).await {
        Ok(cluster) => cluster,
        Err(error) if matches!(command, Command::Check(_)) => {
            return Ok(findings(at.json, &[error.into()]));
        }
        Err(error) if matches!(command, Command::Rpc) => {
            out::json(&Line::Error {
                error: error.into(),
            });
            return Ok(2);
        }
        Err(error) => return Err(error),
    };
    match command {
        Command::Worker(worker) => serve(&at, &cluster, worker).await,
        Command::Start(start) => begin(&at, &cluster, start).await,
        Command::List(list) => rows(&at, &cluster, list).await,
        Command::History(history) => show(&at, &cluster, history).await,
        Command::Watch(watch) => follow(&at, &cluster, &watch.run, watch.after).await,
        Command::Approve(approve) => answer(&at, &cluster, approve).await,
        Command::Signal(signal) => hand_on(&at, &cluster, signal).await,
        Command::Cancel(cancel) => {
            let command = wire::Command::Cancel {
                by: who(cancel.by),
                reason: cancel.reason,
                undo: cancel.undo,
            };
            tell(&at, &cluster, &cancel.run, command, true).await
        }
        Command::Settle(settle) => {
            let answer = match settle.became {
                Became::Done => Settlement::Done {
                    output: value(settle.output.as_deref())?,
                },
                Became::NotDone => Settlement::NotDone,
                Became::RunAgain => Settlement::RunAgain,
            };
            let command = wire::Command::Settle {
                step: settle.step,
                by: who(settle.by),
                answer,
            };
            tell(&at, &cluster, &settle.run, command, true).await
        }
        Command::Tell(told) => {
            let command = serde_json::from_value(value(Some(&told.command))?);
            let command = command.map_err(|error| {
                ClusterError::new(
                    "argument-unusable",
                    format!("this is no command: {error}"),
                    "for example {\"type\":\"pause\",\"by\":\"ada\"}",
                )
            })?;
            tell(&at, &cluster, &told.run, command, true).await
        }
        Command::Reset(reset) => {
            let part = cluster
                .reset(&reset.run, &reset.step, &reset.reason)
                .await?;
            if at.json {
                out::json(&json!({ "run": reset.run, "runId": part }));
            } else {
                out::line(&format!("goes on from `{}` (part {part})", reset.step));
            }
            Ok(0)
        }
        Command::Check(check) => look(&at, &cluster, check).await,
        Command::Rpc => answer_questions(cluster).await,
    }
}

async fn answer_questions(cluster: Cluster) -> Code {
    let write = |line: &Line| {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let mut out = std::io::stdout().lock();
        out.write_all(&text)?;
        out.flush()
    };
    let ready = Line::Ready {
        ready: rpc::ready(),
    };
    if let Err(error) = write(&ready) {
        tracing::debug!(%error, "nobody reads");
        return Ok(2);
    }
    rpc::serve(cluster, rpc::standard_input(), write).await;
    Ok(0)
}

async fn connect(at: &At, work_dir: Option<PathBuf>) -> Result<Cluster, ClusterError> {
    let here = |error: std::io::Error| {
        ClusterError::new(
            "folder-unusable",
            format!("the current folder cannot be used: {error}"),
            "name one with `--work`",
        )
    };
    let work_dir = match work_dir {
        Some(dir) => std::path::absolute(dir).map_err(here)?,
        None => std::env::current_dir().map_err(here)?,
    };
    let blobs = match &at.blobs {
        Some(dir) => std::path::absolute(dir).map_err(here)?,
        None => default_blobs(),
    };
    let home = Home::new(blobs, work_dir);
    Cluster::connect(at.place()?, &at.access(), Arc::new(home)).await
}

/// Beside the data of this account, where nothing else was said: good for one computer.
fn default_blobs() -> PathBuf {
    let data = std::env::var_os("BATON_DATA_DIR").map(PathBuf::from);
    let data = data.or_else(|| {
        let share = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let share = share.or_else(|| {
            let home = std::env::var_os("HOME")?;
            Some(Path::new(&home).join(".local").join("share"))
        });
        share.map(|share| share.join("baton"))
    });
    let data = data.unwrap_or_else(|| std::env::temp_dir().join("baton"));
    data.join("temporal-blobs")
}

async fn serve(at: &At, cluster: &Cluster, worker: args::Worker) -> Code {
    let settings = WorkerSettings {
        steps: worker.steps,
        deployment: worker.deployment.clone(),
        build: worker.build.clone().unwrap_or_else(worker::build_id),
        grace: Duration::from_secs(worker.grace),
        steps_only: worker.steps_only,
        ..WorkerSettings::default()
    };
    let missing = cluster.missing_search_attributes().await?;
    if !missing.is_empty() {
        let message = format!(
            "the cluster has no search attributes {}: runs go on without them",
            missing.join(", ")
        );
        if at.json {
            out::json(
                &json!({ "type": "notice", "code": "search-attributes", "message": message }),
            );
        } else {
            out::line(&format!("notice: {message}"));
        }
    }
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        signalled().await;
        told.cancel();
    });
    if worker.make_current
        && let Some(deployment) = worker.deployment.clone()
    {
        let cluster = cluster.clone();
        let build = settings.build.clone();
        tokio::spawn(async move { make_current(&cluster, &deployment, &build).await });
    }
    let place = cluster.place().clone();
    let is_json = at.json;
    let build = settings.build.clone();
    work(cluster, &settings, stop, || {
        if is_json {
            out::json(&json!({ "type": "ready", "taskQueue": place.task_queue, "namespace": place.namespace, "build": build }));
        } else {
            out::line(&format!(
                "listening on `{}` of namespace `{}` at {}",
                place.task_queue, place.namespace, place.address
            ));
        }
    })
    .await?;
    Ok(0)
}

/// The cluster knows a build only once it polled.
async fn make_current(cluster: &Cluster, deployment: &str, build: &str) {
    for _ in 0..40 {
        match cluster.make_current(deployment, build).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, "not current yet"),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    tracing::error!(deployment, build, "the build could not be made current");
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

async fn begin(at: &At, cluster: &Cluster, start: args::Start) -> Code {
    let mut settings = Settings::default();
    if let Some(seconds) = start.heartbeat {
        settings.heartbeat_ms = seconds.max(1) * 1_000;
    }
    if let Some(seconds) = start.deadline {
        settings.deadline_ms = seconds.max(1) * 1_000;
    }
    let new = NewRun {
        file: start.file,
        input: value(start.input.as_deref())?,
        id: start.id,
        by: Some("cli".to_owned()),
        settings,
        ..NewRun::default()
    };
    let started = cluster.start(new).await?;
    if at.json {
        out::json(&started);
    } else {
        out::line(&format!("started {}", started.run));
    }
    let listening = cluster.listening().await?;
    if listening.runs == 0 {
        let message = "no worker is listening: the run begins when one does";
        if at.json {
            out::json(&json!({ "type": "notice", "code": "no-worker", "message": message }));
        } else {
            out::line(&format!("notice: {message}"));
        }
    }
    if start.watch {
        return follow(at, cluster, &started.run, 0).await;
    }
    Ok(0)
}

async fn rows(at: &At, cluster: &Cluster, list: args::List) -> Code {
    for row in cluster.list(list.query.as_deref(), list.limit).await? {
        if at.json {
            out::json(&row);
        } else {
            let workflow = row.workflow.as_deref().unwrap_or("-");
            out::line(&format!("{:<10} {:<24} {}", row.status, workflow, row.run));
        }
    }
    Ok(0)
}

async fn show(at: &At, cluster: &Cluster, history: args::History) -> Code {
    let fold = cluster.fold(&history.run, history.part.as_deref()).await?;
    if history.events {
        let log = fold.host().map_or(&[][..], |host| host.log());
        for logged in fold.earlier().iter().chain(log) {
            out::json(logged);
        }
        return Ok(0);
    }
    let Some(shown) = view::shown(&history.run, &fold) else {
        let listening = cluster.listening().await?;
        let words = if listening.runs == 0 {
            "it has not begun: no worker is listening"
        } else {
            "it has not begun"
        };
        if at.json {
            out::json(
                &json!({ "run": history.run, "status": "not-begun", "listening": listening }),
            );
        } else {
            out::line(words);
        }
        return Ok(4);
    };
    let code = code(&shown.standing.status);
    if at.json {
        out::json(&shown);
    } else {
        print(&shown);
        if code == 4 && cluster.listening().await?.runs == 0 {
            out::line("notice: no worker is listening");
        }
    }
    Ok(code)
}

fn print(shown: &RunShown) {
    out::line(&format!(
        "{} ({}): {}",
        shown.run, shown.workflow, shown.standing.status
    ));
    for waits in &shown.standing.waiting_for {
        out::line(&format!("  waits for {waits}"));
    }
    if let Some(trouble) = &shown.trouble {
        out::line(&format!("  its worker cannot go on: {trouble}"));
    }
    for step in &shown.steps {
        let is_over = step.phase == "succeeded";
        let error = step
            .error
            .as_ref()
            .filter(|_| !is_over)
            .map(|error| format!(": {}", error.message));
        out::line(&format!(
            "  {:<12} {} ({}){}",
            step.phase,
            step.path,
            step.title,
            error.unwrap_or_default()
        ));
    }
    if let Some(error) = &shown.error {
        out::line(&format!("  error: {}", error.message));
    }
}

fn code(status: &str) -> u8 {
    match status {
        "succeeded" => 0,
        "cancelled" => 3,
        "waiting" | "paused" | "running" => 4,
        _ => 1,
    }
}

async fn follow(at: &At, cluster: &Cluster, run: &str, after: u32) -> Code {
    let mut last = String::from("running");
    cluster
        .watch(run, after, |told| {
            if let Told::Closed { how } = &told {
                last.clone_from(how);
            }
            if at.json {
                out::json(&told);
            } else {
                match &told {
                    Told::Event { logged } => {
                        let event = serde_json::to_value(&logged.event).unwrap_or_default();
                        let step = event["step"].as_str().unwrap_or_default();
                        let kind = event["type"].as_str().unwrap_or_default();
                        out::line(&format!("{:>5} {kind} {step}", logged.seq));
                    }
                    Told::Standing { standing } => {
                        for waits in &standing.waiting_for {
                            out::line(&format!("      waits for {waits}"));
                        }
                    }
                    Told::Workers { listening } if listening.runs == 0 => {
                        out::line("      no worker is listening");
                    }
                    Told::Workers { .. } => {}
                    Told::Trouble { message } => {
                        out::line(&format!("      the worker cannot go on: {message}"));
                    }
                    Told::Closed { how } => out::line(how),
                }
            }
            ControlFlow::Continue(())
        })
        .await?;
    Ok(code(&last))
}

async fn answer(at: &At, cluster: &Cluster, approve: args::Approve) -> Code {
    let data = approve.form.as_deref().map(|form| value(Some(form)));
    let command = wire::Command::Decide {
        step: approve.step,
        by: who(approve.by),
        decision: match approve.answer {
            Answer::Approved => Decision::Approved,
            Answer::Rejected => Decision::Rejected,
            Answer::Submitted => Decision::Submitted,
        },
        comment: approve.comment,
        data: data.transpose()?,
    };
    tell(at, cluster, &approve.run, command, !approve.no_wait).await
}

async fn hand_on(at: &At, cluster: &Cluster, signal: args::Signal) -> Code {
    let key = value(signal.key.as_deref())?;
    let payload = value(signal.payload.as_deref())?;
    let made = blake3::hash(format!("{}\n{key}\n{payload}", signal.event).as_bytes());
    let id = signal.id.unwrap_or_else(|| made.to_hex()[..16].to_owned());
    let command = wire::Command::Signal {
        id,
        event: signal.event,
        key,
        payload,
    };
    tell(at, cluster, &signal.run, command, !signal.no_wait).await
}

async fn tell(at: &At, cluster: &Cluster, run: &str, command: wire::Command, waits: bool) -> Code {
    let sent = if waits {
        cluster.tell(run, command).await?
    } else {
        cluster.send(run, command).await?;
        Sent::Kept
    };
    if at.json {
        out::json(&json!({ "run": run, "sent": sent }));
    } else {
        out::line(match sent {
            Sent::Taken => "taken",
            Sent::Kept => "kept by the cluster until a worker looks at the run",
        });
    }
    Ok(0)
}

async fn look(at: &At, cluster: &Cluster, check: args::Check) -> Code {
    if check.create {
        cluster.create_search_attributes().await?;
    }
    let mut found = cluster.check().await;
    if let Some(file) = &check.file {
        found.extend(capability::of_file(file)?);
    }
    Ok(findings(at.json, &found))
}

fn findings(is_json: bool, found: &[Finding]) -> u8 {
    for finding in found {
        if is_json {
            out::json(finding);
        } else {
            let mark = if finding.ok { "ok " } else { "!! " };
            out::line(&format!("{mark} {}", finding.message));
            if !finding.hint.is_empty() {
                out::line(&format!("    {}", finding.hint));
            }
        }
    }
    // What runs can do without is said, and is no failure.
    let optional = |code: &str| code == "search-attributes" || code.starts_with("target-");
    u8::from(found.iter().any(|one| !one.ok && !optional(&one.code)))
}

fn who(given: Option<String>) -> String {
    let name = given.or_else(|| std::env::var("USER").ok());
    name.or_else(|| std::env::var("USERNAME").ok())
        .unwrap_or_else(|| "cli".to_owned())
}

/// JSON, `@FILE` or `@-`; null without it.
fn value(given: Option<&str>) -> Result<Value, ClusterError> {
    let Some(given) = given else {
        return Ok(Value::Null);
    };
    let wrong = |error: &dyn std::fmt::Display| {
        ClusterError::new(
            "argument-unusable",
            format!("`{given}` cannot be used: {error}"),
            "give JSON, `@FILE`, or `@-` for standard input",
        )
    };
    let text = match given.strip_prefix('@') {
        Some("-") => std::io::read_to_string(std::io::stdin()).map_err(|error| wrong(&error))?,
        Some(file) => std::fs::read_to_string(file).map_err(|error| wrong(&error))?,
        None => given.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}
