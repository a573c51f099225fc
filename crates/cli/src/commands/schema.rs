//! `baton schema`: the JSON Schema of workflow files.

use baton_api::baton_core::document::json_schema;

use crate::exit::Exit;
use crate::out::Out;
use crate::trouble::Trouble;

pub(crate) fn run(out: &mut Out) -> Result<Exit, Trouble> {
    out.line(&format!("{:#}", json_schema()));
    Ok(Exit::Success)
}
