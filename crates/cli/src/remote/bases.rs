//! Which revision of a workflow of a server a file here was made from: remembered when it is pulled or pushed, so that a
//! later push can tell whether somebody else was faster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use baton_api::{ApiError, Code, write_file};
use serde::{Deserialize, Serialize};

use crate::trouble::{Trouble, note};

/// The file in the data folder.
const NAME: &str = "remotes.json";

/// What is remembered, by server and workflow.
pub(crate) struct Bases {
    path: PathBuf,
    known: BTreeMap<String, BTreeMap<String, Base>>,
}

/// What was pulled or pushed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    pub(crate) revision: u32,
    pub(crate) digest: String,
}

impl Bases {
    /// Reads the file. One that cannot be understood is put aside by the next write, and said.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Trouble> {
        let path = data_dir.join(NAME);
        let known = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                note(&format!(
                    "`{}` cannot be understood ({error}): what was pulled from servers is not remembered",
                    path.display()
                ));
                BTreeMap::new()
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                return Err(Trouble::unusable(ApiError::new(Code::Io, message)
                    .hint("look at the rights of the data folder")));
            }
        };
        Ok(Self { path, known })
    }

    /// The revision that was pulled or pushed last.
    pub(crate) fn of(&self, url: &str, workflow: &str) -> Option<&Base> {
        self.known.get(url)?.get(workflow)
    }

    /// Remembers it.
    pub(crate) fn put(&mut self, url: &str, workflow: &str, base: Base) -> Result<(), Trouble> {
        if self.of(url, workflow) == Some(&base) {
            return Ok(());
        }
        let of_server = self.known.entry(url.to_owned()).or_default();
        of_server.insert(workflow.to_owned(), base);
        let text = serde_json::to_string_pretty(&self.known)
            .map_err(|error| ApiError::new(Code::Internal, error.to_string()))?;
        write_file(&self.path, format!("{text}\n").as_bytes())?;
        Ok(())
    }
}
