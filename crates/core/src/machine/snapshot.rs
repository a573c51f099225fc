//! The state of a run as bytes, so that a replay need not begin at the first event.
//!
//! A snapshot is a shortcut, never a truth: it is made from the log, is thrown away whenever it does not fit, and
//! replaying the rest of the log from it gives the same run as replaying all of it. It fits only the build that made
//! it: [`state_format`] is a digest of what the state looks like and how events change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::budget::Spent;
use super::frames::{Frames, Packed};
use super::pending::Touched;
use super::plan::Plan;
use super::run::{At, Ended, FrameIx, Run, Started, Todo};
use super::state::{Frame, Signal};
use crate::Millis;

/// Everything that decides what the state of a run is.
const SOURCES: &[&str] = &[
    include_str!("apply.rs"),
    include_str!("budget.rs"),
    include_str!("event.rs"),
    include_str!("frames.rs"),
    include_str!("plan.rs"),
    include_str!("progress.rs"),
    include_str!("run.rs"),
    include_str!("snapshot.rs"),
    include_str!("state.rs"),
];

static FORMAT: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = blake3::Hasher::new();
    for source in SOURCES {
        hasher.update(source.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
});

/// Which builds can read the snapshots of this one: those that say the same.
pub fn state_format() -> &'static str {
    &FORMAT
}

/// Why bytes are not the state of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The file ends early or was changed.
    #[error("the snapshot is damaged")]
    Damaged,
    /// Another build made it.
    #[error("the snapshot was made by another build")]
    Foreign,
    /// It is of a run of another definition.
    #[error("the snapshot belongs to another definition")]
    OtherDefinition,
}

/// All of a run but its graphs and its definition.
#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    digest: String,
    seq: u32,
    at: Millis,
    started: Option<Started>,
    agenda: BTreeSet<Todo>,
    active: BTreeSet<At>,
    completed: Vec<At>,
    compensating: BTreeSet<FrameIx>,
    signals: Vec<Signal>,
    signal_ids: BTreeSet<String>,
    paused: bool,
    spent: Spent,
    cancel: Option<bool>,
    outcome_name: Option<String>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    end_outputs: Option<Value>,
    ended: Option<Ended>,
    /// One per graph that is not packed, by number.
    open: BTreeMap<FrameIx, Frame>,
    /// One per packed graph, in order.
    packed: Vec<Place>,
}

/// A packed graph: its path, its parent, and the length of its text.
type Place = (String, Option<At>, usize);

/// `null` is a value here, not the lack of one.
pub(super) fn present<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(from).map(Some)
}

const HASH: usize = blake3::OUT_LEN;
const LENGTH: usize = size_of::<u64>();

/// Keeps the graphs of `run` that ended as text: less memory, and copies of the run share it. Nothing else changes.
pub fn compact(run: &mut Run) {
    run.frames.pack();
}

/// The state of `run` as bytes. Its graphs that ended are packed by it.
pub fn snapshot(run: &mut Run) -> Vec<u8> {
    compact(run);
    let Run {
        plan,
        seq,
        at,
        started,
        frames,
        // Follows from the graphs.
        frame_by_path: _,
        agenda,
        active,
        completed,
        compensating,
        signals,
        signal_ids,
        paused,
        spent,
        cancel,
        outcome_name,
        end_outputs,
        ended,
        // No part of what the run is.
        touched: _,
    } = &*run;
    let mut open = BTreeMap::new();
    let mut packed = Vec::new();
    let mut texts = Vec::new();
    for frame in 0..frames.len() {
        match frames.packed(frame) {
            Some(one) => {
                packed.push((one.path.clone(), one.parent, one.text().len()));
                texts.push(one.clone());
            }
            None => {
                open.insert(frame, frames[frame].clone());
            }
        }
    }
    let head = Head {
        format: state_format().to_owned(),
        digest: plan.digest().to_owned(),
        seq: *seq,
        at: *at,
        started: started.clone(),
        agenda: agenda.clone(),
        active: active.clone(),
        completed: completed.clone(),
        compensating: compensating.clone(),
        signals: signals.clone(),
        signal_ids: signal_ids.clone(),
        paused: *paused,
        spent: spent.clone(),
        cancel: *cancel,
        outcome_name: outcome_name.clone(),
        end_outputs: end_outputs.clone(),
        ended: ended.clone(),
        open,
        packed,
    };
    let head = serde_json::to_vec(&head).expect("a state can be written as text");
    let length: usize = texts.iter().map(|one| one.text().len()).sum();
    let mut bytes = Vec::with_capacity(HASH + LENGTH + head.len() + length);
    bytes.extend([0; HASH]);
    bytes.extend((head.len() as u64).to_le_bytes());
    bytes.extend(head);
    for one in &texts {
        bytes.extend(one.text());
    }
    let hash = blake3::hash(&bytes[HASH..]);
    bytes[..HASH].copy_from_slice(hash.as_bytes());
    bytes
}

/// The run that `bytes` are a snapshot of.
///
/// # Errors
///
/// [`SnapshotError`]: they do not fit; replay the log from its start.
pub fn restore(plan: &Arc<Plan>, bytes: Vec<u8>) -> Result<Run, SnapshotError> {
    let (hash, rest) = bytes.split_at_checked(HASH).ok_or(SnapshotError::Damaged)?;
    if blake3::hash(rest).as_bytes() != hash {
        return Err(SnapshotError::Damaged);
    }
    let (length, rest) = rest
        .split_first_chunk::<LENGTH>()
        .ok_or(SnapshotError::Damaged)?;
    let length =
        usize::try_from(u64::from_le_bytes(*length)).map_err(|_| SnapshotError::Damaged)?;
    let head = rest.get(..length).ok_or(SnapshotError::Damaged)?;
    // Another build may describe a state in another way: that it is another one is all that can be said then.
    let head: Head = serde_json::from_slice(head).map_err(|_| SnapshotError::Foreign)?;
    if head.format != state_format() {
        return Err(SnapshotError::Foreign);
    }
    if head.digest != plan.digest() {
        return Err(SnapshotError::OtherDefinition);
    }
    let mut at = HASH + LENGTH + length;
    let text: Arc<[u8]> = bytes.into();
    let Head {
        format: _,
        digest: _,
        seq,
        at: instant,
        started,
        agenda,
        active,
        completed,
        compensating,
        signals,
        signal_ids,
        paused,
        spent,
        cancel,
        outcome_name,
        end_outputs,
        ended,
        open,
        packed,
    } = head;
    let mut frames = Frames::default();
    let mut paths = Vec::with_capacity(open.len() + packed.len());
    let (mut open, mut packed) = (open.into_iter().peekable(), packed.into_iter());
    loop {
        if let Some((frame, state)) = open.next_if(|(frame, _)| *frame == frames.len()) {
            paths.push((state.path.clone(), frame));
            frames.push(state);
        } else if let Some((path, parent, length)) = packed.next() {
            let range = at..at + length;
            if range.end > text.len() {
                return Err(SnapshotError::Damaged);
            }
            at = range.end;
            paths.push((path.clone(), frames.len()));
            frames.push_packed(Packed::new(path, parent, text.clone(), range));
        } else {
            break;
        }
    }
    Ok(Run {
        plan: plan.clone(),
        seq,
        at: instant,
        started,
        frames,
        frame_by_path: paths.into_iter().collect(),
        agenda,
        active,
        completed,
        compensating,
        signals,
        signal_ids,
        paused,
        spent,
        cancel,
        outcome_name,
        end_outputs,
        ended,
        touched: Touched::All,
    })
}
