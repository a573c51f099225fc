//! Another Baton: reached as `baton_api::remote` does, with what was typed, and what is shown and remembered of it.

mod bases;
mod differences;

pub(crate) use bases::{Base, Bases};
pub(crate) use differences::print as print_differences;

use std::path::Path;

use baton_api::remote::{Remote, address};
use baton_api::{ApiError, Code};

use crate::server_args::Way;
use crate::trouble::Trouble;

/// The variable with the token.
pub(crate) const TOKEN: &str = "BATON_TOKEN";

/// Finds the server, and looks whether it is one.
pub(crate) async fn open(url: &str, way: &Way) -> Result<Remote, Trouble> {
    // What was typed is looked at before a file is.
    address(url)?;
    let token = given(way.token_file.as_deref(), TOKEN)?.unwrap_or_default();
    Ok(Remote::open(url, &token, way.ca.as_deref()).await?)
}

/// A secret, from a file or else from a variable; never from an argument, which others could read.
pub(crate) fn given(file: Option<&Path>, variable: &str) -> Result<Option<String>, Trouble> {
    let Some(path) = file else {
        let text = std::env::var(variable).ok();
        return Ok(text.filter(|text| !text.trim().is_empty()));
    };
    std::fs::read_to_string(path).map(Some).map_err(|error| {
        let message = format!("the token in `{}` cannot be read: {error}", path.display());
        let hint = "name a file that holds the token and nothing else";
        Trouble::unusable(ApiError::new(Code::Io, message).hint(hint)).named("no-token")
    })
}

/// Asks a person, on a terminal. Without one, nobody is there to say yes.
pub(crate) fn confirm(question: &str, is_sure: bool) -> Result<bool, Trouble> {
    use std::io::{BufRead, IsTerminal, Write};
    if is_sure {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        let hint = "look at what changes with `--dry-run`, then say `--yes`";
        let error = ApiError::new(Code::Conflict, "nobody is there to say yes").hint(hint);
        return Err(Trouble::from(error).named("not-confirmed"));
    }
    let mut to = std::io::stderr().lock();
    let asked = to
        .write_all(format!("{question} [y/N] ").as_bytes())
        .and_then(|()| to.flush());
    asked.map_err(Trouble::io("nothing can be asked"))?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(Trouble::io("the answer cannot be read"))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}

/// Where the revisions are remembered that were pulled or pushed here.
pub(crate) fn bases(data: Option<&Path>) -> Result<Bases, Trouble> {
    Bases::open(&crate::session::data_dir(data)?)
}
