//! The secrets of one server: token, one-time codes, sessions. Only their hashes are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use blake3::Hash;
use tokio::time::Instant;

/// How long a code can be exchanged.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(60);
/// Codes that wait at the same time; the oldest gives way.
const MAX_CODES: usize = 16;
/// Sessions at the same time; the one that was used least recently gives way.
const MAX_SESSIONS: usize = 64;

/// Who may ask what.
pub(crate) struct Access {
    token: String,
    token_hash: Hash,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Oldest first.
    codes: Vec<(Hash, Instant)>,
    /// Least recently used first.
    sessions: Vec<Hash>,
}

impl Access {
    /// A new token, and no codes or sessions.
    pub(crate) fn new() -> Self {
        let token = secret();
        Self {
            token_hash: hash(&token),
            token,
            inner: Mutex::default(),
        }
    }

    /// The token, for the file that programs read.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Whether this is the token.
    pub(crate) fn is_token(&self, candidate: &str) -> bool {
        // Comparing two blake3 hashes takes the same time wherever they differ.
        hash(candidate) == self.token_hash
    }

    /// Proves to a program that this server knows the token, without saying it.
    pub(crate) fn prove(&self, challenge: &str) -> String {
        proof_of(&self.token, challenge)
    }

    /// Makes a code.
    pub(crate) fn mint_code(&self) -> String {
        let code = secret();
        let now = Instant::now();
        let mut inner = self.lock();
        inner
            .codes
            .retain(|(_, made)| now.duration_since(*made) < CODE_LIFE);
        if inner.codes.len() >= MAX_CODES {
            inner.codes.remove(0);
        }
        inner.codes.push((hash(&code), now));
        code
    }

    /// Exchanges a code for a session, once and in time.
    pub(crate) fn exchange(&self, code: &str) -> Option<String> {
        let code = hash(code);
        let now = Instant::now();
        let mut inner = self.lock();
        let place = inner.codes.iter().position(|(known, _)| *known == code)?;
        let (_, made) = inner.codes.remove(place);
        if now.duration_since(made) >= CODE_LIFE {
            return None;
        }
        let session = secret();
        if inner.sessions.len() >= MAX_SESSIONS {
            inner.sessions.remove(0);
        }
        inner.sessions.push(hash(&session));
        Some(session)
    }

    /// Whether this is a session.
    pub(crate) fn is_session(&self, candidate: &str) -> bool {
        let candidate = hash(candidate);
        let mut inner = self.lock();
        let Some(place) = inner.sessions.iter().position(|known| *known == candidate) else {
            return false;
        };
        inner.sessions[place..].rotate_left(1);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change leaves the two lists whole, so a panic elsewhere does not spoil them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What only somebody who knows the token can answer to a challenge.
fn proof_of(token: &str, challenge: &str) -> String {
    blake3::keyed_hash(hash(token).as_bytes(), challenge.as_bytes()).to_string()
}

/// 256 bits from the generator that the operating system seeds, in hexadecimal.
fn secret() -> String {
    Hash::from_bytes(rand::random()).to_string()
}

fn hash(text: &str) -> Hash {
    blake3::hash(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_code_is_good_once_and_for_a_minute() {
        let access = Access::new();
        let code = access.mint_code();
        let session = access.exchange(&code).unwrap();
        assert!(access.is_session(&session));
        assert_eq!(access.exchange(&code), None, "a second time");

        let late = access.mint_code();
        tokio::time::advance(CODE_LIFE).await;
        assert_eq!(access.exchange(&late), None, "too late");
    }

    #[test]
    fn too_many_codes_push_out_the_oldest() {
        let access = Access::new();
        let first = access.mint_code();
        let second = access.mint_code();
        for _ in 1..MAX_CODES {
            access.mint_code();
        }
        assert_eq!(access.exchange(&first), None);
        assert!(access.exchange(&second).is_some());
    }

    #[test]
    fn the_session_in_use_outlives_those_that_are_not() {
        let access = Access::new();
        let used = access.exchange(&access.mint_code()).unwrap();
        let idle = access.exchange(&access.mint_code()).unwrap();
        assert!(access.is_session(&used));
        for _ in 2..=MAX_SESSIONS {
            access.exchange(&access.mint_code()).unwrap();
        }
        assert!(access.is_session(&used));
        assert!(!access.is_session(&idle));
    }

    #[test]
    fn secrets_differ_and_do_not_stand_for_one_another() {
        let access = Access::new();
        let code = access.mint_code();
        assert_eq!(code.len(), 64);
        assert!(!access.is_token(&code) && !access.is_session(&code));
        assert!(!access.is_session(access.token()));
        assert!(access.is_token(access.token()));
        assert_ne!(access.prove("a"), access.prove("b"));
        assert_ne!(access.prove("a"), Access::new().prove("a"));
    }
}
