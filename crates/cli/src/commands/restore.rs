//! `baton restore`: a backup, or what a damaged database still says, in the place of the present database.

use std::path::Path;

use baton_api::keeping::{self, SalvagedLog};
use baton_api::{ApiError, Code};

use crate::args::Restore;
use crate::commands::backup::{contents, in_a_line};
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::data_dir;
use crate::source;
use crate::trouble::Trouble;
use crate::words::{grouped, instant as date};

pub(crate) async fn run(
    args: &Restore,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let folder = data_dir(data)?;
    if args.salvage {
        let saved = keeping::salvage(&folder).await?;
        tell_salvaged(&saved, args.json, out);
        return Ok(Exit::Success);
    }
    let Some(from) = &args.from else {
        let backups = keeping::backups(&folder)?;
        let error = ApiError::new(Code::BadRequest, "restore needs the folder of a backup");
        let hint = match backups.first() {
            Some(newest) => format!("the newest is\n        {}", in_a_line(newest)),
            None => "there is none in the data folder; name one from elsewhere".to_owned(),
        };
        return Err(Trouble::unusable(error.hint(hint)));
    };
    let restored = keeping::restore(&source::absolute(from)?, &folder).await?;
    if args.json {
        out.json(&restored);
        return Ok(Exit::Success);
    }
    let line = out.tone(
        Tone::Good,
        &format!("✓ Restored the backup of {}", date(restored.backup.at)),
    );
    out.line(&line);
    out.line(&format!("  {}", contents(&restored.backup)));
    if let Some(aside) = &restored.aside {
        out.line(&format!("  What was there before is in {aside}"));
    }
    if !restored.paused.is_empty() {
        let numbers = numbers(&restored.paused);
        out.line(&format!(
            "  Paused: run {numbers}. What they did after the backup is not in it;"
        ));
        out.line(
            "  look at each, then let it go on with `baton resume` or stop it with `baton cancel`.",
        );
    }
    Ok(Exit::Success)
}

fn numbers(runs: &[u32]) -> String {
    runs.iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What could be saved, for people or programs.
pub(crate) fn tell_salvaged(saved: &SalvagedLog, is_json: bool, out: &mut Out) {
    if is_json {
        out.json(saved);
        return;
    }
    let line = format!(
        "✓ Saved {} events; {} runs are whole",
        grouped(saved.events),
        grouped(saved.whole_runs)
    );
    out.line(&out.tone(Tone::Good, &line));
    if let Some(first) = saved.first_bad {
        out.line(&format!(
            "  The log is missing or damaged from place {} on",
            grouped(first)
        ));
    }
    for run in &saved.runs {
        let had = run
            .had
            .map_or_else(|| "?".to_owned(), |had| had.to_string());
        let line = format!(
            "  run {}: {} of {had} events are there",
            run.number, run.kept
        );
        out.line(&out.tone(Tone::Careful, &line));
    }
    for lost in &saved.lost {
        out.line(&format!("  lost: {lost}"));
    }
    if let Some(aside) = &saved.aside {
        out.line(&format!("  The damaged database is in {aside}"));
    }
    out.line("  Runs that had not ended are paused: look at each, then `baton resume` or `baton cancel`.");
}
