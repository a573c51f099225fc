//! The secrets of one server: token, one-time codes, sessions. Only their hashes are kept.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use baton_api::users::TokenShown;
use blake3::Hash;
use tokio::time::Instant;

/// How long a code can be exchanged.
pub(crate) const CODE_LIFE: Duration = Duration::from_secs(60);
/// Codes that wait at the same time; the oldest gives way.
const MAX_CODES: usize = 16;
/// Sessions at the same time; the one that was used least recently gives way.
const MAX_SESSIONS: usize = 512;
/// A session that is not used for so long is over.
const IDLE: Duration = Duration::from_secs(24 * 3_600);

/// Who a session was opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Whoever has the account that the server runs in: came by its link.
    Owner,
    /// Whoever has this token. Whether it is still good is asked with every request.
    Token(TokenShown),
}

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
    sessions: Vec<Session>,
}

struct Session {
    hash: Hash,
    holder: Holder,
    used: Instant,
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

    /// Tells this server from another one; says nothing about the token.
    pub(crate) fn id(&self) -> String {
        self.prove("id")
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
        self.take_code(code).then(|| self.open(Holder::Owner))
    }

    /// Whether this is a code that is still good; it is not afterwards.
    fn take_code(&self, code: &str) -> bool {
        let code = hash(code);
        let now = Instant::now();
        let mut inner = self.lock();
        let Some(place) = inner.codes.iter().position(|(known, _)| *known == code) else {
            return false;
        };
        let (_, made) = inner.codes.remove(place);
        now.duration_since(made) < CODE_LIFE
    }

    /// Opens a session.
    pub(crate) fn open(&self, holder: Holder) -> String {
        let session = secret();
        let used = Instant::now();
        let mut inner = self.lock();
        inner
            .sessions
            .retain(|session| used.duration_since(session.used) < IDLE);
        if inner.sessions.len() >= MAX_SESSIONS {
            inner.sessions.remove(0);
        }
        inner.sessions.push(Session {
            hash: hash(&session),
            holder,
            used,
        });
        session
    }

    /// Who this session was opened for, if it is one.
    pub(crate) fn holder(&self, candidate: &str) -> Option<Holder> {
        let candidate = hash(candidate);
        let now = Instant::now();
        let mut inner = self.lock();
        let place = inner
            .sessions
            .iter()
            .position(|known| known.hash == candidate)?;
        if now.duration_since(inner.sessions[place].used) >= IDLE {
            inner.sessions.remove(place);
            return None;
        }
        inner.sessions[place].used = now;
        inner.sessions[place..].rotate_left(1);
        inner.sessions.last().map(|session| session.holder.clone())
    }

    /// Ends a session.
    pub(crate) fn close(&self, candidate: &str) {
        let candidate = hash(candidate);
        self.lock().sessions.retain(|known| known.hash != candidate);
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
        assert_eq!(access.holder(&session), Some(Holder::Owner));
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
        assert!(access.holder(&used).is_some());
        for _ in 2..=MAX_SESSIONS {
            access.exchange(&access.mint_code()).unwrap();
        }
        assert!(access.holder(&used).is_some());
        assert!(access.holder(&idle).is_none());
    }

    #[test]
    fn secrets_differ_and_do_not_stand_for_one_another() {
        let access = Access::new();
        let code = access.mint_code();
        assert_eq!(code.len(), 64);
        assert!(!access.is_token(&code) && access.holder(&code).is_none());
        assert!(access.holder(access.token()).is_none());
        assert!(access.is_token(access.token()));
        assert_ne!(access.prove("a"), access.prove("b"));
        assert_ne!(access.prove("a"), Access::new().prove("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_by_itself_and_by_signing_out() {
        let access = Access::new();
        let shown = TokenShown {
            id: "0a1b2c3d".to_owned(),
            hash: "x".to_owned(),
        };
        let session = access.open(Holder::Token(shown.clone()));
        assert_eq!(access.holder(&session), Some(Holder::Token(shown)));
        access.close(&session);
        assert_eq!(access.holder(&session), None);

        let idle = access.open(Holder::Owner);
        tokio::time::advance(IDLE).await;
        assert_eq!(access.holder(&idle), None);
    }
}
