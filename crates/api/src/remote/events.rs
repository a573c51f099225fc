//! The stream of events of a server: lines of text, each event one line of JSON behind `data:`.

use std::time::Duration;

use reqwest::Response;

use crate::events::BackendEvent;

/// A server says something at least every 15 s: longer silence is the end.
const SILENCE: Duration = Duration::from_secs(45);
/// The longest event: that of a run carries at most 200 of its log.
const MAX_LINE: usize = 32 << 20;

/// What changes at a server.
#[derive(Debug)]
pub struct Events {
    answer: Response,
    lines: Lines,
}

impl Events {
    pub(super) fn new(answer: Response) -> Self {
        Self {
            answer,
            lines: Lines::default(),
        }
    }

    /// What comes next; `None`: the stream is over, and what happens from now on is missed. What this Baton does not
    /// understand, of a newer one, is told as [`BackendEvent::Lagged`]: reading again is always right.
    pub async fn next(&mut self) -> Option<BackendEvent> {
        loop {
            if let Some(text) = self.lines.next() {
                return Some(serde_json::from_str(&text).unwrap_or_else(|error| {
                    tracing::debug!(%error, "an event of another Baton is not understood");
                    BackendEvent::Lagged
                }));
            }
            match tokio::time::timeout(SILENCE, self.answer.chunk()).await {
                Ok(Ok(Some(piece))) => {
                    if !self.lines.take(&piece) {
                        tracing::warn!("an event of another Baton is too long");
                        return None;
                    }
                }
                Ok(Ok(None)) | Err(_) => return None,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "the stream of another Baton broke");
                    return None;
                }
            }
        }
    }
}

/// What was read and not yet told.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Up to here there is no end of a line.
    looked: usize,
    /// The lines of the event that is being read.
    event: Vec<String>,
}

impl Lines {
    /// `false`: it is more than an event may have.
    fn take(&mut self, piece: &[u8]) -> bool {
        self.bytes.extend_from_slice(piece);
        self.bytes.len() <= MAX_LINE
    }

    /// The data of the next event that is whole.
    fn next(&mut self) -> Option<String> {
        loop {
            let rest = self.bytes.get(self.looked..).unwrap_or_default();
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                self.looked = self.bytes.len();
                return None;
            };
            let line: Vec<u8> = self.bytes.drain(..=self.looked + end).collect();
            self.looked = 0;
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(data) = line.strip_prefix("data:") {
                self.event
                    .push(data.strip_prefix(' ').unwrap_or(data).to_owned());
            } else if line.is_empty() && !self.event.is_empty() {
                return Some(std::mem::take(&mut self.event).join("\n"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pieces: &[&str]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for piece in pieces {
            assert!(lines.take(piece.as_bytes()));
            all.extend(std::iter::from_fn(|| lines.next()));
        }
        all
    }

    #[test]
    fn events_are_told_whole_however_they_arrive() {
        let text = ": connected\n\ndata: {\"type\":\"lagged\"}\n\ndata:a\r\ndata: b\r\n\r\nid: 1\n\ndata: not whole";
        let expected = ["{\"type\":\"lagged\"}", "a\nb"];
        assert_eq!(told(&[text]), expected);
        let letters: Vec<String> = text.chars().map(String::from).collect();
        let letters: Vec<&str> = letters.iter().map(String::as_str).collect();
        assert_eq!(told(&letters), expected);
    }

    #[test]
    fn an_event_without_end_is_not_kept() {
        let mut lines = Lines::default();
        let piece = vec![b'x'; MAX_LINE / 2];
        assert!(lines.take(&piece) && lines.next().is_none());
        assert!(lines.take(&piece) && lines.next().is_none());
        assert!(!lines.take(b"x"));
    }
}
