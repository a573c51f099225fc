//! `baton targets`: places where runs go besides this computer.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::remote::address;
use baton_api::targets::{
    TargetAdd, TargetChecked, TargetId, TargetLine, TargetListed, TargetPlace,
};
use baton_api::{ApiError, Code};
use serde_json::json;

use crate::commands::cluster;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::remote::{TOKEN, given};
use crate::session::{DATABASE, Session, data_dir};
use crate::target_args::{TargetNamed, Targets, TargetsAdd, TargetsCommand};
use crate::trouble::Trouble;

pub(crate) async fn run(
    args: Targets,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    match args.what {
        TargetsCommand::List(args) => {
            let listed = list(data).await?;
            if args.json {
                out.json(&listed);
            } else {
                print(&listed.targets, out);
            }
            Ok(Exit::Success)
        }
        TargetsCommand::Add(args) => {
            let session = Session::open(data).await?;
            let kept = add(*args, &session, out).await;
            session.close().await;
            kept.map(|()| Exit::Success)
        }
        TargetsCommand::Check(args) => {
            let session = looking(&args.name, data).await?;
            let checked = check(&args, &session, out).await;
            session.close().await;
            checked
        }
        TargetsCommand::Remove(args) => {
            let session = Session::open(data).await?;
            let removed = remove(&args, &session, out).await;
            session.close().await;
            removed.map(|()| Exit::Success)
        }
    }
}

/// Nothing is made where nothing is.
async fn list(data: Option<&Path>) -> Result<TargetListed, Trouble> {
    if !data_dir(data)?.join(DATABASE).exists() {
        let targets = Vec::new();
        return Ok(TargetListed { targets });
    }
    let session = Session::look(data).await?;
    let listed = session.call("target_list", &Nothing {}).await;
    session.close().await;
    listed
}

async fn looking(name: &str, data: Option<&Path>) -> Result<Session, Trouble> {
    if data_dir(data)?.join(DATABASE).exists() {
        return Session::look(data).await;
    }
    Err(none(name).into())
}

fn none(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("there is no target `{name}`"))
        .hint("`baton targets list` shows those that are kept")
}

/// The one that is meant, by name or id.
async fn find(session: &Session, name: &str) -> Result<TargetLine, Trouble> {
    let listed: TargetListed = session.call("target_list", &Nothing {}).await?;
    let found = listed.named(name).cloned();
    found.ok_or_else(|| none(name).into())
}

async fn add(args: TargetsAdd, session: &Session, out: &mut Out) -> Result<(), Trouble> {
    let id = match args.change {
        true => Some(find(session, &args.name).await?.id),
        false => None,
    };
    let variable = if args.server.is_some() {
        TOKEN
    } else {
        cluster::KEY
    };
    let request = TargetAdd {
        id,
        secret: given(args.token_file.as_deref(), variable)?,
        name: args.name.clone(),
        place: place(&args)?,
    };
    let kept: TargetLine = session.call("target_add", &request).await?;
    if args.json {
        out.json(&kept);
    } else {
        let name = &kept.name;
        out.line(&format!("✓ {name} is kept: {}", shown(&kept.place)));
        out.line(&format!(
            "  look whether runs can go there with `baton targets check {}`",
            kept.id
        ));
    }
    Ok(())
}

fn place(args: &TargetsAdd) -> Result<TargetPlace, Trouble> {
    let file = |path: &Option<std::path::PathBuf>| {
        let whole = path.as_deref().map(crate::source::absolute).transpose()?;
        Ok::<_, Trouble>(whole.map(|path| path.display().to_string()))
    };
    Ok(match (&args.server, &args.temporal) {
        (Some(url), _) => {
            // Said here with its exact name.
            address(url)?;
            TargetPlace::Server {
                url: url.clone(),
                ca: file(&args.ca)?,
            }
        }
        (None, address) => TargetPlace::Temporal {
            address: address.clone().unwrap_or_default(),
            namespace: args.namespace.clone(),
            task_queue: args.task_queue.clone(),
            blobs: file(&args.blobs)?,
            keys: file(&args.keys)?,
            tls: args.tls,
            tls_ca: file(&args.tls_ca)?,
            tls_cert: file(&args.tls_cert)?,
            tls_key: file(&args.tls_key)?,
        },
    })
}

async fn check(args: &TargetNamed, session: &Session, out: &mut Out) -> Result<Exit, Trouble> {
    let target = find(session, &args.name).await?.id;
    let checked: TargetChecked = session.call("target_check", &TargetId { target }).await?;
    if args.json {
        out.json(&checked);
    } else {
        for finding in &checked.findings {
            let (icon, tone) = match finding.ok {
                true => ("✓", Tone::Good),
                false => ("!", Tone::Careful),
            };
            let icon = out.tone(tone, icon);
            out.line(&format!("{icon} {}", finding.message));
            if let Some(hint) = &finding.hint {
                let hint = out.tone(Tone::Quiet, &format!("  hint: {hint}"));
                out.line(&hint);
            }
        }
        let (words, tone) = match checked.ok {
            true => ("Runs can go there", Tone::Good),
            false => ("Runs cannot go there as it is", Tone::Bad),
        };
        let line = out.tone(tone, words);
        out.line(&line);
    }
    Ok(if checked.ok {
        Exit::Success
    } else {
        Exit::Failure
    })
}

async fn remove(args: &TargetNamed, session: &Session, out: &mut Out) -> Result<(), Trouble> {
    let TargetLine { id, name, .. } = find(session, &args.name).await?;
    let request = TargetId { target: id };
    let _: Nothing = session.call("target_remove", &request).await?;
    if args.json {
        out.json(&json!({ "removed": request.target }));
    } else {
        out.line(&format!(
            "✓ {name} and its token are forgotten; runs there go on"
        ));
    }
    Ok(())
}

fn print(targets: &[TargetLine], out: &mut Out) {
    if targets.is_empty() {
        out.line("No target is kept: `baton targets add NAME --server URL` keeps one.");
    }
    for target in targets {
        let token = match (target.has_secret, &target.place) {
            (true, _) => "",
            (false, TargetPlace::Server { .. }) => ", no token is kept here",
            (false, TargetPlace::Temporal { .. }) => "",
        };
        out.line(&format!(
            "{:<20} {:<20} {}{token}",
            target.name,
            target.id,
            shown(&target.place)
        ));
    }
}

fn shown(place: &TargetPlace) -> String {
    match place {
        TargetPlace::Server { url, .. } => format!("Baton at {url}"),
        TargetPlace::Temporal {
            address,
            namespace,
            task_queue,
            ..
        } => format!("Temporal at {address}, namespace {namespace}, task queue {task_queue}"),
    }
}
