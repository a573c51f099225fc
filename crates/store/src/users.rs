//! Users of a server, and the tokens by which they are known.
//!
//! Of a token, the store knows the part that may be seen (`id`) and the hash of the whole. What a role means is not
//! known here: roles are words.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use baton_core::Millis;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection, SqlitePool};

use crate::error::StoreError;
use crate::keeps::Keep;
use crate::sql;
use crate::store::Store;

const ADD: &str = "INSERT INTO users (name, roles, created_by, created_at, changed_by, changed_at, removed_at) \
     VALUES (?1, ?2, ?3, ?4, ?3, ?4, NULL) \
     ON CONFLICT (name) DO UPDATE SET roles = excluded.roles, changed_by = excluded.changed_by, \
     changed_at = excluded.changed_at, removed_at = NULL WHERE removed_at IS NOT NULL";
const ROLES: &str = "UPDATE users SET roles = ?2, changed_by = ?3, changed_at = ?4 WHERE name = ?1 AND removed_at IS NULL";
const REMOVE: &str = "UPDATE users SET removed_at = ?3, changed_by = ?2, changed_at = ?3 WHERE name = ?1 AND removed_at IS NULL";
const REVOKE: &str =
    "UPDATE tokens SET revoked_by = ?2, revoked_at = ?3 WHERE user = ?1 AND revoked_at IS NULL";
const TOKEN_PUT: &str = "INSERT INTO tokens (id, user, hash, created_by, created_at) \
     SELECT ?2, name, ?3, ?4, ?5 FROM users WHERE name = ?1 AND removed_at IS NULL";
const USED: &str = "UPDATE tokens SET used_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
const LIST: &str = "SELECT name, roles, created_by, created_at, changed_by, changed_at, \
     (SELECT max(created_at) FROM tokens WHERE user = name AND revoked_at IS NULL), \
     (SELECT max(used_at) FROM tokens WHERE user = name), \
     (SELECT id FROM tokens WHERE user = name AND revoked_at IS NULL ORDER BY created_at DESC LIMIT 1) \
     FROM users WHERE removed_at IS NULL ORDER BY name";
const BY_TOKEN: &str = "SELECT users.name, users.roles, tokens.hash, tokens.used_at, tokens.revoked_at \
     FROM tokens JOIN users ON users.name = tokens.user WHERE tokens.id = ?1 AND users.removed_at IS NULL";

/// For the test that prepares every statement.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] =
    &[ADD, ROLES, REMOVE, REVOKE, TOKEN_PUT, USED, LIST, BY_TOKEN];

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// The name, as it was first written.
    pub name: String,
    /// The words of the roles.
    pub roles: Vec<String>,
    /// Who added the user.
    pub created_by: String,
    /// When.
    pub created_at: Millis,
    /// Who last changed the user.
    pub changed_by: String,
    /// When.
    pub changed_at: Millis,
    /// When the token was made that is good now, if there is one.
    pub token_at: Option<Millis>,
    /// When a token of this user was last used.
    pub used_at: Option<Millis>,
    /// The part of the token that may be seen.
    pub token: Option<String>,
}

/// What is known about a token, for whoever compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Whose it is.
    pub user: String,
    /// The words of their roles.
    pub roles: Vec<String>,
    /// Hash of the whole token.
    pub hash: [u8; 32],
    /// When it was last used, as far as that was noted.
    pub used_at: Option<Millis>,
    /// It is good no more.
    pub is_revoked: bool,
}

/// A token to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Whose it is.
    pub user: String,
    /// The part that may be seen.
    pub id: String,
    /// Hash of the whole.
    pub hash: [u8; 32],
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Millis,
}

/// A change in these tables.
#[derive(Debug)]
pub(crate) enum Change {
    Add {
        name: String,
        roles: String,
        by: String,
        at: Millis,
    },
    Roles {
        name: String,
        roles: String,
        by: String,
        at: Millis,
    },
    /// Takes the tokens back as well.
    Remove {
        name: String,
        by: String,
        at: Millis,
    },
    /// In place of all that the user had.
    Token(NewToken),
    Used {
        id: String,
        at: Millis,
    },
}

/// A change, and how many users or tokens it was about.
#[derive(Debug)]
pub(crate) struct UserWork {
    change: Change,
    said: Arc<Mutex<u64>>,
}

impl UserWork {
    /// Carries the change out.
    pub(crate) async fn write(&self, conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let said = self.change.write(conn).await?;
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
        Ok(())
    }
}

