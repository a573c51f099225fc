//! `baton export`: a workflow in another form.

use baton_api::{baton_interop, kinds, write_file};

use crate::args::{Export, Form};
use crate::exit::Exit;
use crate::out::Out;
use crate::source;
use crate::trouble::Trouble;

pub(crate) fn run(args: &Export, out: &mut Out) -> Result<Exit, Trouble> {
    let source = source::read(&args.file)?;
    let workflow = &source.parsed.workflow;
    let text = match args.to {
        Form::Svg => baton_interop::svg(workflow, &kinds()),
        Form::JsonSchema => baton_interop::input_schema(workflow),
    };
    match &args.output {
        Some(path) => {
            write_file(&source::absolute(path)?, text.as_bytes())?;
            out.line(&format!("✓ {} written", path.display()));
        }
        None => out.line(text.trim_end()),
    }
    Ok(Exit::Success)
}
