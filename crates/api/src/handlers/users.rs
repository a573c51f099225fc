//! Users of a server.

use baton_store::NewToken;
use blake3::Hash;

use crate::app::App;
use crate::caller::{Role, whom_to_ask};
use crate::catalog::Nothing;
use crate::error::{ApiError, Code};
use crate::users::{
    TokenMade, TokenShown, UserAdd, UserIdentified, UserLine, UserListed, UserName, UserRoles,
    new_token,
};

/// The longest name.
const LONGEST: usize = 64;
/// The use of a token is noted at most this often, in milliseconds.
const NOTE_USE: i64 = 60_000;

/// Adds a user of the server, and makes their token.
///
/// # Errors
///
/// [`Code::BadRequest`] if the name is none or no role is given, [`Code::Conflict`] if there is such a user.
pub async fn user_add(app: &App, request: UserAdd) -> Result<TokenMade, ApiError> {
    let UserAdd { name, roles } = request;
    check_name(&name)?;
    let words = words(&roles)?;
    let (by, now) = (app.person(), app.now());
    if !app.store().user_add(&name, &words, &by, now).await? {
        let message = format!("there is a user `{name}` already");
        let hint = "`baton users roles` gives other roles, `baton users token` makes a new token";
        return Err(ApiError::new(Code::Conflict, message).hint(hint));
    }
    tracing::info!(user = name, roles = words.join(","), by, "a user was added");
    make_token(app, name, roles).await
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "._-@".contains(letter);
    let begins_well = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if begins_well && name.len() <= LONGEST && name.chars().all(is_part) {
        return Ok(());
    }
    let message = format!("`{name}` cannot be the name of a user");
    let hint = format!(
        "take up to {LONGEST} letters, digits, `.`, `_`, `-` and `@`, beginning with a letter or digit"
    );
    Err(ApiError::new(Code::BadRequest, message).hint(hint))
}

fn words(roles: &[Role]) -> Result<Vec<&'static str>, ApiError> {
    if roles.is_empty() {
        let hint = "`view` is the least of them; `baton users add NAME --role view`";
        return Err(ApiError::new(Code::BadRequest, "a user needs a role").hint(hint));
    }
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    Ok(roles.into_iter().map(Role::word).collect())
}

fn roles(words: &[String]) -> Vec<Role> {
    words
        .iter()
        .filter_map(|word| Role::of_word(word))
        .collect()
}

fn nobody(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("there is no user `{name}`"))
        .hint("`baton users list` shows the users of this data folder")
}

async fn make_token(app: &App, name: String, roles: Vec<Role>) -> Result<TokenMade, ApiError> {
    let token = new_token();
    let shown = TokenShown::of(&token)
        .ok_or_else(|| ApiError::new(Code::Internal, "the new token is not in order"))?;
    let new = NewToken {
        user: name.clone(),
        id: shown.id,
        hash: *blake3::hash(token.as_bytes()).as_bytes(),
        by: app.person(),
        at: app.now(),
    };
    if !app.store().token_put(new).await? {
        return Err(nobody(&name));
    }
    Ok(TokenMade { name, roles, token })
}

/// The users of the server, by name.
///
/// # Errors
///
/// If the store cannot be read.
pub async fn user_list(app: &App, _: Nothing) -> Result<UserListed, ApiError> {
    let rows = app.store().users().await?;
    let users = rows.into_iter().map(|row| UserLine {
        roles: roles(&row.roles),
        name: row.name,
        created_by: row.created_by,
        created_at: row.created_at,
        changed_by: row.changed_by,
        changed_at: row.changed_at,
        token: row.token,
        token_at: row.token_at,
        used_at: row.used_at,
    });
    Ok(UserListed {
        users: users.collect(),
    })
}

/// Removes a user and takes their tokens back, at once.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none of this name.
pub async fn user_remove(app: &App, request: UserName) -> Result<Nothing, ApiError> {
    let (name, by) = (request.name, app.person());
    if !app.store().user_remove(&name, &by, app.now()).await? {
        return Err(nobody(&name));
    }
    tracing::info!(user = name, by, "a user was removed");
    Ok(Nothing {})
}

/// Gives a user other roles, at once.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none of this name, [`Code::BadRequest`] if no role is given.
pub async fn user_roles(app: &App, request: UserRoles) -> Result<Nothing, ApiError> {
    let UserRoles { name, roles } = request;
    let (words, by) = (words(&roles)?, app.person());
    if !app
        .store()
        .user_roles(&name, &words, &by, app.now())
        .await?
    {
        return Err(nobody(&name));
    }
    tracing::info!(
        user = name,
        roles = words.join(","),
        by,
        "a user got other roles"
    );
    Ok(Nothing {})
}

/// Makes a token in place of all that the user had.
///
/// # Errors
///
/// [`Code::NotFound`] if there is none of this name.
pub async fn user_token(app: &App, request: UserName) -> Result<TokenMade, ApiError> {
    let users = app.store().users().await?;
    let user = users
        .into_iter()
        .find(|user| user.name.eq_ignore_ascii_case(&request.name))
        .ok_or_else(|| nobody(&request.name))?;
    make_token(app, user.name, roles(&user.roles)).await
}

/// Says whose token this is.
///
/// # Errors
///
/// [`Code::Unauthorized`] if it is nobody's, or was taken back.
pub async fn user_identify(app: &App, request: TokenShown) -> Result<UserIdentified, ApiError> {
    let unknown = || async {
        ApiError::new(Code::Unauthorized, "this token is nobody's").hint(format!(
            "look whether it is whole; {}",
            whom_to_ask(app).await
        ))
    };
    let Ok(shown) = Hash::from_hex(&request.hash) else {
        return Err(unknown().await);
    };
    let Some(kept) = app.store().token(&request.id).await? else {
        return Err(unknown().await);
    };
    // Comparing two blake3 hashes takes the same time wherever they differ.
    if shown != Hash::from_bytes(kept.hash) {
        return Err(unknown().await);
    }
    if kept.is_revoked {
        let message = format!("this token of `{}` was taken back", kept.user);
        let hint = format!("use the newest one, or {}", whom_to_ask(app).await);
        return Err(ApiError::new(Code::Unauthorized, message).hint(hint));
    }
    let now = app.now();
    let is_noted = kept.used_at.is_some_and(|at| (now - at).abs() < NOTE_USE);
    if !is_noted && app.read_only().is_none() {
        // A disk that is full keeps nobody out who wants to see why.
        if let Err(error) = app.store().token_used(&request.id, now).await {
            tracing::warn!(%error, "that a token was used was not noted");
        }
    }
    Ok(UserIdentified {
        name: kept.user,
        roles: roles(&kept.roles),
    })
}
