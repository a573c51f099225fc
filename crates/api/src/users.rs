//! Users of a server: adding and removing them, their roles and their tokens.

use baton_core::Millis;
use blake3::Hash;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::caller::{Caller, Role};

/// Add a user.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UserAdd {
    /// The name: letters, digits, `.`, `_`, `-` and `@`, at most 64.
    pub name: String,
    /// What the user may do; at least one.
    pub roles: Vec<Role>,
}

/// Give a user other roles.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UserRoles {
    /// The name.
    pub name: String,
    /// What the user may do from now on; at least one.
    pub roles: Vec<Role>,
}

/// Names a user.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UserName {
    /// The name.
    pub name: String,
}

/// A token, shown this once: only its hash is kept.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TokenMade {
    /// Whose it is.
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The token.
    pub token: String,
}

/// A user of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export, optional_fields)]
pub struct UserLine {
    /// The name.
    pub name: String,
    /// What the user may do.
    pub roles: Vec<Role>,
    /// Who added the user.
    pub created_by: String,
    /// When.
    pub created_at: Millis,
    /// Who last changed the roles.
    pub changed_by: String,
    /// When.
    pub changed_at: Millis,
    /// The part of the token that may be seen; absent: the user has none that is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When the token was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_at: Option<Millis>,
    /// When the user was last here, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Millis>,
}

/// The users.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UserListed {
    /// By name.
    pub users: Vec<UserLine>,
}

/// A token as whoever was shown it knows it: never the token itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TokenShown {
    /// The part that may be seen.
    pub id: String,
    /// Hash of the whole, in hexadecimal digits.
    pub hash: String,
}

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UserIdentified {
    /// The name.
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
}

/// What begins every token, so that a search for secrets finds them.
const PREFIX: &str = "baton_";
/// Digits of the part that may be seen, and of the rest.
const ID: usize = 8;
const SECRET: usize = 64;

impl TokenShown {
    /// Of the token `token`; `None` if it does not even look like one.
    pub fn of(token: &str) -> Option<Self> {
        let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|digit| digit.is_ascii_hexdigit())
        };
        (is_hex(id, ID) && is_hex(secret, SECRET)).then(|| Self {
            id: id.to_owned(),
            hash: blake3::hash(token.as_bytes()).to_string(),
        })
    }
}

/// A new token, with 256 bits from the generator that the operating system seeds.
pub(crate) fn new_token() -> String {
    let id = Hash::from_bytes(rand::random()).to_hex();
    let secret = Hash::from_bytes(rand::random()).to_hex();
    format!("{PREFIX}{}_{secret}", &id[..ID])
}

impl UserIdentified {
    /// Who asks.
    pub fn caller(self) -> Caller {
        Caller::User {
            name: self.name,
            roles: self.roles.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_look_and_no_two_are_equal() {
        let (one, other) = (new_token(), new_token());
        assert_ne!(one, other);
        let shown = TokenShown::of(&one).unwrap();
        assert!(one.contains(&shown.id) && !one.contains(&shown.hash));
        for wrong in [
            "",
            "baton_",
            "baton_12345678",
            &one[1..],
            &one[..one.len() - 1],
            "x",
        ] {
            assert_eq!(TokenShown::of(wrong), None, "{wrong}");
        }
    }
}
