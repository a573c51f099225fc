//! The hash chain of the log.
//!
//! Every event carries the hash of the event before it in the whole log, and its own. A change, a gap or a swap
//! anywhere but at the end shows. Cutting off the end and rewriting everything do not: that takes an anchor
//! outside the folder.

/// A hash of an event.
pub(crate) type Hash = [u8; 32];

/// What the first event of a log carries as the hash before it.
pub(crate) const GENESIS: Hash = [0; 32];

/// The parts of an event that its hash covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link<'a> {
    pub(crate) run: &'a str,
    pub(crate) seq: u32,
    pub(crate) at: i64,
    pub(crate) kind: &'a str,
    pub(crate) version: u32,
    pub(crate) payload: &'a str,
}

/// Hash of an event that follows the one with hash `before`. Texts are preceded by their length, so that no two
/// events have the same bytes. The place in the whole log is not part of it: the chain itself gives the order.
pub(crate) fn hash(before: &Hash, link: Link<'_>) -> Hash {
    hash_with(&mut Vec::new(), before, link)
}

/// As [`hash`], in memory that is used again.
pub(crate) fn hash_with(bytes: &mut Vec<u8>, before: &Hash, link: Link<'_>) -> Hash {
    bytes.clear();
    bytes.extend_from_slice(before);
    for text in [link.run, link.kind] {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(&link.seq.to_le_bytes());
    bytes.extend_from_slice(&link.at.to_le_bytes());
    bytes.extend_from_slice(&link.version.to_le_bytes());
    bytes.extend_from_slice(&(link.payload.len() as u64).to_le_bytes());
    if !crate::trial::has_bug("chain-skips-payload") {
        bytes.extend_from_slice(link.payload.as_bytes());
    }
    *blake3::hash(bytes).as_bytes()
}

/// A hash in hex.
pub(crate) fn hex(hash: &Hash) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link<'static> {
        Link {
            run: "r",
            seq: 1,
            at: 5,
            kind: "RunPaused",
            version: 1,
            payload: "{}",
        }
    }

    #[test]
    fn every_part_is_covered() {
        let whole = hash(&GENESIS, link());
        for changed in [
            Link { run: "s", ..link() },
            Link { seq: 2, ..link() },
            Link { at: 6, ..link() },
            Link {
                kind: "RunResumed",
                ..link()
            },
            Link {
                version: 2,
                ..link()
            },
            Link {
                payload: "[]",
                ..link()
            },
        ] {
            assert_ne!(hash(&GENESIS, changed), whole, "{changed:?}");
        }
        assert_ne!(hash(&whole, link()), whole);
    }

    #[test]
    fn a_border_between_texts_cannot_move() {
        let one = hash(
            &GENESIS,
            Link {
                run: "ab",
                kind: "c",
                ..link()
            },
        );
        let other = hash(
            &GENESIS,
            Link {
                run: "a",
                kind: "bc",
                ..link()
            },
        );
        assert_ne!(one, other);
    }

    /// The hash is part of the file format: a log that was written once must verify for ever.
    #[test]
    fn the_hash_never_changes() {
        assert_eq!(
            hex(&hash(&GENESIS, link())),
            "f2fc73007e00ace84bdf4ededecef1bc52e82d2326688011a54b99c3d0c38c74"
        );
    }
}
