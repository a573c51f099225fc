//! `baton safe-mode`: says whether Baton is in safe mode and what is set aside, and leaves it.

use std::path::Path;

use baton_api::catalog::Nothing;
use baton_api::limits::SafeModeView;

use crate::args::SafeMode;
use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::session::Session;
use crate::trouble::Trouble;

pub(crate) async fn run(
    args: &SafeMode,
    data: Option<&Path>,
    out: &mut Out,
) -> Result<Exit, Trouble> {
    let session = Session::open(data).await?;
    let name = if args.leave {
        "safe_mode_leave"
    } else {
        "safe_mode_get"
    };
    let view: Result<SafeModeView, _> = session.call(name, &Nothing {}).await;
    session.close().await;
    let view = view?;
    if args.json {
        out.json(&view);
    } else {
        print(&view, out);
    }
    Ok(Exit::Success)
}

fn print(view: &SafeModeView, out: &mut Out) {
    match &view.reason {
        Some(reason) => {
            let title = out.tone(Tone::Careful, "! Safe mode");
            out.line(&format!("{title}: {reason}"));
            out.line(&format!(
                "  {} open runs wait; `baton safe-mode --leave` lets them go on",
                view.waiting_runs
            ));
        }
        None => {
            let title = out.tone(Tone::Good, "✓ Not in safe mode");
            out.line(&title);
        }
    }
    for run in &view.quarantined {
        out.line(&format!(
            "  Run {} of {} is set aside: {}",
            run.number, run.workflow_name, run.reason
        ));
        out.line(&format!(
            "    `baton release {0}` lets it go on, `baton cancel {0}` ends it",
            run.number
        ));
    }
}
