//! `baton users`: who may use a server, and what they may do there.

use std::path::Path;

use baton_api::Role;
use baton_api::catalog::Nothing;
use baton_api::users::{TokenMade, UserAdd, UserLine, UserListed, UserName, UserRoles};
use serde_json::json;

use crate::exit::Exit;
use crate::out::{Out, Tone};
use crate::server_args::{UserNamed, UserWithRoles, Users, UsersCommand};
use crate::session::{DATABASE, Session, data_dir};
use crate::trouble::Trouble;
use crate::words;

pub(crate) async fn run(args: Users, data: Option<&Path>, out: &mut Out) -> Result<Exit, Trouble> {
    let looks_only = matches!(args.what, UsersCommand::List(_));
    let session = if looks_only && data_dir(data)?.join(DATABASE).exists() {
        Session::look(data).await?
    } else {
        Session::open(data).await?
    };
    let done = carry_out(args.what, &session, out).await;
    session.close().await;
    done.map(|()| Exit::Success)
}

async fn carry_out(what: UsersCommand, session: &Session, out: &mut Out) -> Result<(), Trouble> {
    match what {
        UsersCommand::Add(UserWithRoles { name, roles, json }) => {
            let made: TokenMade = session.call("user_add", &UserAdd { name, roles }).await?;
            show_token(&made, json, out);
        }
        UsersCommand::Token(UserNamed { name, json }) => {
            let made: TokenMade = session.call("user_token", &UserName { name }).await?;
            show_token(&made, json, out);
        }
        UsersCommand::Roles(UserWithRoles { name, roles, json }) => {
            let request = UserRoles { name, roles };
            let _: Nothing = session.call("user_roles", &request).await?;
            let UserRoles { name, roles } = request;
            if json {
                out.json(&json!({ "name": name, "roles": roles }));
            } else {
                out.line(&format!("✓ {name} may {} from now on", in_words(&roles)));
            }
        }
        UsersCommand::Remove(UserNamed { name, json }) => {
            let request = UserName { name };
            let _: Nothing = session.call("user_remove", &request).await?;
            if json {
                out.json(&json!({ "removed": request.name }));
            } else {
                let line = format!(
                    "✓ {} is no user any more, and has no token that is good",
                    request.name
                );
                out.line(&line);
            }
        }
        UsersCommand::List(args) => {
            let listed: UserListed = session.call("user_list", &Nothing {}).await?;
            if args.json {
                out.json(&listed);
            } else {
                list(&listed.users, out);
            }
        }
    }
    Ok(())
}

fn show_token(made: &TokenMade, is_json: bool, out: &mut Out) {
    if is_json {
        out.json(made);
        return;
    }
    out.line(&format!("✓ {} may {}", made.name, in_words(&made.roles)));
    out.line("The token, shown this once; those before are good no more:");
    let token = out.tone(Tone::Strong, &made.token);
    out.line(&token);
}

fn in_words(roles: &[Role]) -> String {
    let words: Vec<&str> = roles.iter().map(|role| role.word()).collect();
    words.join(", ")
}

fn list(users: &[UserLine], out: &mut Out) {
    if users.is_empty() {
        out.line("There are no users: `baton users add NAME --role …` adds one.");
        return;
    }
    for user in users {
        let token = match (&user.token, user.token_at) {
            (Some(id), Some(at)) => format!("token {id} of {}", words::instant(at)),
            _ => "no token".to_owned(),
        };
        let used = user.used_at.map_or_else(
            || "never here".to_owned(),
            |at| format!("last here {}", words::instant(at)),
        );
        out.line(&format!(
            "{:<20} {:<28} {token}, {used}",
            user.name,
            in_words(&user.roles)
        ));
    }
}
