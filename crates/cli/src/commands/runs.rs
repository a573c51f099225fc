//! `baton runs`: what ran here, and how.

use std::path::Path;

use baton_api::runs::{RunEventList, RunEvents, RunList, RunListed, RunStatus, RunView};

use crate::args::{OneRun, Runs, RunsCommand, RunsList, Status};
use crate::commands::cluster;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::{DATABASE, Session, data_dir};
use crate::target::{self, Target};
use crate::trouble::Trouble;
use crate::words::{duration, instant, run_status, shorten, step_status, value};

/// Events that are read at once.
const PAGE: u32 = 5_000;

pub(crate) async fn run(args: Runs, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let away = match target::find(&args.there, data).await? {
        None => None,
        Some(Target::Server(remote)) => Some(Session::Away(remote)),
        Some(Target::Cluster(cluster)) => return cluster::runs(&args.what, &cluster),
    };
    if let RunsCommand::List(args) = args.what {
        return list(args, away, data, out).await;
    }
    let session = match away {
        Some(session) => session,
        None => Session::look(data).await?,
    };
    let done = match &args.what {
        RunsCommand::List(_) => Ok(Exit::Success),
        RunsCommand::Show(args) => show(args, &session, out).await,
        RunsCommand::Events(args) => events(args, &session, out).await,
    };
    session.close().await;
    done
}

async fn list(
    args: RunsList,
    away: Option<Session>,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let session = match away {
        None if data_dir(data)?.join(DATABASE).exists() => Some(Session::look(data).await?),
        away => away,
    };
    let listed = if let Some(session) = session {
        let request = RunList {
            workflow: args.workflow,
            status: args.status.map(status),
            limit: Some(args.limit),
            ..RunList::default()
        };
        let listed: RunListed = session.call("run_list", &request).await?;
        session.close().await;
        listed
    } else {
        RunListed {
            runs: Vec::new(),
            total: 0,
        }
    };
    if args.json {
        out.json(&listed);
        return Ok(Exit::Success);
    }
    if listed.runs.is_empty() {
        out.line("No runs");
        return Ok(Exit::Success);
    }
    let head = format!(
        "{:>6}  {:<11}  {:<28}  {:<20}  {:>12}",
        "run", "", "workflow", "started", "took"
    );
    let head = out.tone(Tone::Quiet, &head);
    out.line(&head);
    for run in &listed.runs {
        let (icon, word, tone) = run_status(run.status);
        let state = out.tone(tone, &format!("{icon} {word:<9}"));
        let took = run
            .ended_at
            .map(|end| duration(end - run.started_at))
            .unwrap_or_default();
        let name: String = run.workflow_name.chars().take(28).collect();
        out.line(&format!(
            "{:>6}  {state}  {name:<28}  {:<20}  {took:>12}",
            run.number,
            instant(run.started_at)
        ));
    }
    if listed.total as usize > listed.runs.len() {
        out.line(&format!("{} of {} runs", listed.runs.len(), listed.total));
    }
    Ok(Exit::Success)
}

async fn show(args: &OneRun, session: &Session, out: &mut Out) -> Result<Exit, Trouble> {
    let view = session.find_run(&args.run).await?;
    if args.json {
        out.json(&view);
    } else {
        print(&view, out);
    }
    Ok(Exit::Success)
}

async fn events(args: &OneRun, session: &Session, out: &mut Out) -> Result<Exit, Trouble> {
    let run = session.find_run(&args.run).await?.summary.id;
    let mut after = 0;
    loop {
        let request = RunEvents {
            run: run.clone(),
            after: Some(after),
            limit: Some(PAGE),
        };
        let page: RunEventList = session.call("run_events", &request).await?;
        let Some(last) = page.events.last() else {
            break;
        };
        after = last.logged.seq;
        for line in &page.events {
            if args.json {
                out.json(line);
            } else {
                let at = out.tone(Tone::Quiet, &instant(line.logged.at));
                out.line(&format!(
                    "{:>5}  {at}  {}",
                    line.logged.seq,
                    shown(&line.text)
                ));
            }
        }
    }
    Ok(Exit::Success)
}

/// Words from data must not move the cursor.
pub(crate) fn shown(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// A run and its steps, as they are at one point.
pub(crate) fn print(view: &RunView, out: &mut Out) {
    let run = &view.summary;
    let (icon, word, tone) = run_status(view.status);
    let state = out.tone(tone, &format!("{icon} {word}"));
    let name = out.tone(Tone::Strong, &shorten(&shown(&run.workflow_name)));
    out.line(&format!("{name}  run {}  {state}", run.number));
    out.line(&format!("  id       {}", run.id));
    out.line(&format!(
        "  started  {}{}",
        instant(run.started_at),
        by(run.by.as_deref())
    ));
    if let Some(end) = run.ended_at.filter(|_| view.seq == run.seq) {
        out.line(&format!(
            "  ended    {} after {}",
            instant(end),
            duration(end - run.started_at)
        ));
    }
    if view.seq < run.seq {
        out.line(&format!(
            "  at       event {} of {}, {}",
            view.seq,
            run.seq,
            instant(view.at)
        ));
    }
    if let Some(error) = run.error.as_ref().filter(|_| view.seq == run.seq) {
        out.line(&format!("  error    {}", shown(&error.message)));
    }
    for waits in run.waiting_for.iter().filter(|_| view.seq == run.seq) {
        out.line(&format!("  waits    {}", shown(waits)));
    }
    for (path, step) in &view.steps {
        let (icon, word, tone) = step_status(step.status);
        let took = match (step.started_at, step.ended_at) {
            (Some(began), Some(ended)) => duration(ended - began),
            _ => String::new(),
        };
        let port = step.port.as_ref().map(|port| format!("→ {port}"));
        let words = step
            .error
            .as_ref()
            .map(|error| error.message.clone())
            .or_else(|| step.note.clone());
        let output = step
            .output
            .as_ref()
            .filter(|output| !output.is_null())
            .map(value);
        let details = [port, words.or(output)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("  ");
        let icon = out.tone(tone, icon);
        let line = format!(
            "  {icon} {path:<32} {word:<16} {took:>9}  {}",
            shorten(&shown(&details))
        );
        out.line(line.trim_end());
    }
}

fn by(who: Option<&str>) -> String {
    who.map(|who| format!(" by {}", shown(who)))
        .unwrap_or_default()
}

fn status(status: Status) -> RunStatus {
    match status {
        Status::Running => RunStatus::Running,
        Status::Waiting => RunStatus::Waiting,
        Status::Paused => RunStatus::Paused,
        Status::Succeeded => RunStatus::Succeeded,
        Status::Failed => RunStatus::Failed,
        Status::Cancelled => RunStatus::Cancelled,
    }
}
