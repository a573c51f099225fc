//! `baton verify`: recomputes the chain of the log.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::runs::Verified;

use crate::args::Json;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::Session;
use crate::trouble::Trouble;
use crate::words::grouped;

pub(crate) async fn run(args: &Json, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let session = Session::look(data).await?;
    let verified = session.call("verify", &Nothing {}).await;
    session.close().await;
    let verified: Verified = verified?;
    let exit = if verified.damage.is_empty() {
        Exit::Success
    } else {
        Exit::Failure
    };
    if args.json {
        out.json(&verified);
        return Ok(exit);
    }
    let events = grouped(verified.events as u64);
    if verified.damage.is_empty() {
        let line = out.tone(
            Tone::Good,
            &format!("✓ INTACT: {events} events, each with the hash of the one before"),
        );
        out.line(&line);
        if let Some(head) = &verified.head {
            out.line(&format!("  head {head}"));
        }
        // The chain alone cannot show that its end was cut off, or that all of it was written anew.
        out.line("  NOT ANCHORED: keep this head somewhere else to notice later that the log was cut or rewritten");
    } else {
        let line = out.tone(
            Tone::Bad,
            &format!("✗ DAMAGED: {events} events were checked"),
        );
        out.line(&line);
        for damage in &verified.damage {
            out.line(&format!("  {damage}"));
        }
        out.line("  hint: put a copy from the `backups` folder in its place; runs that are not named are unharmed");
    }
    Ok(exit)
}
