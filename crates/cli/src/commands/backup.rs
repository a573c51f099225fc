//! `baton backup`: a copy of the data folder, also while it is in use, or a list of the copies.

use std::path::Path;

use baton_api::keeping::{self, BackupMake, BackupRow};
use serde_json::json;

use crate::args::Backup;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::{Session, data_dir};
use crate::source;
use crate::trouble::Trouble;
use crate::words::{grouped, instant as date};

pub(crate) async fn run(
    args: &Backup,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    if args.list {
        let backups = keeping::backups(&data_dir(data)?)?;
        if args.json {
            out.json(&json!({ "backups": backups }));
        } else if backups.is_empty() {
            out.line("There are no backups yet: `baton backup` makes one.");
        } else {
            backups
                .iter()
                .for_each(|backup| out.line(&in_a_line(backup)));
        }
        return Ok(Exit::Success);
    }
    let into = args.to.as_deref().map(source::absolute).transpose()?;
    let request = BackupMake {
        into: into.map(|folder| folder.display().to_string()),
    };
    let session = Session::look(data).await?;
    let made = session.call("backup_make", &request).await;
    session.close().await;
    let made: BackupRow = made?;
    if args.json {
        out.json(&made);
        return Ok(Exit::Success);
    }
    let line = out.tone(Tone::Good, "✓ Backup made, read again and found whole");
    out.line(&line);
    out.line(&format!("  {}", made.path));
    out.line(&format!("  {}", contents(&made)));
    if made.damaged_artifacts > 0.0 {
        let line = format!(
            "! {} large values were damaged already and are not in it; `baton doctor` says more",
            made.damaged_artifacts
        );
        out.line(&out.tone(Tone::Careful, &line));
    }
    if args.to.is_none() {
        out.line("  It lies on the same disk: `--to` puts one on another.");
    }
    Ok(Exit::Success)
}

pub(crate) fn in_a_line(backup: &BackupRow) -> String {
    format!(
        "{}  {:<16} {}  {}",
        date(backup.at),
        backup.reason,
        contents(backup),
        backup.path
    )
}

pub(crate) fn contents(backup: &BackupRow) -> String {
    format!(
        "{} runs ({} not ended), {} events, {} large values, {} kB",
        grouped(backup.runs as u64),
        grouped(backup.open_runs as u64),
        grouped(backup.events as u64),
        grouped(backup.artifacts as u64),
        grouped(backup.bytes as u64 >> 10)
    )
}
