//! Where things are unless somebody says otherwise: the same for window, browser and command line.

use std::path::PathBuf;

use directories::{ProjectDirs, UserDirs};

use crate::app::AppConfig;

/// Where database and artifacts are: `BATON_DATA_DIR`, else the data folder of the account.
pub fn data_dir() -> PathBuf {
    from_environment("BATON_DATA_DIR")
        .or_else(|| Some(ProjectDirs::from("", "", "baton")?.data_dir().to_owned()))
        .unwrap_or_else(|| PathBuf::from(".baton"))
}

/// Where relative paths and file dialogs start: `BATON_WORKSPACE_DIR`, else the documents of the account.
pub fn workspace_dir() -> PathBuf {
    let documents = || {
        let user = UserDirs::new()?;
        Some(
            user.document_dir()
                .unwrap_or_else(|| user.home_dir())
                .to_owned(),
        )
    };
    from_environment("BATON_WORKSPACE_DIR")
        .or_else(documents)
        .or_else(|| std::env::current_dir().ok())
        .unwrap_or_else(|| PathBuf::from("."))
}

/// Where the samples are: `BATON_SAMPLES_DIR`, else `workflows` beside the program or in a folder above it.
pub fn samples_dir() -> Option<PathBuf> {
    let above = || {
        let program = std::env::current_exe().ok()?.canonicalize().ok()?;
        let mut folders = program
            .ancestors()
            .skip(1)
            .map(|folder| folder.join("workflows"));
        folders.find(|folder| folder.is_dir())
    };
    from_environment("BATON_SAMPLES_DIR").or_else(above)
}

/// Whether `BATON_ALLOW_ANY_FOLDER` says that a data folder may be where a database is not safe.
pub fn allows_any_folder() -> bool {
    from_environment("BATON_ALLOW_ANY_FOLDER")
        .is_some_and(|value| value.as_os_str() != "0" && value.as_os_str() != "false")
}

fn from_environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

impl Default for AppConfig {
    fn default() -> Self {
        let config = Self::new(data_dir(), workspace_dir());
        match samples_dir() {
            Some(samples_dir) => Self {
                samples_dir,
                ..config
            },
            None => config,
        }
    }
}
