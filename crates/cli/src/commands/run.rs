//! `baton run`: one workflow from beginning to end.

use std::path::Path;

use baton_api::baton_core::problem::{Problem, Severity};
use baton_api::headless::Request;
use baton_api::{ApiError, Code, Member};
use serde_json::{Map, Value};

use crate::args::Run;
use crate::commands::follow::{Follow, answers};
use crate::commands::validate::problems;
use crate::exit::Exit;
use crate::out::Out;
use crate::session;
use crate::source::{self, Source, absolute};
use crate::trouble::Trouble;

pub(crate) async fn run(args: Run, data: Option<&Path>, out: Out) -> Result<Exit, Trouble> {
    let source = source::read(&args.file)?;
    refuse_problems(&source)?;
    let input = match &args.input {
        Some(input) => source::json_argument(input)?,
        None => Value::Object(Map::new()),
    };
    let work_dir = args.work.as_deref().map(existing_folder).transpose()?;
    let document = source.parsed.workflow;
    let follow = Follow::new(out, args.json, document.clone());
    let request = Request {
        document,
        path: source.path,
        work_dir,
        input,
        approvals: answers(&args.approvals),
        by: "cli".to_owned(),
    };
    let member = Member::join(session::config(data)?).await?;
    let carried_out = member.run(request, |logged| follow.see(logged));
    let exit = follow.until(&member, carried_out).await;
    member.shutdown().await;
    exit
}

/// Nothing is begun that cannot go well.
pub(crate) fn refuse_problems(source: &Source) -> Result<(), Trouble> {
    if let Some(format) = source.parsed.newer {
        let message = format!(
            "`{}` has format {format}, newer than this Baton",
            source.name
        );
        return Err(Trouble::unusable(
            ApiError::new(Code::Unusable, message).hint("install the newer Baton to run it"),
        )
        .named("newer-format"));
    }
    let errors: Vec<Problem> = problems(source)
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .collect();
    if errors.is_empty() {
        return Ok(());
    }
    let count = errors.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut error = ApiError::new(
        Code::Invalid,
        format!("`{}` cannot run: {count} error{plural}", source.name),
    );
    error.problems = errors;
    Err(Trouble::unusable(error))
}

fn existing_folder(folder: &Path) -> Result<std::path::PathBuf, Trouble> {
    if folder.is_dir() {
        return absolute(folder);
    }
    let message = format!("`{}` is not a folder", folder.display());
    Err(Trouble::unusable(
        ApiError::new(Code::Io, message).hint("make it first, or leave `--work` out"),
    )
    .named("no-folder"))
}
