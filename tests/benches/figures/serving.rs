//! The figure of a server that has nothing to do: how much memory it holds.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{figure, program};

/// How much it may hold, in MB.
const ALLOWED: f64 = 80.0;
/// How long it is left alone before it is looked at.
const REST: Duration = Duration::from_secs(3);

/// A server for a team, with a user, after it has answered its first requests and rested.
pub(crate) fn idle_server(folder: &Path) -> Result<()> {
    let dir = tempfile::tempdir_in(folder)?;
    let baton = program()?;
    let command = || {
        let mut command = Command::new(&baton);
        command
            .current_dir(dir.path())
            .env("BATON_DATA_DIR", dir.path().join("data"))
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let added = command()
        .args(["users", "add", "mia", "--role", "view"])
        .stdout(Stdio::null())
        .status()?;
    ensure!(added.success(), "the user was not added");
    let mut server = command()
        .args(["serve", "--json", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()?;
    let measured = (|| {
        let out = server.stdout.take().context("it says where it is")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        ensure!(line.contains("\"ready\""), "it did not start: {line}");
        std::thread::sleep(REST);
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
        let kilobytes: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next())
            .context("the memory of the process")?
            .parse()?;
        Ok(kilobytes / 1_024.0)
    })();
    server.kill()?;
    server.wait()?;
    figure("`baton serve` idle, memory", measured?, "MB", ALLOWED);
    Ok(())
}
