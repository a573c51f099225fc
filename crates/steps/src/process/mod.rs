//! Programs that a step starts: nothing that they start in turn outlives the step, nor Baton.
//!
//! On Linux a program runs below a small [`guard`] process: this same executable, started again. The guard adopts
//! whatever the program leaves behind (also what put itself into a session of its own), and ends all of it when the
//! program ends, when it is told to, or when the connection to Baton breaks, which is what happens when Baton is killed.
//! Where there is no guard (other systems, or an executable that did not call [`guard::enter`]), the program has a
//! process group of its own, and that group ends with the step.
//!
//! The guard never sees the secrets of Baton's environment, and the program sees nothing but what [`Launch`] says.

#[cfg(target_os = "linux")]
mod family;
mod group;
pub mod guard;
#[cfg(target_os = "linux")]
mod guarded;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::process::{ChildStderr, ChildStdout};

/// How long a program may take to end after it was asked to.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// What to start. Nothing else reaches the program.
#[derive(Debug)]
pub(crate) struct Launch {
    pub(crate) program: OsString,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(OsString, OsString)>,
    pub(crate) folder: PathBuf,
    /// What it reads.
    pub(crate) stdin: Option<String>,
}

/// A program at work, with everything it started. All of it ends with this value.
pub(crate) enum Running {
    #[cfg(target_os = "linux")]
    Guarded(guarded::Guarded),
    Grouped(group::Group),
}

/// Starts a program.
pub(crate) async fn start(launch: Launch) -> io::Result<Running> {
    #[cfg(target_os = "linux")]
    if guard::is_there() {
        return guarded::Guarded::start(launch).await.map(Running::Guarded);
    }
    group::Group::start(launch).map(Running::Grouped)
}

impl Running {
    /// What it writes, and what it writes as errors; once.
    pub(crate) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Guarded(program) => program.output(),
            Self::Grouped(program) => program.output(),
        }
    }

    /// Waits until the program has ended, and ends what it left running.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Guarded(program) => program.wait().await,
            Self::Grouped(program) => program.wait().await,
        }
    }

    /// Asks the program to end, and makes it end.
    pub(crate) async fn end(&mut self) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Guarded(program) => program.end().await,
            Self::Grouped(program) => program.end().await,
        }
    }
}
