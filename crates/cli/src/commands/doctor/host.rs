//! What happened to the computer while Baton was at work.

use baton_api::host::HostLog;

use super::{Finding, State};
use crate::words::instant;

/// How many notes are listed.
const LISTED: usize = 3;

/// The last sleeps of the computer and changes of its clock.
pub(super) fn findings(log: &HostLog) -> Vec<Finding> {
    log.notes
        .iter()
        .take(LISTED)
        .map(|note| {
            let said = format!("{}: {}", instant(note.at), note.text);
            let finding = Finding::new("computer", State::Note, said);
            if note.what == "clock-set-back" {
                finding.hint("let the computer keep its clock by a time server")
            } else {
                finding
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use baton_api::host::HostNote;

    use super::*;

    #[test]
    fn the_last_jumps_are_told_with_a_way_out() {
        let note = |what: &str| HostNote {
            at: 1_800_000_000_000,
            what: what.to_owned(),
            ms: 3_600_000,
            text: "it was so".to_owned(),
        };
        let notes = vec![
            note("clock-set-back"),
            note("resumed"),
            note("resumed"),
            note("resumed"),
        ];
        let found = findings(&HostLog { notes });
        assert_eq!(found.len(), 3);
        assert!(found[0].hint.is_some() && found[1].hint.is_none());
        assert!(
            found[0].message.ends_with("it was so"),
            "{}",
            found[0].message
        );
    }
}
