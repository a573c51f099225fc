//! A program in a process group of its own, where no guard can be had.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio_util::task::AbortOnDropHandle;

use super::{GRACE, Launch};

/// A program and its process group, which is killed with this value.
pub(crate) struct Group {
    child: Child,
    /// Feeds its input.
    fed: Option<AbortOnDropHandle<()>>,
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Group {
    pub(super) fn start(launch: Launch) -> io::Result<Self> {
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.args)
            .current_dir(&launch.folder)
            .env_clear()
            .envs(launch.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        #[cfg(unix)]
        let id = child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
        let stdin = child.stdin.take();
        let fed = launch.stdin.zip(stdin).map(|(text, mut stdin)| {
            AbortOnDropHandle::new(tokio::spawn(async move {
                // A program that does not read its input is no error.
                let _ = stdin.write_all(text.as_bytes()).await;
                let _ = stdin.shutdown().await;
            }))
        });
        Ok(Self {
            child,
            fed,
            #[cfg(unix)]
            id,
        })
    }

    pub(super) fn output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        // What the program left running must not hold its output open, nor go on unseen.
        self.kill();
        self.fed = None;
        Ok(status)
    }

    /// Ends everything at once, one time only: later the number may belong to others.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.id.take() {
            // An error means that nothing of the group is left.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        #[cfg(not(unix))]
        drop(self.child.start_kill());
    }

    pub(super) async fn end(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.id {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::TERM);
        }
        #[cfg(not(unix))]
        self.kill();
        // Either it has ended, or it is made to.
        let _ = tokio::time::timeout(GRACE, self.child.wait()).await;
        self.kill();
        let _ = self.child.wait().await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
