//! The graphs of a run, of which those that ended can be kept as text.
//!
//! A long loop opens a graph for every round, and all of them stay: people look at them, and a failure may still take
//! their steps back. One that ended is packed: some hundred bytes that are shared by all copies of the run, written
//! to a snapshot as they are, and read again only when somebody asks for it.

use std::ops::{Index, IndexMut, Range};
use std::sync::{Arc, OnceLock};

use super::run::{At, FrameIx};
use super::state::{Frame, FramePhase};

/// All graphs of a run, by number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Frames {
    slots: Vec<Slot>,
    /// How many from the start are packed or were looked at.
    settled: usize,
}

#[derive(Debug, Clone)]
enum Slot {
    Open(Box<Frame>),
    Packed(Arc<Packed>),
}

/// A graph that ended.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) path: String,
    pub(crate) parent: Option<At>,
    text: Arc<[u8]>,
    range: Range<usize>,
    frame: OnceLock<Box<Frame>>,
}

impl Packed {
    /// The graph that `range` of `text` describes; it is not looked at before it is needed.
    pub(crate) fn new(
        path: String,
        parent: Option<At>,
        text: Arc<[u8]>,
        range: Range<usize>,
    ) -> Self {
        Self {
            path,
            parent,
            text,
            range,
            frame: OnceLock::new(),
        }
    }

    /// Its text.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text[self.range.clone()]
    }

    fn read(&self) -> Box<Frame> {
        // A snapshot is checked as a whole before it is used, and what was packed here was written here.
        Box::new(serde_json::from_slice(self.text()).expect("a packed graph can be read"))
    }
}

impl Frames {
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.slots.push(Slot::Open(Box::new(frame)));
    }

    pub(crate) fn push_packed(&mut self, packed: Packed) {
        self.slots.push(Slot::Packed(Arc::new(packed)));
    }

    pub(crate) fn first(&self) -> Option<&Frame> {
        (!self.slots.is_empty()).then(|| &self[0])
    }

    /// The step that the graph is a body of.
    pub(crate) fn parent(&self, frame: FrameIx) -> Option<At> {
        match &self.slots[frame] {
            Slot::Open(frame) => frame.parent,
            Slot::Packed(packed) => packed.parent,
        }
    }

    pub(crate) fn is_ended(&self, frame: FrameIx) -> bool {
        match &self.slots[frame] {
            Slot::Open(frame) => frame.phase == FramePhase::Ended,
            Slot::Packed(_) => true,
        }
    }

    /// A graph as text, if it is packed.
    pub(crate) fn packed(&self, frame: FrameIx) -> Option<&Arc<Packed>> {
        match &self.slots[frame] {
            Slot::Open(_) => None,
            Slot::Packed(packed) => Some(packed),
        }
    }

    /// Packs every graph that ended, and forgets what was read of those that are packed.
    pub(crate) fn pack(&mut self) {
        let mut text = Vec::new();
        let mut ranges = Vec::new();
        let mut settled = self.settled;
        for at in self.settled..self.slots.len() {
            let Slot::Open(frame) = &self.slots[at] else {
                continue;
            };
            // The run itself is looked at all the time.
            if at == 0 || frame.phase != FramePhase::Ended {
                continue;
            }
            let start = text.len();
            serde_json::to_writer(&mut text, frame).expect("a graph can be written as text");
            ranges.push((at, start..text.len()));
        }
        let text: Arc<[u8]> = text.into();
        for (at, range) in ranges {
            if let Slot::Open(frame) = &mut self.slots[at] {
                let path = std::mem::take(&mut frame.path);
                let packed = Packed::new(path, frame.parent, text.clone(), range);
                self.slots[at] = Slot::Packed(Arc::new(packed));
            }
        }
        while settled < self.slots.len() && (settled == 0 || self.packed(settled).is_some()) {
            settled += 1;
        }
        self.settled = settled;
        for slot in &mut self.slots {
            if let Slot::Packed(packed) = slot
                && packed.frame.get().is_some()
            {
                let (text, range) = (packed.text.clone(), packed.range.clone());
                *slot = Slot::Packed(Arc::new(Packed::new(
                    packed.path.clone(),
                    packed.parent,
                    text,
                    range,
                )));
            }
        }
    }
}

impl Index<FrameIx> for Frames {
    type Output = Frame;

    fn index(&self, at: FrameIx) -> &Frame {
        match &self.slots[at] {
            Slot::Open(frame) => frame,
            Slot::Packed(packed) => packed.frame.get_or_init(|| packed.read()),
        }
    }
}

impl IndexMut<FrameIx> for Frames {
    fn index_mut(&mut self, at: FrameIx) -> &mut Frame {
        self.settled = self.settled.min(at.max(1));
        let slot = &mut self.slots[at];
        if let Slot::Packed(packed) = slot {
            *slot = Slot::Open(packed.read());
        }
        match slot {
            Slot::Open(frame) => frame,
            Slot::Packed(_) => unreachable!("it was just opened"),
        }
    }
}
