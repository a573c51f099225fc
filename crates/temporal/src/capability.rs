//! What a cluster does otherwise than this computer, said of a file before it is handed over.

use std::path::Path;

use baton_core::elsewhere::{self, Around};
use baton_core::problem::Problem;

use crate::check::Finding;
use crate::client;
use crate::error::ClusterError;

/// What of the workflow in `file` a cluster does otherwise.
///
/// # Errors
///
/// If the file is no workflow.
pub fn of_file(file: &Path) -> Result<Vec<Finding>, ClusterError> {
    let workflow = client::read(file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let is_beside = |name: &str| client::beside(folder, name).is_file();
    let around = Around {
        is_beside: Some(&is_beside),
        input: None,
    };
    let found = elsewhere::on_cluster(&workflow, around);
    Ok(found.into_iter().map(finding).collect())
}

fn finding(problem: Problem) -> Finding {
    Finding {
        code: problem.code,
        ok: false,
        message: problem.message,
        hint: problem.hint.unwrap_or_default(),
    }
}