impl Change {
    async fn write(&self, conn: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
        let query = match self {
            Self::Add {
                name,
                roles,
                by,
                at,
            } => sqlx::query(ADD).bind(name).bind(roles).bind(by).bind(*at),
            Self::Roles {
                name,
                roles,
                by,
                at,
            } => sqlx::query(ROLES).bind(name).bind(roles).bind(by).bind(*at),
            Self::Remove { name, by, at } => {
                revoke(conn, name, by, *at).await?;
                sqlx::query(REMOVE).bind(name).bind(by).bind(*at)
            }
            Self::Token(new) => {
                revoke(conn, &new.user, &new.by, new.at).await?;
                sqlx::query(TOKEN_PUT)
                    .bind(&new.user)
                    .bind(&new.id)
                    .bind(&new.hash[..])
                    .bind(&new.by)
                    .bind(new.at)
            }
            Self::Used { id, at } => sqlx::query(USED).bind(id).bind(*at),
        };
        query.execute(conn).await.map(|done| done.rows_affected())
    }
}

async fn revoke(
    conn: &mut SqliteConnection,
    user: &str,
    by: &str,
    at: Millis,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(REVOKE).bind(user).bind(by).bind(at);
    query.execute(conn).await.map(|_| ())
}

impl Store {
    /// Adds a user, or one that was removed again; `false` if there is one of this name.
    pub async fn user_add(
        &self,
        name: &str,
        roles: &[&str],
        by: &str,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let (name, roles, by) = (name.to_owned(), roles.join(","), by.to_owned());
        let add = Change::Add {
            name,
            roles,
            by,
            at,
        };
        Ok(self.change_user(add).await? > 0)
    }

    /// Gives a user other roles; `false` if there is none of this name.
    pub async fn user_roles(
        &self,
        name: &str,
        roles: &[&str],
        by: &str,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let (name, roles, by) = (name.to_owned(), roles.join(","), by.to_owned());
        let change = Change::Roles {
            name,
            roles,
            by,
            at,
        };
        Ok(self.change_user(change).await? > 0)
    }

    /// Removes a user and takes their tokens back; `false` if there is none of this name.
    pub async fn user_remove(&self, name: &str, by: &str, at: Millis) -> Result<bool, StoreError> {
        let (name, by) = (name.to_owned(), by.to_owned());
        Ok(self.change_user(Change::Remove { name, by, at }).await? > 0)
    }

    /// Keeps a token in place of all that its user had; `false` if there is no such user.
    pub async fn token_put(&self, new: NewToken) -> Result<bool, StoreError> {
        Ok(self.change_user(Change::Token(new)).await? > 0)
    }

    /// Notes that a token was used.
    pub async fn token_used(&self, id: &str, at: Millis) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.change_user(Change::Used { id, at }).await.map(|_| ())
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<UserRow>, StoreError> {
        users(self.readers()?, self.dir()).await
    }

    /// What is known about the token with this id.
    pub async fn token(&self, id: &str) -> Result<Option<TokenRow>, StoreError> {
        token(self.readers()?, self.dir(), id).await
    }

    async fn change_user(&self, change: Change) -> Result<u64, StoreError> {
        let said = Arc::new(Mutex::new(0));
        let work = UserWork {
            change,
            said: said.clone(),
        };
        self.keep(Keep::User(Box::new(work))).await?;
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(*said)
    }
}

fn words(list: &str) -> Vec<String> {
    list.split(',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn users(pool: &SqlitePool, dir: &Path) -> Result<Vec<UserRow>, StoreError> {
    let read = |row: &SqliteRow| {
        Ok(UserRow {
            name: row.try_get(0)?,
            roles: words(row.try_get(1)?),
            created_by: row.try_get(2)?,
            created_at: row.try_get(3)?,
            changed_by: row.try_get(4)?,
            changed_at: row.try_get(5)?,
            token_at: row.try_get(6)?,
            used_at: row.try_get(7)?,
            token: row.try_get(8)?,
        })
    };
    let rows = sqlx::query(LIST).fetch_all(pool).await;
    rows.and_then(|rows| rows.iter().map(read).collect())
        .map_err(|error| sql::error(&error, dir))
}

async fn token(pool: &SqlitePool, dir: &Path, id: &str) -> Result<Option<TokenRow>, StoreError> {
    let read = |row: SqliteRow| {
        let hash: Vec<u8> = row.try_get(2)?;
        let hash = hash
            .try_into()
            .map_err(|_| sqlx::Error::Decode("a hash of a token has 32 bytes".into()))?;
        Ok(TokenRow {
            user: row.try_get(0)?,
            roles: words(row.try_get(1)?),
            hash,
            used_at: row.try_get(3)?,
            is_revoked: row.try_get::<Option<i64>, _>(4)?.is_some(),
        })
    };
    let row = sqlx::query(BY_TOKEN).bind(id).fetch_optional(pool).await;
    row.and_then(|row| row.map(read).transpose())
        .map_err(|error| sql::error(&error, dir))
}
