//! Who asks, and what they may ask.
//!
//! Every row of the list of commands names the role that it needs; a row without one does not compile. Whoever has the
//! account that Baton runs in is its owner and may ask everything: they could as well change the files of the data
//! folder. A user of a server may ask what their roles allow, and nothing else.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::users::UserIdentified;

/// What a user of a server may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Role {
    /// Look at workflows, runs and their data. Part of every other role.
    View,
    /// Start what the server keeps, and look after runs: cancel, pause, settle.
    Run,
    /// Answer questions to people.
    Approve,
    /// Change workflows and activate them. What a workflow does, the server does: this is the right to use its account.
    Edit,
    /// Everything: users, limits, backups.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [
        Self::View,
        Self::Run,
        Self::Approve,
        Self::Edit,
        Self::Admin,
    ];

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Run => "run",
            Self::Approve => "approve",
            Self::Edit => "edit",
            Self::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    /// Whoever has the account that Baton runs in: the window, the command line, the link of a server for one person.
    Owner,
    /// A user of a server.
    User {
        /// The name.
        name: String,
        /// The roles.
        roles: BTreeSet<Role>,
    },
}

impl Caller {
    /// Whether this caller may do what needs `role`.
    pub fn may(&self, role: Role) -> bool {
        match self {
            Self::Owner => true,
            Self::User { roles, .. } => {
                roles.contains(&role)
                    || roles.contains(&Role::Admin)
                    || (role == Role::View && !roles.is_empty())
            }
        }
    }

    /// What a page shows of it; `None` for the owner.
    pub(crate) fn shown(&self) -> Option<UserIdentified> {
        match self {
            Self::Owner => None,
            Self::User { name, roles } => Some(UserIdentified {
                name: name.clone(),
                roles: roles.iter().copied().collect(),
            }),
        }
    }

    /// The name, of a user.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::Owner => None,
            Self::User { name, .. } => Some(name),
        }
    }
}

/// The app for `caller`, if their roles allow what `what` names.
///
/// # Errors
///
/// [`Code::Forbidden`] with the role that is needed, and whom to ask for it.
pub(crate) async fn admit(
    app: &App,
    caller: &Caller,
    what: &str,
    role: Role,
) -> Result<App, ApiError> {
    if caller.may(role) {
        return Ok(app.asked_by(caller));
    }
    let name = caller.user().unwrap_or_default();
    let message = format!("`{name}` may not ask for `{what}`: that needs the role `{role}`");
    Err(ApiError::new(Code::Forbidden, message).hint(whom_to_ask(app).await))
}

/// Who can give a role.
pub(crate) async fn whom_to_ask(app: &App) -> String {
    let users = app.store().users().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the users cannot be read");
        Vec::new()
    });
    let admins: Vec<String> = users
        .into_iter()
        .filter(|user| user.roles.iter().any(|role| role == Role::Admin.word()))
        .map(|user| format!("`{}`", user.name))
        .collect();
    if admins.is_empty() {
        "ask whoever runs this server: `baton users roles NAME --role …` gives it".to_owned()
    } else {
        format!("ask an administrator of this server: {}", admins.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(roles: &[Role]) -> Caller {
        Caller::User {
            name: "mia".to_owned(),
            roles: roles.iter().copied().collect(),
        }
    }

    #[test]
    fn a_role_allows_itself_and_looking_and_admin_allows_all() {
        for role in Role::ALL {
            assert!(Caller::Owner.may(role));
            assert!(user(&[Role::Admin]).may(role));
            assert!(!user(&[]).may(role), "{role}");
            for other in Role::ALL {
                let expected = role == other || other == Role::View || role == Role::Admin;
                assert_eq!(user(&[role]).may(other), expected, "{role} for {other}");
            }
            assert_eq!(Role::of_word(role.word()), Some(role));
        }
        assert_eq!(Role::of_word("Admin"), None);
    }
}
