//! `baton pull`: a workflow of a server becomes a file, after what changes in it was shown.

use std::path::{Path, PathBuf};

use baton_api::baton_core::compare::{WorkflowChanges, compare};
use baton_api::baton_core::document;
use baton_api::revisions::{RevisionPulled, WorkflowPull};
use baton_api::write_file;
use serde_json::json;

use crate::exit::Exit;
use crate::out::Out;
use crate::remote::{self, Base, bases, confirm, print_differences};
use crate::server_args::Pull;
use crate::source;
use crate::trouble::Trouble;

pub(crate) async fn run(args: Pull, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let mut bases = bases(data)?;
    let remote = remote::open(&args.from, &args.way).await?;
    let request = WorkflowPull {
        workflow: args.workflow.clone(),
        revision: args.revision,
    };
    let RevisionPulled { line, document } = remote.call("workflow_pull", &request).await?;
    let text = document::print(&document);
    let target = args
        .output
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{}.baton.json", line.workflow)));
    if target.as_os_str() == "-" {
        out.write(&text);
        return Ok(Exit::Success);
    }
    let target = source::absolute(&target)?;
    let changes = match target.exists() {
        true => Some(compare(&source::read(&target)?.parsed.workflow, &document)),
        false => None,
    };
    let is_same = |changes: &WorkflowChanges| changes.is_same() && !changes.layout;
    let is_unchanged = changes.as_ref().is_some_and(is_same);
    let name = target.display();
    if !args.json {
        match &changes {
            None => out.line(&format!("{name} is new: revision {}", line.revision)),
            Some(_) if is_unchanged => {
                out.line(&format!("{name} is the same as revision {}", line.revision));
            }
            Some(changes) => {
                out.line(&format!("Revision {} changes {name}:", line.revision));
                print_differences(changes, out);
            }
        }
        out.flush();
    }
    if !args.dry_run {
        if !is_unchanged {
            let question = format!("Write revision {} over it?", line.revision);
            if !confirm(&question, args.yes || changes.is_none())? {
                out.line("Nothing was written");
                return Ok(Exit::Failure);
            }
            write_file(&target, text.as_bytes())?;
            if !args.json {
                out.line(&format!("✓ {name} written"));
            }
        }
        let base = Base {
            revision: line.revision,
            digest: line.digest.clone(),
        };
        bases.put(remote.url(), &line.workflow, base)?;
    }
    if args.json {
        out.json(&json!({
            "file": target, "server": remote.url(), "revision": line, "changes": changes,
            "isUnchanged": is_unchanged, "isDryRun": args.dry_run,
        }));
    }
    Ok(Exit::Success)
}
