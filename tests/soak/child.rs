//! The process that writes, seen from outside: starting it, hearing what it acknowledges, ending it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::harness::Cx;

/// Everything that a process acknowledged, and what it complained about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Last acknowledged position of each run.
    pub(crate) runs: BTreeMap<String, u32>,
    /// Last acknowledged version of the draft.
    pub(crate) draft: u32,
    /// Last acknowledged version of each file.
    pub(crate) files: BTreeMap<String, u32>,
    /// Codes, with the words.
    pub(crate) errors: Vec<String>,
    pub(crate) is_open: bool,
    pub(crate) is_closed: bool,
    pub(crate) has_given_up: bool,
}

impl Said {
    /// Takes a line into account; `true` if it acknowledges something.
    pub(crate) fn hear(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u32>().ok());
        match words.next() {
            Some("run") => {
                let run = words.next().unwrap_or_default().to_owned();
                self.runs.insert(run, number(words.next()).unwrap_or(0));
                true
            }
            Some("draft") => {
                self.draft = number(words.next()).unwrap_or(0);
                true
            }
            Some("saved") => {
                let file = words.next().unwrap_or_default().to_owned();
                self.files.insert(file, number(words.next()).unwrap_or(0));
                true
            }
            Some("error") => {
                self.errors.push(words.collect::<Vec<_>>().join(" "));
                false
            }
            Some("open") => {
                self.is_open = true;
                false
            }
            Some("closed") => {
                self.is_closed = true;
                false
            }
            Some("gave-up") => {
                self.has_given_up = true;
                false
            }
            _ => false,
        }
    }
}

/// The store process, for so many batches in each lane.
pub(crate) fn store_child(cx: &Cx, folder: &Path, batches: u32) -> Command {
    let mut command = Command::new(&cx.store_child);
    command.arg(folder).arg(batches.to_string());
    quiet(&mut command);
    command
}

/// This program again, as the process `what`.
pub(crate) fn own_child(what: &str, arguments: &[&str]) -> Command {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new(program);
    command.arg("child").arg(what).args(arguments);
    quiet(&mut command);
    command
}

fn quiet(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
}

/// When to kill.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// Never: it ends by itself.
    Ends,
    /// After so many acknowledgements and so many microseconds more; or, without any, so long after its start.
    Acks(u32, u64),
}

/// What became of a process.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The end of what it wrote to its error output.
    pub(crate) complaints: String,
}

impl Ended {
    /// Whether it broke off: killed, or by itself.
    pub(crate) fn is_broken_off(&self) -> bool {
        self.status.code().is_none()
    }
}

/// Starts a process, hears it out, and kills it if it is to be killed.
pub(crate) fn hear_out(
    command: &mut Command,
    until: Until,
    said: &mut Said,
) -> Result<Ended, String> {
    let mut child: Child = command
        .spawn()
        .map_err(|error| format!("the child cannot be started: {error}"))?;
    let complaints = child.stderr.take().map(|mut pipe| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            // What cannot be read is not there to be judged.
            pipe.read_to_end(&mut text).ok();
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let out = child.stdout.take().ok_or("the child has no output")?;
    let mut left = match until {
        Until::Ends => u32::MAX,
        Until::Acks(0, micros) => {
            std::thread::sleep(std::time::Duration::from_micros(micros));
            child.kill().map_err(|error| error.to_string())?;
            u32::MAX
        }
        Until::Acks(acks, _) => acks,
    };
    for line in BufReader::new(out).split(b'\n') {
        let Ok(line) = line else { break };
        if !said.hear(&String::from_utf8_lossy(&line)) || left == u32::MAX {
            continue;
        }
        left -= 1;
        if left == 0 {
            if let Until::Acks(_, micros) = until {
                std::thread::sleep(std::time::Duration::from_micros(micros));
            }
            child.kill().map_err(|error| error.to_string())?;
            left = u32::MAX;
        }
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    let complaints = complaints.map(|thread| thread.join().unwrap_or_default());
    Ok(Ended {
        status,
        complaints: complaints.unwrap_or_default(),
    })
}
