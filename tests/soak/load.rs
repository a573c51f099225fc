//! The scripted load: what a process writes, so that whoever looks at the folder afterwards knows every byte that may
//! be in it. Everything follows from the id of a run and a position, nothing from time or chance.

use baton_core::machine::{Event, Logged, Outcome};
use baton_store::{Append, QuestionChanges, QuestionRow, RunRow};
use serde_json::json;

use crate::random::Chance;

/// Runs that are written at the same time, each by a task of its own.
pub(crate) const LANES: u32 = 4;

/// Batches of a run; the last one ends it.
pub(crate) const BATCHES: u32 = 9;

/// The key of the draft that is kept beside them.
pub(crate) const DRAFT: &str = "untitled:1";

fn chance(run: &str, what: u64) -> Chance {
    let id = run.bytes().fold(0u64, |sum, byte| {
        sum.wrapping_mul(0x0100_0000_01B3) ^ u64::from(byte)
    });
    Chance::new(id, what)
}

/// How many events the `index`-th batch of a run has.
fn batch_size(run: &str, index: u32) -> u32 {
    if index + 1 == BATCHES {
        return 1;
    }
    match chance(run, u64::from(index)).below(10) {
        0 => 40,
        few => few as u32,
    }
}

/// The positions at which the batches of a run end.
pub(crate) fn borders(run: &str) -> Vec<u32> {
    let mut last = 0;
    (0..BATCHES)
        .map(|index| {
            last += batch_size(run, index);
            last
        })
        .collect()
}

/// The artifact that an event of a run names, if it names one: every third batch begins with one.
pub(crate) fn artifact(run: &str, seq: u32) -> Option<Vec<u8>> {
    let index = borders(run).iter().position(|border| seq <= *border)? as u32;
    let first = if index == 0 {
        1
    } else {
        borders(run)[index as usize - 1] + 1
    };
    if seq != first || index % 3 != 1 {
        return None;
    }
    let mut chance = chance(run, 1_000_000 + u64::from(seq));
    let length = 200 + chance.index(12_000);
    Some((0..length).map(|_| chance.next() as u8).collect())
}

/// The event at a position of a run. `hash` names the artifact, if there is one.
pub(crate) fn event(run: &str, seq: u32, hash: Option<&str>) -> Logged {
    let is_last = borders(run).last() == Some(&seq);
    let event = if is_last {
        Event::RunEnded {
            outcome: Outcome::Succeeded,
            name: None,
            outputs: json!({ "run": run }),
            error: None,
        }
    } else {
        let mut chance = chance(run, 2_000_000 + u64::from(seq));
        let length = if chance.one_in(20) {
            6_000
        } else {
            20 + chance.index(400)
        };
        let letters = (0..length).map(|_| char::from(b'a' + chance.below(26) as u8));
        let text: String = letters.collect();
        Event::StepLogged {
            step: format!("step{}", seq % 7),
            level: "info".to_owned(),
            message: match hash {
                Some(hash) => format!("kept {hash} {text}"),
                None => text,
            },
        }
    };
    Logged {
        seq,
        at: 1_000_000 + i64::from(seq) * 10,
        event,
    }
}

/// The row of a run after `seq` events.
pub(crate) fn row(run: &str, seq: u32) -> RunRow {
    let has_ended = borders(run).last() == Some(&seq);
    RunRow {
        id: run.to_owned(),
        workflow: "soak".to_owned(),
        workflow_name: "Soak".to_owned(),
        digest: "d".to_owned(),
        status: if has_ended { "succeeded" } else { "running" }.to_owned(),
        started_at: 1_000_000,
        ended_at: has_ended.then_some(2_000_000),
        seq,
        ..RunRow::default()
    }
}

/// The batch that follows after `expected` events, if the run has not ended.
pub(crate) fn batch(run: &str, expected: u32, hash: Option<&str>) -> Option<Append> {
    let borders = borders(run);
    let index = borders.iter().position(|border| *border > expected)?;
    let last = borders[index];
    let events = (expected + 1..=last)
        .map(|seq| event(run, seq, hash.filter(|_| seq == expected + 1)))
        .collect();
    let mut questions = QuestionChanges::default();
    match index {
        2 => questions.put.push(QuestionRow {
            run: run.to_owned(),
            step: "ask".to_owned(),
            question: json!({ "of": run }),
            asked_at: 5,
            answers: json!([]),
            is_outcome: false,
        }),
        5 => questions.closed.push("ask".to_owned()),
        _ => {}
    }
    Some(Append {
        run: run.to_owned(),
        expected_seq: expected,
        summary: row(run, last),
        events,
        questions,
        waits: baton_store::WaitChanges::default(),
    })
}

/// The draft in its `version`-th version.
pub(crate) fn draft(version: u32) -> String {
    let mut chance = Chance::new(77, u64::from(version));
    let length = 50 + chance.index(3_000);
    let text: String = (0..length)
        .map(|_| char::from(b'a' + chance.below(26) as u8))
        .collect();
    format!("{version} {text}")
}
