//! `baton fmt`: workflow files in their canonical form.

use baton_api::baton_core::document::print;
use baton_api::{ApiError, Code, write_file};

use crate::args::Fmt;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::source;
use crate::trouble::Trouble;

pub(crate) fn run(args: &Fmt, out: &mut Out) -> Result<Exit, Trouble> {
    let mut exit = Exit::Success;
    for path in &args.files {
        match one(args, path, out) {
            Ok(true) => {}
            Ok(false) if args.check && exit == Exit::Success => exit = Exit::Failure,
            Ok(false) => {}
            // The other files are still looked at.
            Err(trouble) => {
                trouble.tell(false);
                exit = Exit::Unusable;
            }
        }
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
        out.write(&text);
        return Ok(true);
    };
    if text == source.text {
        return Ok(true);
    }
    if args.check {
        let line = format!("✗ {}: not in its canonical form", source.name);
        let line = out.tone(Tone::Bad, &line);
        out.line(&line);
    } else {
        write_file(path, text.as_bytes())?;
        out.line(&format!("✓ {}: written", source.name));
    }
    Ok(false)
}
