//! The side of Baton: a program behind its guard.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::guard::{ARGUMENT, wire};
use super::{GRACE, Launch};

/// What a guard needs of the environment: the way to its libraries.
const KEPT: &[&str] = &["LD_LIBRARY_PATH", "PATH"];

/// How long a guard may take to end everything once it was told to.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program behind its guard. Dropped, the connection closes, and the guard ends everything.
pub(crate) struct Guarded {
    guard: Child,
    /// `None` once the guard was told to end everything.
    connection: Option<BufReader<UnixStream>>,
    program: Option<Pid>,
}

impl Guarded {
    pub(super) async fn start(launch: Launch) -> io::Result<Self> {
        let (mine, its) = StdUnixStream::pair()?;
        mine.set_nonblocking(true)?;
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("baton")
            .arg(ARGUMENT)
            .env_clear()
            .envs(
                KEPT.iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .stdin(Stdio::from(OwnedFd::from(its)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for Baton, which says what becomes of the program.
            .process_group(0);
        let guard = command.spawn()?;
        // The command holds the other end, without which a guard that dies would not be noticed.
        drop(command);
        let mut started = Self {
            guard,
            connection: Some(BufReader::new(UnixStream::from_std(mine)?)),
            program: None,
        };
        started.say(&wire::write(&launch)?).await?;
        match started.hear().await? {
            wire::Report::Started(pid) => {
                started.program = Pid::from_raw(pid);
                Ok(started)
            }
            wire::Report::NotStarted(Some(number), _) => Err(io::Error::from_raw_os_error(number)),
            wire::Report::NotStarted(None, said) => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, said))
            }
            wire::Report::Ended(_) => Err(io::Error::other("the guard said what it cannot know")),
        }
    }

    pub(super) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.guard.stdout.take(), self.guard.stderr.take())
    }

    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match self.hear().await {
            Ok(wire::Report::Ended(status)) => {
                self.guard.wait().await?;
                Ok(ExitStatus::from_raw(status))
            }
            Ok(_) => Err(io::Error::other(
                "the guard said something else than the end",
            )),
            Err(error) => {
                self.kill();
                Err(error)
            }
        }
    }

    pub(super) async fn end(&mut self) {
        if self.say(wire::END).await.is_ok() {
            // Either it has ended, or it is made to.
            let _ = tokio::time::timeout(GRACE, self.hear()).await;
        }
        self.connection = None;
        if tokio::time::timeout(PATIENCE, self.guard.wait())
            .await
            .is_err()
        {
            tracing::warn!("a program does not end, although everything was done for it");
        }
    }

    async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.connection {
            Some(connection) => connection.get_mut().write_all(bytes).await,
            None => Err(io::Error::from(io::ErrorKind::NotConnected)),
        }
    }

    /// The next report. Cancelled in between, a part of a line would be lost: only [`Guarded::end`] reads on then, and
    /// asks for nothing but an end.
    async fn hear(&mut self) -> io::Result<wire::Report> {
        let connection = self
            .connection
            .as_mut()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Err(io::Error::other("its guard process was killed"));
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// The guard is gone: what is left is the group of the program.
    fn kill(&mut self) {
        if let Some(program) = self.program.take() {
            // An error means that nothing of the group is left.
            let _ = kill_process_group(program, Signal::KILL);
        }
    }
}
