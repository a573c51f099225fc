//! `baton export`: a workflow in another form.

use baton_api::baton_interop::find;
use baton_api::{ApiError, Code, kinds, write_file};

use serde_json::json;

use crate::args::Export;
use crate::exit::Exit;
use crate::out::Out;
use crate::source;
use crate::trouble::Trouble;

pub(crate) fn run(args: &Export, out: &mut Out) -> Result<Exit, Trouble> {
    let source = source::read(&args.file)?;
    let exporter = find(&args.to).ok_or_else(|| {
        Trouble::unusable(ApiError::new(
            Code::BadRequest,
            format!("there is no form `{}`", args.to),
        ))
    })?;
    let text = (exporter.export)(&source.parsed.workflow, &kinds());
    match &args.output {
        Some(path) => {
            write_file(&source::absolute(path)?, text.as_bytes())?;
            if args.json {
                out.json(&json!({ "to": args.to, "written": path }));
            } else {
                out.line(&format!("✓ {} written", path.display()));
            }
        }
        None if args.json => out.json(&json!({ "to": args.to, "text": text })),
        None => out.line(text.trim_end()),
    }
    Ok(Exit::Success)
}
