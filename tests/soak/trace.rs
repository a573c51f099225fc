//! Reads what `strace` saw of a process: the calls that change files, in order, with every byte.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A call that matters to the disk, when it returned.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Open {
        path: PathBuf,
        fd: i64,
        creates: bool,
        truncates: bool,
        appends: bool,
    },
    Close {
        fd: i64,
    },
    Seek {
        fd: i64,
        to: u64,
    },
    Write {
        fd: i64,
        at: Option<u64>,
        bytes: Vec<u8>,
    },
    Truncate {
        fd: i64,
        length: u64,
    },
    Sync {
        fd: i64,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    MakeFolder {
        path: PathBuf,
    },
}

const CALLS: &str = "trace=openat,open,creat,close,lseek,write,writev,pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,\
     rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir,mkdir,mkdirat";

/// The same process, watched. The calls go into `file`.
pub(crate) fn watched(command: &Command, file: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-qq",
        "--seccomp-bpf",
        "-xx",
        "-s",
        "4000000",
        "-e",
        "signal=none",
        "-e",
        CALLS,
        "-o",
    ]);
    strace.arg(file);
    wrap(strace, command)
}

/// `strace` around a process, with its environment and its pipes.
pub(crate) fn wrap(mut strace: Command, command: &Command) -> Command {
    strace
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            strace.env(name, value);
        }
    }
    strace
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    strace
}

/// The calls in a file of `strace`.
pub(crate) fn read(file: &Path) -> Result<Vec<Call>, String> {
    let text = std::fs::read(file).map_err(|error| format!("no trace: {error}"))?;
    let text = String::from_utf8_lossy(&text);
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
            // A descriptor is free from the moment that closing it begins.
            if start.starts_with("close(") {
                calls.extend(parse(&format!("{start}) = 0"))?);
            } else {
                begun.insert(pid, start.to_owned());
            }
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let end = resumed.split_once("resumed>").map_or("", |(_, end)| end);
            if let Some(start) = begun.remove(pid) {
                calls.extend(parse(&format!("{start}{end}"))?);
            }
        } else {
            calls.extend(parse(rest)?);
        }
    }
    Ok(calls)
}

/// One whole line; nothing if the call failed or does not matter.
fn parse(line: &str) -> Result<Option<Call>, String> {
    let strange = || {
        format!(
            "`strace` said what is not understood: {}",
            &line[..line.len().min(200)]
        )
    };
    if line.starts_with("+++") || line.starts_with("---") {
        return Ok(None);
    }
    let (name, rest) = line.split_once('(').ok_or_else(strange)?;
    let (arguments, result) = rest.rsplit_once(" = ").ok_or_else(strange)?;
    let result = result.split(' ').next().unwrap_or_default();
    let Ok(result) = result.parse::<i64>() else {
        return Ok(None);
    };
    if result < 0 {
        return Ok(None);
    }
    let arguments = arguments.trim_end();
    let arguments = split(arguments.strip_suffix(')').ok_or_else(strange)?);
    let argument = |index: usize| arguments.get(index).copied().unwrap_or_default();
    let fd = argument(0).parse::<i64>();
    let fd = || fd.clone().map_err(|_| strange());
    let path = |index: usize| -> Result<PathBuf, String> {
        let bytes = bytes(argument(index)).ok_or_else(strange)?;
        Ok(PathBuf::from(
            String::from_utf8(bytes).map_err(|_| strange())?,
        ))
    };
    Ok(Some(match name {
        "openat" | "open" | "creat" => {
            let first = usize::from(name == "openat");
            let flags = argument(first + 1);
            Call::Open {
                path: path(first)?,
                fd: result,
                creates: flags.contains("O_CREAT") || name == "creat",
                appends: flags.contains("O_APPEND"),
                truncates: flags.contains("O_TRUNC") || name == "creat",
            }
        }
        "close" => Call::Close { fd: fd()? },
        "lseek" => Call::Seek {
            fd: fd()?,
            to: result as u64,
        },
        "write" | "pwrite64" => {
            let mut bytes = bytes(argument(1)).ok_or_else(strange)?;
            bytes.truncate(result as usize);
            let at = (name == "pwrite64").then(|| argument(3).parse());
            Call::Write {
                fd: fd()?,
                at: at.transpose().map_err(|_| strange())?,
                bytes,
            }
        }
        "ftruncate" => Call::Truncate {
            fd: fd()?,
            length: argument(1).parse().map_err(|_| strange())?,
        },
        "fsync" | "fdatasync" => Call::Sync { fd: fd()? },
        "rename" => Call::Rename {
            from: path(0)?,
            to: path(1)?,
        },
        "renameat" | "renameat2" => Call::Rename {
            from: path(1)?,
            to: path(3)?,
        },
        "link" => Call::Link {
            from: path(0)?,
            to: path(1)?,
        },
        "linkat" => Call::Link {
            from: path(1)?,
            to: path(3)?,
        },
        "unlink" | "rmdir" => Call::Remove { path: path(0)? },
        "unlinkat" => Call::Remove { path: path(1)? },
        "mkdir" => Call::MakeFolder { path: path(0)? },
        "mkdirat" => Call::MakeFolder { path: path(1)? },
        // Not used by what is watched; if that changes, the images would be wrong without a word.
        _ => return Err(strange()),
    }))
}

/// The arguments of a call; there is nothing in quotes but `\xNN`.
fn split(arguments: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start, mut is_quoted) = (0, 0, false);
    for (at, byte) in arguments.bytes().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'[' | b'{' if !is_quoted => depth += 1,
            b']' | b'}' if !is_quoted => depth -= 1,
            b',' if !is_quoted && depth == 0 => {
                parts.push(arguments[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(arguments[start..].trim());
    parts
}

fn bytes(quoted: &str) -> Option<Vec<u8>> {
    let digits = quoted.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    digits
        .chunks(4)
        .map(|chunk| match chunk {
            [b'\\', b'x', high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        })
        .collect()
}
