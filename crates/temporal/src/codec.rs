//! Encryption of everything that a run carries: AES-256-GCM, with the name of the key beside it.
//!
//! A file of keys has a line `name:hex` for each key, 64 hex digits. The first is for writing, all are for reading, so
//! that keys can change while runs are open. What the cluster shows without a key: names of steps, times, search
//! attributes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use temporalio_common::data_converters::{
    DataConverter, DefaultFailureConverter, PayloadCodec, PayloadConversionError, PayloadConverter,
    SerializationContextData,
};
use temporalio_common::protos::temporal::api::common::v1::Payload;

/// What the metadata `encoding` of an encrypted payload says.
pub const ENCODING: &[u8] = b"binary/encrypted";
const ENCODING_NAME: &str = "encoding";
const KEY_NAME: &str = "encryption-key-id";

/// Why payloads cannot be encrypted or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file of keys cannot be read.
    #[error("the file of keys `{path}` cannot be read: {source}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A line of it is no key.
    #[error("line {line} of `{path}` is not `name:` and 64 hex digits")]
    Line {
        /// The file.
        path: String,
        /// Which line, from 1.
        line: usize,
    },
    /// There is no key in it.
    #[error("there is no key in `{0}`: write a line `name:` and 64 hex digits")]
    Empty(String),
    /// A payload was written with another key.
    #[error("the key `{0}` is not in the file of keys")]
    Unknown(String),
    /// A payload was changed, or the key of that name is another one.
    #[error("a value cannot be decrypted with the key `{0}`")]
    Damaged(String),
    /// There is no chance on this machine.
    #[error("the system gives no random bytes")]
    NoChance,
}

/// Keys by name.
#[derive(Debug)]
pub struct Keys {
    first: String,
    all: BTreeMap<String, LessSafeKey>,
    chance: SystemRandom,
}

impl Keys {
    /// The keys in the file at `path`.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or a line of it is no key.
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| KeyError::File {
            path: shown.clone(),
            source,
        })?;
        Self::parse(&text, &shown)
    }

    fn parse(text: &str, path: &str) -> Result<Self, KeyError> {
        let mut first = None;
        let mut all = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = line.split_once(':').and_then(|(name, hex)| {
                let bytes = unhex(hex.trim())?;
                let key = UnboundKey::new(&AES_256_GCM, &bytes).ok()?;
                Some((name.trim().to_owned(), LessSafeKey::new(key)))
            });
            let (name, key) = key.ok_or_else(|| KeyError::Line {
                path: path.to_owned(),
                line: at + 1,
            })?;
            first.get_or_insert_with(|| name.clone());
            all.insert(name, key);
        }
        let first = first.ok_or_else(|| KeyError::Empty(path.to_owned()))?;
        Ok(Self {
            first,
            all,
            chance: SystemRandom::new(),
        })
    }

    fn encrypt(&self, payload: &Payload) -> Result<Payload, KeyError> {
        use prost::Message as _;
        let key = &self.all[&self.first];
        let mut nonce = [0; NONCE_LEN];
        self.chance
            .fill(&mut nonce)
            .map_err(|_| KeyError::NoChance)?;
        let mut sealed = payload.encode_to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(self.first.as_bytes()),
            &mut sealed,
        )
        .map_err(|_| KeyError::Damaged(self.first.clone()))?;
        let mut data = nonce.to_vec();
        data.extend(sealed);
        Ok(Payload {
            metadata: [
                (ENCODING_NAME.to_owned(), ENCODING.to_vec()),
                (KEY_NAME.to_owned(), self.first.clone().into_bytes()),
            ]
            .into(),
            data,
            ..Payload::default()
        })
    }

    fn decrypt(&self, payload: Payload) -> Result<Payload, KeyError> {
        use prost::Message as _;
        if payload.metadata.get(ENCODING_NAME).map(Vec::as_slice) != Some(ENCODING) {
            return Ok(payload);
        }
        let name = payload.metadata.get(KEY_NAME).cloned().unwrap_or_default();
        let name = String::from_utf8_lossy(&name).into_owned();
        let Some(key) = self.all.get(&name) else {
            return Err(KeyError::Unknown(name));
        };
        let damaged = || KeyError::Damaged(name.clone());
        let (nonce, sealed) = payload
            .data
            .split_at_checked(NONCE_LEN)
            .ok_or_else(damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let mut sealed = sealed.to_vec();
        let open = key
            .open_in_place(nonce, Aad::from(name.as_bytes()), &mut sealed)
            .map_err(|_| damaged())?;
        Payload::decode(&*open).map_err(|_| damaged())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok())
        .collect()
}

/// Encrypts and decrypts with [`Keys`].
#[derive(Debug, Clone)]
pub struct Encryption(Arc<Keys>);

impl PayloadCodec for Encryption {
    fn encode(
        &self,
        _context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let keys = self.0.clone();
        async move {
            let encrypted = payloads.into_iter().map(|one| keys.encrypt(&one));
            encrypted.collect::<Result<_, _>>().map_err(conversion)
        }
        .boxed()
    }

    fn decode(
        &self,
        _context: &SerializationContextData,
        payloads: Vec<Payload>,
    ) -> BoxFuture<'static, Result<Vec<Payload>, PayloadConversionError>> {
        let keys = self.0.clone();
        async move {
            let clear = payloads.into_iter().map(|one| keys.decrypt(one));
            clear.collect::<Result<_, _>>().map_err(conversion)
        }
        .boxed()
    }
}

fn conversion(error: KeyError) -> PayloadConversionError {
    PayloadConversionError::EncodingError(Box::new(error))
}

/// How values travel: plain, or encrypted with `keys`, error messages included.
pub fn converter(keys: Option<Keys>) -> DataConverter {
    match keys {
        None => DataConverter::default(),
        Some(keys) => DataConverter::new(
            PayloadConverter::default(),
            DefaultFailureConverter::new(true),
            Encryption(Arc::new(keys)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(lines: &[&str]) -> Keys {
        Keys::parse(&lines.join("\n"), "keys").unwrap()
    }

    fn secret() -> Payload {
        Payload {
            data: b"\"the secret\"".to_vec(),
            ..Payload::default()
        }
    }

    const OLD: &str = "old:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const NEW: &str = "new:ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn what_was_written_with_an_old_key_is_read_with_both() {
        let sealed = keys(&[OLD]).encrypt(&secret()).unwrap();
        let text = String::from_utf8_lossy(&sealed.data).into_owned();
        assert!(!text.contains("secret"));
        assert_eq!(keys(&[NEW, OLD]).decrypt(sealed.clone()).unwrap(), secret());
        let error = keys(&[NEW]).decrypt(sealed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the key `old` is not in the file of keys"
        );
    }

    #[test]
    fn a_changed_value_is_refused() {
        let mut sealed = keys(&[OLD]).encrypt(&secret()).unwrap();
        *sealed.data.last_mut().unwrap() ^= 1;
        let error = keys(&[OLD]).decrypt(sealed).unwrap_err();
        assert!(matches!(error, KeyError::Damaged(name) if name == "old"));
    }

    #[test]
    fn a_plain_value_stays_readable() {
        assert_eq!(keys(&[OLD]).decrypt(secret()).unwrap(), secret());
    }

    #[test]
    fn a_line_that_is_no_key_is_named() {
        let error = Keys::parse("# keys\n\nshort:00ff\n", "keys").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 3 of `keys` is not `name:` and 64 hex digits"
        );
    }
}
