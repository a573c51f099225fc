//! The guard of one program: parent of whatever the program starts, and its end.
//!
//! A program calls [`enter`] first thing in `main`. Started as a guard, it is one; otherwise it says that it can be
//! started as one. The guard has one connection, its standard input: over it comes what to start, and over it goes what
//! became of it. It keeps no thread of Baton's, opens no file and reads no setting.

use std::process::ExitCode;

/// The argument that makes an executable a guard.
#[cfg(target_os = "linux")]
pub(super) const ARGUMENT: &str = "__guard";

/// Whether this executable can be started as a guard.
#[cfg(target_os = "linux")]
static IS_THERE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// The first thing that a program does which carries out steps. `Some`: it was started as a guard, which has ended
/// now; `main` returns.
#[must_use]
pub fn enter() -> Option<ExitCode> {
    #[cfg(target_os = "linux")]
    {
        if std::env::args_os()
            .nth(1)
            .is_some_and(|first| first == ARGUMENT)
        {
            return Some(keeper::keep());
        }
        IS_THERE.store(true, std::sync::atomic::Ordering::Relaxed);
    }
    None
}

#[cfg(target_os = "linux")]
pub(super) fn is_there() -> bool {
    IS_THERE.load(std::sync::atomic::Ordering::Relaxed)
}

#[cfg(target_os = "linux")]
pub(super) mod wire {
    //! What Baton and a guard say to each other.

    use std::ffi::OsString;
    use std::io::{self, Read};
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    use serde::{Deserialize, Serialize};

    use super::super::Launch;

    /// Asks the program to end.
    pub(crate) const END: &[u8] = b"e";

    #[derive(Serialize, Deserialize)]
    struct Head {
        program: Vec<u8>,
        args: Vec<String>,
        env: Vec<(Vec<u8>, Vec<u8>)>,
        folder: Vec<u8>,
        has_input: bool,
    }

    /// What became of the program.
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) enum Report {
        Started(i32),
        /// It could not be started: the number of the error, if the system gave it, and its words.
        NotStarted(Option<i32>, String),
        /// It has ended with this raw status, and nothing that it started is left.
        Ended(i32),
    }

    /// The bytes of a launch: a head and the input, each after its length.
    pub(crate) fn write(launch: &Launch) -> io::Result<Vec<u8>> {
        let head = Head {
            program: launch.program.as_bytes().to_vec(),
            args: launch.args.clone(),
            env: launch
                .env
                .iter()
                .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
                .collect(),
            folder: launch.folder.as_os_str().as_bytes().to_vec(),
            has_input: launch.stdin.is_some(),
        };
        let mut bytes = Vec::new();
        for part in [
            serde_json::to_vec(&head)?.as_slice(),
            launch.stdin.as_deref().unwrap_or_default().as_bytes(),
        ] {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        Ok(bytes)
    }

    pub(crate) fn read(from: &mut impl Read) -> io::Result<Launch> {
        let mut part = || {
            let mut length = [0; 8];
            from.read_exact(&mut length)?;
            let mut bytes = Vec::new();
            from.take(u64::from_le_bytes(length))
                .read_to_end(&mut bytes)?;
            if bytes.len() as u64 == u64::from_le_bytes(length) {
                Ok(bytes)
            } else {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof))
            }
        };
        let head: Head = serde_json::from_slice(&part()?)?;
        let input = String::from_utf8(part()?).map_err(io::Error::other)?;
        let text = OsString::from_vec;
        Ok(Launch {
            program: text(head.program),
            args: head.args,
            env: head
                .env
                .into_iter()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            folder: text(head.folder).into(),
            stdin: head.has_input.then_some(input),
        })
    }
}

#[cfg(target_os = "linux")]
mod keeper {
    //! What a guard does.

    use std::io::{self, Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode, Stdio};

    use rustix::process::{
        Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process_group, set_child_subreaper, wait,
    };

    use super::wire::{self, Report};
    use crate::process::family;

    pub(super) fn keep() -> ExitCode {
        match guard() {
            Ok(()) => ExitCode::SUCCESS,
            // Nobody is there to be told: the connection is what failed.
            Err(_) => ExitCode::FAILURE,
        }
    }

    fn guard() -> io::Result<()> {
        set_child_subreaper(Some(getpid()))?;
        let mut baton = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        let launch = wire::read(&mut baton)?;
        let mut command = Command::new(&launch.program);
        command
            .args(&launch.args)
            .current_dir(&launch.folder)
            .env_clear()
            .envs(launch.env)
            .stdin(Stdio::piped())
            .process_group(0);
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                return tell(
                    &baton,
                    &Report::NotStarted(error.raw_os_error(), error.to_string()),
                );
            }
        };
        let program = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let Some(program) = program else {
            return Err(io::Error::other("a process without a number"));
        };
        let stdin = child.stdin.take();
        if let (Some(mut stdin), Some(text)) = (stdin, launch.stdin) {
            // A program that does not read its input is no error.
            std::thread::spawn(move || stdin.write_all(text.as_bytes()));
        }
        // Before the report, so that the program cannot outlive a Baton that dies at this very moment.
        let mut orders = baton.try_clone()?;
        std::thread::spawn(move || follow(&mut orders, program));
        // If nobody hears it, the thread above sees to the end.
        let told = tell(&baton, &Report::Started(program.as_raw_nonzero().get()));
        let status = ended(program)?;
        family::end();
        told.and_then(|()| tell(&baton, &Report::Ended(status.as_raw())))
    }

    /// Does what Baton says until it says nothing any more.
    fn follow(baton: &mut UnixStream, program: Pid) {
        let mut order = [0];
        while let Ok(1) = baton.read(&mut order) {
            // An error means that nothing of the group is left.
            let _ = kill_process_group(program, Signal::TERM);
        }
        family::end();
    }

    /// Waits for the program, and for everything else that ends in the meantime.
    fn ended(program: Pid) -> io::Result<WaitStatus> {
        loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) if pid == program => return Ok(status),
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn tell(mut baton: &UnixStream, report: &Report) -> io::Result<()> {
        let mut line = serde_json::to_vec(report)?;
        line.push(b'\n');
        baton.write_all(&line)
    }
}
