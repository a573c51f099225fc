//! Workflow files and JSON arguments: reading them, and saying where they are wrong.

use std::io::Read;
use std::path::{Path, PathBuf};

use baton_api::baton_core::document::{self, MAX_BYTES, Parsed};
use baton_api::{ApiError, Code};
use serde_json::Value;

use crate::trouble::{Excerpt, Trouble};

/// A workflow file as it was read.
#[derive(Debug)]
pub(crate) struct Source {
    /// As it was typed.
    pub(crate) name: String,
    /// Absolute; absent for standard input.
    pub(crate) path: Option<PathBuf>,
    pub(crate) text: String,
    pub(crate) parsed: Parsed,
}

/// Reads a workflow; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<Source, Trouble> {
    let name = path.display().to_string();
    let bytes = bytes_of(path)?;
    let parsed = document::parse_bytes(&bytes).map_err(|error| {
        let excerpt = Excerpt::find(
            &name,
            &String::from_utf8_lossy(&bytes),
            error.line,
            error.column,
        );
        let mut api = ApiError::new(Code::Unusable, error.message);
        api.hint = error.hint;
        Trouble::unusable(api).named(error.code).at(excerpt)
    })?;
    let path = if is_stdin(path) {
        None
    } else {
        Some(absolute(path)?)
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Source {
        name,
        path,
        text,
        parsed,
    })
}

/// The absolute form of a path that was typed.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Trouble> {
    std::path::absolute(path).map_err(Trouble::io(&format!("`{}` cannot be used", path.display())))
}

/// A JSON argument: the text itself, `@FILE`, or `@-` for standard input.
pub(crate) fn json_argument(argument: &str) -> Result<Value, Trouble> {
    let (name, text) = match argument.strip_prefix('@') {
        None => ("the argument".to_owned(), argument.to_owned()),
        Some(file) => {
            let bytes = bytes_of(Path::new(file))?;
            let text = String::from_utf8(bytes).map_err(|_| {
                Trouble::unusable(
                    ApiError::new(Code::Unusable, format!("`{file}` is not UTF-8 text"))
                        .hint("save it again with the encoding UTF-8"),
                )
            })?;
            (file.to_owned(), text)
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    serde_json::from_str(text).map_err(|error| {
        let place = |number: usize| u32::try_from(number).ok().filter(|number| *number > 0);
        let excerpt = Excerpt::find(&name, text, place(error.line()), place(error.column()));
        let cause = error.to_string();
        let cause = cause.split(" at line ").next().unwrap_or_default();
        let hint = "pass JSON in quotes, as in '{\"threshold\": 0.7}', or a file with `@FILE`";
        Trouble::unusable(
            ApiError::new(Code::Unusable, format!("{name} is not JSON: {cause}")).hint(hint),
        )
        .named("not-json")
        .at(excerpt)
    })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Trouble> {
    let name = path.display();
    // One byte more than is taken: a larger file is refused by its size, without being read whole.
    let limit = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if is_stdin(path) {
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
        read.map_err(Trouble::io("standard input cannot be read"))?;
        return Ok(bytes);
    }
    let read = std::fs::File::open(path).and_then(|file| {
        if file.metadata()?.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        file.take(limit).read_to_end(&mut bytes)
    });
    read.map_err(|error| {
        let (code, message, hint) = match error.kind() {
            std::io::ErrorKind::NotFound => (
                "file-not-found",
                format!("there is no file `{name}`"),
                "look at the spelling and at the folder you are in",
            ),
            std::io::ErrorKind::IsADirectory => (
                "file-is-folder",
                format!("`{name}` is a folder"),
                "name a file in it",
            ),
            _ => (
                "file-unreadable",
                format!("`{name}` cannot be read: {error}"),
                "look at the rights of the file",
            ),
        };
        Trouble::unusable(ApiError::new(Code::Io, message).hint(hint)).named(code)
    })?;
    Ok(bytes)
}
