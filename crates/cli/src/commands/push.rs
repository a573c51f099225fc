//! `baton push`: files become revisions of workflows on a server, after what changes was shown.

use std::path::Path;

use baton_api::baton_core::problem::Severity;
use baton_api::remote::Remote;
use baton_api::revisions::{
    RevisionLine, WorkflowCompare, WorkflowCompared, WorkflowPush, WorkflowPushed,
};
use baton_api::triggers::{TriggerActivate, TriggerActivated};
use baton_api::{ApiError, Code};
use serde_json::{Value, json};

use crate::commands::validate::problems;
use crate::exit::Exit;
use crate::out::Out;
use crate::remote::{self, Base, Bases, bases, confirm, print_differences};
use crate::server_args::Push;
use crate::source::{self, Source};
use crate::trouble::Trouble;

pub(crate) async fn run(args: Push, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    // All of them are looked at before the first one is sent.
    let mut sources = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let source = source::read(path)?;
        check(&source)?;
        sources.push(source);
    }
    let mut bases = bases(data)?;
    let remote = remote::open(&args.to, &args.way).await?;
    let mut exit = Exit::Success;
    for source in sources {
        let pushed = push(&args, &source, &remote, &mut bases, out).await?;
        if !pushed {
            exit = Exit::Failure;
        }
    }
    Ok(exit)
}

/// What could not run there is not sent.
fn check(source: &Source) -> Result<(), Trouble> {
    let mut errors = problems(source);
    errors.retain(|problem| problem.severity == Severity::Error);
    if let Some(format) = source.parsed.newer {
        let message = format!(
            "`{}` has format {format}, newer than this Baton",
            source.name
        );
        let error = ApiError::new(Code::Unusable, message).hint("install the newer Baton");
        return Err(Trouble::unusable(error).named("newer-format"));
    }
    if errors.is_empty() {
        return Ok(());
    }
    let mut error = ApiError::new(Code::Invalid, format!("`{}` has errors", source.name))
        .hint("repair them first: nothing was pushed");
    error.problems = errors;
    Err(error.into())
}

/// `false`: a person said no.
async fn push(
    args: &Push,
    source: &Source,
    remote: &Remote,
    bases: &mut Bases,
    out: &mut Out,
) -> Result<bool, Trouble> {
    let document = source.parsed.workflow.clone();
    let ask = WorkflowCompare {
        document: document.clone(),
    };
    let compared: WorkflowCompared = remote.call("workflow_compare", &ask).await?;
    let WorkflowCompared { last, changes } = &compared;
    let is_same = last.is_some() && changes.is_same() && !changes.layout;
    if !args.json {
        out.line(&headline(
            &document.id,
            last.as_ref(),
            is_same,
            remote.url(),
        ));
        if last.is_some() {
            print_differences(changes, out);
        }
        out.flush();
    }
    let mut said = json!({
        "file": source.name, "workflow": document.id, "server": remote.url(),
        "changes": changes, "isUnchanged": is_same, "isDryRun": args.dry_run,
    });
    let base = base(
        args,
        last.as_ref(),
        is_same,
        bases.of(remote.url(), &document.id),
    )?;
    if args.dry_run {
        tell(args, said, last.as_ref(), out);
        return Ok(true);
    }
    let pushed = if is_same {
        last.clone()
    } else {
        let question = format!("Push it as revision {}?", base + 1);
        if !confirm(&question, args.yes)? {
            out.line("Nothing was pushed");
            return Ok(false);
        }
        let request = WorkflowPush {
            document: document.clone(),
            base,
        };
        let pushed: WorkflowPushed = remote.call("workflow_push", &request).await?;
        if !args.json {
            out.line(&format!(
                "✓ {}: revision {} is on the server",
                document.id, pushed.line.revision
            ));
        }
        Some(pushed.line)
    };
    if let Some(line) = &pushed {
        let base = Base {
            revision: line.revision,
            digest: line.digest.clone(),
        };
        bases.put(remote.url(), &document.id, base)?;
    }
    if args.activate {
        let request = TriggerActivate {
            document: Some(document),
            ..TriggerActivate::default()
        };
        let active: TriggerActivated = remote.call("trigger_activate", &request).await?;
        said["activated"] = json!(active.triggers.len());
        if !args.json {
            out.line(&format!(
                "✓ {} of its triggers act there",
                active.triggers.len()
            ));
        }
    }
    tell(args, said, pushed.as_ref(), out);
    Ok(true)
}

fn headline(workflow: &str, last: Option<&RevisionLine>, is_same: bool, url: &str) -> String {
    match last {
        None => format!("{workflow} is new at {url}"),
        Some(line) if is_same => {
            format!(
                "{workflow} is the same as revision {} at {url}",
                line.revision
            )
        }
        Some(line) => format!(
            "{workflow}, against revision {} at {url}, pushed by {}:",
            line.revision, line.pushed_by
        ),
    }
}

/// The revision that the push follows; refused if somebody else was faster.
fn base(
    args: &Push,
    last: Option<&RevisionLine>,
    is_same: bool,
    known: Option<&Base>,
) -> Result<u32, Trouble> {
    let there = last.map_or(0, |line| line.revision);
    // What a person is about to look at and to confirm is a base as well.
    let is_asked = !args.yes && known.is_none() && args.base.is_none();
    if args.force || is_same || is_asked || there == 0 && args.base.is_none() {
        return Ok(there);
    }
    let made_from = args.base.or(known.map(|base| base.revision));
    match (made_from, last) {
        (Some(base), _) if base == there => Ok(there),
        (Some(base), Some(line)) => {
            let message = format!(
                "`{}` moved on at the server: revision {base} was the base here, and `{}` pushed revision {there}",
                line.workflow, line.pushed_by
            );
            let hint = format!(
                "nothing was pushed; what is different stands above. Pull revision {there}, put the changes together, push again; or `--force` to push over it"
            );
            Err(moved(message, hint))
        }
        (Some(base), None) => {
            let message = format!("the server has no revision {base} of this workflow");
            Err(moved(
                message,
                "leave `--base` out to push the first one".to_owned(),
            ))
        }
        (None, _) => {
            let message = format!(
                "the server has revision {there} of this workflow, which was never pulled here"
            );
            let hint = format!(
                "pull it first, say `--base {there}` if the file was made from it, or `--force` to push over it"
            );
            Err(moved(message, hint))
        }
    }
}

fn moved(message: String, hint: String) -> Trouble {
    Trouble::from(ApiError::new(Code::Conflict, message).hint(hint)).named("server-moved")
}

fn tell(args: &Push, mut said: Value, line: Option<&RevisionLine>, out: &mut Out) {
    if args.json {
        said["revision"] = line.map_or(Value::Null, |line| line.revision.into());
        out.json(&said);
    }
}
