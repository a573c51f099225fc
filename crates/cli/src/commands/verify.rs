//! `baton verify`: recomputes the chain of the log, and compares it with what was signed.

use std::io::Write;
use std::path::Path;

use baton_api::runs::{SignedAt, Verified, VerifyLog};

use crate::args::Verify;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::Session;
use crate::trouble::Trouble;
use crate::words::{grouped, instant as date};

pub(crate) async fn run(
    args: &Verify,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let anchors = match &args.anchor {
        Some(file) => match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let what = format!("the anchor file `{}` cannot be read", file.display());
                return Err(Trouble::io(&what)(error));
            }
        },
        None => None,
    };
    let is_first = args.anchor.is_some() && anchors.is_none();
    let session = Session::look(data).await?;
    let verified = session.call("verify", &VerifyLog { anchors }).await;
    session.close().await;
    let verified: Verified = verified?;
    let exit = if verified.damage.is_empty() {
        Exit::Success
    } else {
        Exit::Failure
    };
    let kept = match (&args.anchor, &verified.new_anchor) {
        // What is damaged is not vouched for.
        (Some(file), Some(line)) if exit == Exit::Success => keep(file, line, &verified)?,
        _ => Kept::Nothing,
    };
    if args.json {
        out.json(&verified);
        return Ok(exit);
    }
    if verified.damage.is_empty() {
        tell_whole(&verified, out);
    } else {
        tell_damaged(&verified, out);
    }
    for doubt in &verified.clock {
        out.line(&out.tone(Tone::Careful, &format!("! CLOCK SUSPECT: {doubt}")));
    }
    if let Some(file) = &args.anchor {
        let file = file.display();
        match kept {
            Kept::Written if is_first => {
                out.line(&format!("  Wrote an anchor to {file}: keep it where whoever could change this folder cannot reach it"));
            }
            Kept::Written => out.line(&format!("  Added an anchor to {file}")),
            Kept::AlreadyThere | Kept::Nothing => {}
        }
    }
    Ok(exit)
}

enum Kept {
    Written,
    AlreadyThere,
    Nothing,
}

/// Adds the anchor to the file, unless the last one there says the same.
fn keep(file: &Path, line: &str, verified: &Verified) -> Result<Kept, Trouble> {
    if verified
        .anchor
        .as_ref()
        .is_some_and(|anchor| anchor.events == verified.events)
    {
        return Ok(Kept::AlreadyThere);
    }
    let what = format!("the anchor file `{}` cannot be written", file.display());
    std::fs::File::options()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| {
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_all()
        })
        .map_err(Trouble::io(&what))?;
    Ok(Kept::Written)
}

fn tell_whole(verified: &Verified, out: &mut Out) {
    let events = grouped(verified.events as u64);
    let last = |signed: &SignedAt| {
        format!(
            "{} (event {})",
            date(signed.at),
            grouped(signed.events as u64)
        )
    };
    let since = match (&verified.anchor, &verified.checkpoint) {
        (Some(anchor), _) => format!(" since anchor {}", last(anchor)),
        (None, Some(checkpoint)) => format!(
            " since anchor {}, the checkpoint in this folder",
            last(checkpoint)
        ),
        (None, None) => String::new(),
    };
    let line = format!("✓ INTACT{since}: {events} events, each with the hash of the one before");
    out.line(&out.tone(Tone::Good, &line));
    if let Some(head) = &verified.head {
        out.line(&format!("  head {head}"));
    }
    let signed = [&verified.anchor, &verified.checkpoint]
        .into_iter()
        .flatten()
        .map(|signed| signed.events as u64)
        .max();
    let all = verified.events as u64;
    match signed {
        None if all == 0 => {}
        None => out.line("  NOT ANCHORED: nothing is signed yet; whoever may write the folder could have cut the end off or written all of it anew"),
        Some(signed) if signed < all => out.line(&format!(
            "  NOT ANCHORED after event {}: the last {} have the chain alone",
            grouped(signed),
            grouped(all - signed)
        )),
        Some(_) => {}
    }
    if verified.anchor.is_none() && all > 0 {
        out.line("  NOT ANCHORED outside this folder: `baton verify --anchor FILE` writes an anchor, and compares it the next time");
    }
}

fn tell_damaged(verified: &Verified, out: &mut Out) {
    let events = grouped(verified.events as u64);
    let line = out.tone(
        Tone::Bad,
        &format!("✗ DAMAGED: {events} events were checked"),
    );
    out.line(&line);
    for damage in &verified.damage {
        out.line(&format!("  {damage}"));
    }
    out.line("  hint: `baton restore` puts a backup in its place, `baton restore --salvage` keeps what still reads; runs that are not named are unharmed");
}
