//! `baton doctor`: whether everything is there that Baton needs, and what to do if not.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::host::HostLog;
use baton_api::keeping;
use baton_api::limits::SafeModeView;
use baton_api::owner;
use baton_api::places::samples_dir;
use baton_api::runs::{Verified, VerifyLog};
use baton_server::find_ui;
use serde::Serialize;

use crate::args::Doctor;
use crate::commands::restore::tell_salvaged;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::{DATABASE, Session, data_dir};
use crate::trouble::Trouble;
use crate::words::grouped;

/// Less is a reason to act.
const LITTLE_SPACE: u64 = 2 << 30;

mod host;
mod keep;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Ok,
    /// Worth knowing; Baton works.
    Note,
    /// Baton does not work as it should.
    Problem,
}

#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    findings: Vec<Finding>,
}

impl Finding {
    fn new(name: &'static str, state: State, message: impl Into<String>) -> Self {
        Self {
            name,
            state,
            message: message.into(),
            hint: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

pub(crate) async fn run(
    args: &Doctor,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let folder = data_dir(data)?;
    if args.repair {
        return repair(args, data, &folder, out).await;
    }
    let mut findings = vec![version(), data_folder(&folder)];
    findings.extend(permissions(&folder));
    findings.extend(space(&folder));
    findings.extend(database(data, &folder).await);
    findings.extend(keep::key(&folder));
    findings.extend(keep::values(&folder));
    findings.extend(keep::backups(&folder));
    findings.extend(keep::leftovers(&folder));
    findings.push(owned_by(&folder).await);
    findings.extend([user_interface(), samples(), duckdb()]);
    let ok = findings
        .iter()
        .all(|finding| finding.state != State::Problem);
    if args.json {
        out.json(&Report { ok, findings });
    } else {
        for finding in &findings {
            print(finding, out);
        }
    }
    Ok(if ok { Exit::Success } else { Exit::Failure })
}

/// Saves what still reads, if anything is wrong.
async fn repair(
    args: &Doctor,
    data: Option<&Path>,
    folder: &Path,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let findings = database(data, folder).await;
    if findings
        .iter()
        .all(|finding| finding.state != State::Problem)
    {
        if args.json {
            out.json(&Report { ok: true, findings });
        } else {
            out.line("Nothing is to be repaired: the log and its database are whole.");
        }
        return Ok(Exit::Success);
    }
    let saved = keeping::salvage(folder).await?;
    tell_salvaged(&saved, args.json, out);
    Ok(Exit::Success)
}

fn print(finding: &Finding, out: &mut Out) {
    let (icon, word, tone) = match finding.state {
        State::Ok => ("✓", "ok", Tone::Good),
        State::Note => ("!", "note", Tone::Careful),
        State::Problem => ("✗", "problem", Tone::Bad),
    };
    let state = out.tone(tone, &format!("{icon} {word:<8}"));
    out.line(&format!("{state} {:<16} {}", finding.name, finding.message));
    if let Some(hint) = &finding.hint {
        out.line(&format!("{:<28}{hint}", ""));
    }
}

fn version() -> Finding {
    let message = format!(
        "Baton {} on {} {}",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH
    );
    Finding::new("version", State::Ok, message)
}

/// Tried by writing, where that changes nothing: rights alone do not tell about a full or read-only disk.
fn data_folder(folder: &Path) -> Finding {
    let shown = folder.display();
    if !folder.exists() {
        let message = format!("`{shown}` is not there yet; the first run makes it");
        return Finding::new("data folder", State::Note, message);
    }
    let probe = folder.join(format!(".doctor-{}", std::process::id()));
    let tried = std::fs::write(&probe, b"x").and_then(|()| std::fs::remove_file(&probe));
    match tried {
        Ok(()) => Finding::new("data folder", State::Ok, shown.to_string()),
        Err(error) => Finding::new(
            "data folder",
            State::Problem,
            format!("`{shown}` cannot be written to: {error}"),
        )
        .hint("allow writing to it, free some space, or choose another folder with `--data`"),
    }
}

#[cfg(unix)]
fn permissions(folder: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt;

    let mode = std::fs::metadata(folder).ok()?.permissions().mode() & 0o777;
    Some(if mode & 0o077 == 0 {
        Finding::new(
            "permissions",
            State::Ok,
            "the data folder is for this account only",
        )
    } else {
        Finding::new(
            "permissions",
            State::Note,
            format!("other accounts can look into the data folder (mode {mode:o})"),
        )
        .hint(format!(
            "run `chmod 700 '{}'` if that is not meant",
            folder.display()
        ))
    })
}

#[cfg(not(unix))]
fn permissions(_folder: &Path) -> Option<Finding> {
    None
}

#[cfg(unix)]
fn space(folder: &Path) -> Option<Finding> {
    // The folder may not be there yet: its disk is that of the nearest one above.
    let existing = folder.ancestors().find(|folder| folder.exists())?;
    let disk = rustix::fs::statvfs(existing).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let message = format!("{} MB free", grouped(free >> 20));
    Some(if free >= LITTLE_SPACE {
        Finding::new("disk space", State::Ok, message)
    } else {
        Finding::new("disk space", State::Problem, message)
            .hint("free some space: at least 2 GB are advised")
    })
}

#[cfg(not(unix))]
fn space(_folder: &Path) -> Option<Finding> {
    None
}

async fn database(data: Option<&Path>, folder: &Path) -> Vec<Finding> {
    let file = folder.join(DATABASE);
    if !file.exists() {
        return vec![Finding::new(
            "database",
            State::Note,
            "there are no runs yet",
        )];
    }
    let troubled = |error: &Trouble| {
        let said = error.as_json();
        let words = |key: &str| said[key].as_str().map(str::to_owned);
        let mut finding = Finding::new(
            "database",
            State::Problem,
            words("message").unwrap_or_default(),
        );
        finding.hint = words("hint");
        finding
    };
    let session = match Session::look(data).await {
        Ok(session) => session,
        Err(trouble) => return vec![troubled(&trouble)],
    };
    let verified: Result<Verified, _> = session.call("verify", &VerifyLog::default()).await;
    let safe_mode: Result<SafeModeView, _> = session.call("safe_mode_get", &Nothing {}).await;
    let host: Result<HostLog, _> = session.call("host_log", &Nothing {}).await;
    session.close().await;
    let size = std::fs::metadata(&file).map_or(0, |file| file.len());
    let written_by =
        sqlite_version(&file).map(|version| format!(", last written by SQLite {version}"));
    let found = format!(
        "{} kB{}",
        grouped(size >> 10),
        written_by.unwrap_or_default()
    );
    let database = Finding::new("database", State::Ok, found);
    let verified = match verified {
        Err(error) => return vec![troubled(&error)],
        Ok(verified) => verified,
    };
    let mut findings = vec![database, chain(&verified)];
    findings.extend(signed(&verified));
    match safe_mode {
        Ok(view) => findings.extend(starts(&view)),
        Err(error) => findings.push(troubled(&error)),
    }
    match host {
        Ok(log) => findings.extend(host::findings(&log)),
        Err(error) => findings.push(troubled(&error)),
    }
    findings
}

fn chain(verified: &Verified) -> Finding {
    if verified.damage.is_empty() {
        let message = format!("intact: {} events", grouped(verified.events as u64));
        return Finding::new("log", State::Ok, message);
    }
    let message = format!("damaged: {}", verified.damage.join("; "));
    Finding::new("log", State::Problem, message).hint(
        "put a backup in its place with `baton restore`, or keep what still reads with `baton doctor --repair`",
    )
}

/// Up to where the log is signed, and whether the clock can be believed.
fn signed(verified: &Verified) -> Vec<Finding> {
    let all = verified.events as u64;
    let mut findings = Vec::new();
    match &verified.checkpoint {
        Some(checkpoint) => {
            let signed = grouped(checkpoint.events as u64);
            findings.push(Finding::new(
                "checkpoints",
                State::Ok,
                format!("signed up to event {signed} of {}", grouped(all)),
            ));
        }
        None if all > 0 => findings.push(
            Finding::new("checkpoints", State::Note, "no event is signed yet")
                .hint("that happens every ten minutes, and when Baton ends"),
        ),
        None => {}
    }
    if let Some(doubt) = verified.clock.first() {
        let message = format!("suspect: {doubt}");
        findings.push(
            Finding::new("clock", State::Note, message)
                .hint("set the clock of this machine; the order of events does not depend on it"),
        );
    }
    findings
}

/// How Baton ended of late, and what was set aside because of it.
fn starts(view: &SafeModeView) -> Vec<Finding> {
    // The newest may be alive: it is told by the lock, not here.
    let earlier = view.starts.iter().skip(1);
    let unexpected = earlier.filter(|start| start.ended_at.is_none()).count();
    let mut findings = Vec::new();
    if view.starts.first().is_some_and(|start| start.is_safe) {
        findings.push(
            Finding::new(
                "starts",
                State::Problem,
                "Baton is in safe mode: nothing goes on by itself",
            )
            .hint("look with `baton safe-mode`, leave it with `baton safe-mode --leave`"),
        );
    } else if unexpected > 0 {
        let message = format!(
            "{unexpected} of the {} before the last ended unexpectedly",
            view.starts.len() - 1
        );
        findings.push(Finding::new("starts", State::Note, message).hint(
            "a power cut or a killed process does that; `BATON_LOG=warn` shows more if it was neither",
        ));
    } else {
        let message = format!("{} noted, all ended properly", view.starts.len());
        findings.push(Finding::new("starts", State::Ok, message));
    }
    for run in &view.quarantined {
        let message = format!(
            "run {} of {} is set aside: {}",
            run.number, run.workflow_name, run.reason
        );
        findings.push(
            Finding::new("quarantine", State::Problem, message).hint(format!(
                "`baton release {0}` lets it go on, `baton cancel {0}` ends it",
                run.number
            )),
        );
    }
    findings
}

/// The version of SQLite that wrote the file last, as its header says.
fn sqlite_version(file: &Path) -> Option<String> {
    use std::io::Read;

    let mut header = [0; 100];
    std::fs::File::open(file)
        .ok()?
        .read_exact(&mut header)
        .ok()?;
    let number = u32::from_be_bytes(header[96..].try_into().ok()?);
    Some(format!(
        "{}.{}.{}",
        number / 1_000_000,
        number / 1_000 % 1_000,
        number % 1_000
    ))
}

/// Whoever has the folder answers, or holds it without answering, or nobody has it.
async fn owned_by(folder: &Path) -> Finding {
    match owner::owner_of(folder).await {
        Ok(None) => Finding::new("owner", State::Ok, "nobody; the next command owns it"),
        Ok(Some(owner)) => {
            let message = format!("{owner} owns the data folder; other commands ask it");
            Finding::new("owner", State::Ok, message)
        }
        Err(error) => {
            let mut finding = Finding::new("owner", State::Problem, error.message);
            finding.hint = error.hint;
            finding
        }
    }
}

fn user_interface() -> Finding {
    match find_ui() {
        Some(folder) => Finding::new("user interface", State::Ok, folder.display().to_string()),
        None => Finding::new(
            "user interface",
            State::Note,
            "it is not built: `baton serve` has no pages to show",
        )
        .hint("build it with `npm run build -w ui`, or name its folder with `BATON_UI_DIR`"),
    }
}

fn samples() -> Finding {
    let here =
        || Some(std::env::current_dir().ok()?.join("workflows")).filter(|folder| folder.is_dir());
    match samples_dir().or_else(here) {
        Some(folder) => Finding::new("samples", State::Ok, folder.display().to_string()),
        None => Finding::new("samples", State::Note, "there are no sample workflows")
            .hint("name their folder with `BATON_SAMPLES_DIR`"),
    }
}

/// The program would not have started without it; where it comes from is what people ask.
fn duckdb() -> Finding {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let library = maps.lines().find_map(|line| {
        let path = &line[line.find('/')?..];
        path.contains("libduckdb").then(|| path.to_owned())
    });
    let message = library.unwrap_or_else(|| "part of this program".to_owned());
    Finding::new("DuckDB", State::Ok, message)
}
