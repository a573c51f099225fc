//! Where the program for clusters is.
//!
//! The client of Temporal alone is larger than all of Baton, so it is a program of its own.

use std::path::PathBuf;

use crate::error::{ApiError, Code};

/// Its name.
pub const PROGRAM: &str = "baton-temporal";
/// The environment variable that names its file, where it is somewhere else.
const ELSEWHERE: &str = "BATON_TEMPORAL";

/// The program for clusters: beside this one, in `PATH`, or where `BATON_TEMPORAL` says.
///
/// # Errors
///
/// If it is nowhere.
pub fn cluster_program() -> Result<PathBuf, ApiError> {
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let here = std::env::current_exe().ok();
    let beside = here.and_then(|here| Some(here.parent()?.join(&name)));
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&paths).map(|folder| folder.join(&name));
    let named = std::env::var_os(ELSEWHERE).map(PathBuf::from);
    let mut all = beside.into_iter().chain(in_path).chain(named);
    all.find(|path| path.is_file()).ok_or_else(|| {
        let words = format!(
            "the program `{PROGRAM}` is neither beside this one nor in `PATH`, and `{ELSEWHERE}` names none"
        );
        ApiError::new(Code::NotFound, words).hint(
            "it is built apart from the rest: `cargo build --release -p baton-temporal`; then put it beside `baton`",
        )
    })
}
