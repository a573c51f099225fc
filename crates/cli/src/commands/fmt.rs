//! `baton fmt`: workflow files in their canonical form.

use baton_api::baton_core::document::print;
use baton_api::{ApiError, Code, write_file};

use serde_json::json;

use crate::args::Fmt;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::source;
use crate::trouble::Trouble;

pub(crate) fn run(args: &Fmt, out: &mut Out) -> Result<Exit, Trouble> {
    let mut exit = Exit::Success;
    let mut files = Vec::new();
    for path in &args.files {
        let mut said = json!({ "file": path });
        match one(args, path, out) {
            Ok(was_canonical) => {
                if args.check && !was_canonical && exit == Exit::Success {
                    exit = Exit::Failure;
                }
                let is_written = !was_canonical && !args.check && path.as_os_str() != "-";
                said["isCanonical"] = (was_canonical || is_written).into();
                said["isWritten"] = is_written.into();
            }
            // The other files are still looked at.
            Err(trouble) => {
                if args.json {
                    said["error"] = trouble.as_json();
                } else {
                    trouble.tell(false);
                }
                exit = Exit::Unusable;
            }
        }
        files.push(said);
    }
    if args.json {
        out.json(&json!({ "files": files }));
    }
    Ok(exit)
}

/// Whether the file was canonical before.
fn one(args: &Fmt, path: &std::path::Path, out: &mut Out) -> Result<bool, Trouble> {
    let source = source::read(path)?;
    if let Some(format) = source.parsed.newer {
        let message = format!(
            "`{}` has format {format}, newer than this Baton",
            source.name
        );
        return Err(Trouble::unusable(
            ApiError::new(Code::Unusable, message).hint("install the newer Baton to change it"),
        )
        .named("newer-format"));
    }
    let text = print(&source.parsed.workflow);
    let Some(path) = &source.path else {
        if args.json {
            return Ok(text == source.text);
        }
        out.write(&text);
        return Ok(true);
    };
    if text == source.text {
        return Ok(true);
    }
    if args.check && args.json {
        return Ok(false);
    }
    if args.check {
        let line = format!("✗ {}: not in its canonical form", source.name);
        let line = out.tone(Tone::Bad, &line);
        out.line(&line);
    } else {
        write_file(path, text.as_bytes())?;
        if !args.json {
            out.line(&format!("✓ {}: written", source.name));
        }
    }
    Ok(false)
}
