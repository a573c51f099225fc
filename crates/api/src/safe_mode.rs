//! The breaker of a loop of crashes: starts are noted, and after the third that ended unexpectedly within ten minutes
//! nothing goes on by itself any more.

use baton_core::Millis;
use baton_engine::TakeUp;
use baton_store::{QuarantineRow, RunRow, StartRow, Store, TakingUp};

use crate::error::ApiError;

/// Starts that are looked back on.
const WINDOW_MS: Millis = 10 * 60 * 1_000;
/// Unexpected ends in a row that lead to safe mode.
const ENDS: usize = 3;
/// The same, if runs were being taken up each time: then it is clear what ends the program.
const ENDS_TAKING_UP: usize = 2;
/// `on`: safe mode whatever happened; `off`: never.
const VARIABLE: &str = "BATON_SAFE_MODE";

/// What a start found.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Number of this start.
    pub(crate) start: i64,
    /// Which runs may go on by themselves.
    pub(crate) take_up: TakeUp,
    /// Why it is in safe mode, if it is.
    pub(crate) safe: Option<String>,
}

/// Notes a start, and decides whether runs may go on by themselves. A run that ended the program is set aside.
pub(crate) async fn begin(store: &Store, now: Millis) -> Result<Begun, ApiError> {
    let starts = store.starts().await?;
    let wanted = std::env::var(VARIABLE).ok();
    let open = store.open_runs().await?;
    let finding = find(&starts, &open, now, wanted.as_deref());
    for run in &finding.suspects {
        let row = QuarantineRow {
            run: run.clone(),
            at: now,
            reason: format!(
                "Baton ended unexpectedly while it took this run up, {} times in a row",
                finding.ends
            ),
        };
        tracing::error!(run, "the run is set aside: {}", row.reason);
        store.quarantine_put(&row).await?;
    }
    if let Some(reason) = &finding.safe {
        tracing::error!("safe mode: {reason}");
    }
    let start = starts.first().map_or(1, |last| last.id + 1);
    store
        .start_began(&StartRow {
            id: start,
            at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ended_at: None,
            taking_up: None,
            // What a variable asks for holds for this start only.
            is_safe: finding.safe.is_some() && wanted.is_none(),
            forgiven: false,
        })
        .await?;
    Ok(Begun {
        start,
        take_up: finding.take_up,
        safe: finding.safe,
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Finding {
    take_up: TakeUp,
    safe: Option<String>,
    suspects: Vec<String>,
    ends: usize,
}

/// `starts`: newest first, without this one.
fn find(starts: &[StartRow], open: &[RunRow], now: Millis, wanted: Option<&str>) -> Finding {
    let unexpected: Vec<&StartRow> = starts
        .iter()
        .take_while(|start| {
            start.ended_at.is_none() && !start.forgiven && now - start.at <= WINDOW_MS
        })
        .collect();
    let ends = unexpected.len();
    let taking_up = unexpected
        .iter()
        .take_while(|start| start.taking_up.is_some())
        .count();
    let stays_safe = starts
        .first()
        .is_some_and(|last| last.is_safe && !last.forgiven);
    let safe = match wanted {
        Some("off") => None,
        Some("on") => Some(format!("the variable {VARIABLE} asks for it")),
        _ if ends >= ENDS => Some(format!(
            "Baton ended unexpectedly {ends} times within ten minutes"
        )),
        _ if taking_up >= ENDS_TAKING_UP => Some(format!(
            "Baton ended unexpectedly {ends} times within ten minutes, each time while it took runs up"
        )),
        _ if stays_safe => Some("nobody has left safe mode since the last start".to_owned()),
        _ => None,
    };
    let last = unexpected.first().and_then(|last| last.taking_up.as_ref());
    let is_open = |run: &String| open.iter().any(|row| row.id == *run);
    let suspects = match last.filter(|_| safe.is_some()) {
        Some(TakingUp::One(run)) => vec![run.clone()],
        // Among several it is not known which; a single one it was.
        Some(TakingUp::All) if open.len() == 1 => vec![open[0].id.clone()],
        Some(TakingUp::All) | None => Vec::new(),
    };
    let take_up = if safe.is_some() {
        TakeUp::None
    } else if last.is_some() {
        TakeUp::OneByOne
    } else {
        TakeUp::All
    };
    Finding {
        take_up,
        safe,
        suspects: suspects.into_iter().filter(is_open).collect(),
        ends,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_000_000_000;

    fn start(ago_s: i64, taking_up: Option<TakingUp>) -> StartRow {
        StartRow {
            id: NOW - ago_s,
            at: NOW - ago_s * 1_000,
            version: String::new(),
            ended_at: None,
            taking_up,
            is_safe: false,
            forgiven: false,
        }
    }

    fn one(run: &str) -> Option<TakingUp> {
        Some(TakingUp::One(run.to_owned()))
    }

    fn open(ids: &[&str]) -> Vec<RunRow> {
        let row = |id: &&str| RunRow {
            id: (*id).to_owned(),
            ..RunRow::default()
        };
        ids.iter().map(row).collect()
    }

    #[test]
    fn after_one_end_in_the_middle_runs_are_taken_up_one_by_one() {
        let starts = [start(9, Some(TakingUp::All)), start(20, None)];
        let finding = find(&starts, &open(&["a", "b"]), NOW, None);
        assert_eq!(finding.take_up, TakeUp::OneByOne);
        assert_eq!((finding.safe, finding.suspects), (None, vec![]));
    }

    #[test]
    fn the_third_end_leads_to_safe_mode_and_the_run_is_set_aside() {
        let starts = [
            start(5, one("b")),
            start(9, Some(TakingUp::All)),
            start(20, None),
        ];
        let finding = find(&starts, &open(&["a", "b"]), NOW, None);
        assert_eq!(finding.take_up, TakeUp::None);
        assert_eq!(finding.suspects, ["b"]);
        assert!(finding.safe.is_some_and(|why| why.contains("3 times")));
    }

    #[test]
    fn two_ends_suffice_if_it_is_clear_what_leads_to_them() {
        let starts = [start(5, one("b")), start(9, Some(TakingUp::All))];
        let finding = find(&starts, &open(&["a", "b"]), NOW, None);
        assert_eq!(finding.suspects, ["b"]);
        let starts = [start(5, None), start(9, None)];
        assert_eq!(find(&starts, &[], NOW, None).take_up, TakeUp::All);
    }

    #[test]
    fn ends_long_ago_forgiven_ones_and_proper_ones_do_not_count() {
        let poison = || one("b");
        let old = [
            start(5, poison()),
            start(601, poison()),
            start(602, poison()),
        ];
        assert_eq!(find(&old, &open(&["b"]), NOW, None).safe, None);
        let mut forgiven = [start(5, poison()), start(6, poison()), start(7, poison())];
        for start in &mut forgiven {
            start.forgiven = true;
        }
        assert_eq!(find(&forgiven, &open(&["b"]), NOW, None).safe, None);
        let mut proper = [start(5, None), start(6, poison()), start(7, poison())];
        proper[0].ended_at = Some(NOW);
        assert_eq!(find(&proper, &open(&["b"]), NOW, None).safe, None);
    }

    #[test]
    fn safe_mode_stays_until_it_is_left() {
        let mut last = start(5_000, None);
        last.ended_at = Some(NOW);
        last.is_safe = true;
        assert_eq!(
            find(std::slice::from_ref(&last), &[], NOW, None).take_up,
            TakeUp::None
        );
        last.forgiven = true;
        assert_eq!(find(&[last], &[], NOW, None).take_up, TakeUp::All);
    }

    #[test]
    fn a_person_can_ask_for_safe_mode_and_forbid_it() {
        let starts = [start(5, one("b")), start(6, one("b")), start(7, one("b"))];
        assert_eq!(find(&[], &[], NOW, Some("on")).take_up, TakeUp::None);
        let off = find(&starts, &open(&["b"]), NOW, Some("off"));
        assert_eq!((off.safe, off.suspects), (None, vec![]));
    }
}
