//! Passwords and keys that stand in the document itself, where everyone who has the file can read them.

use serde_json::{Map, Value};

use crate::expression::Template;
use crate::problem::{Place, Problem, Severity};
use crate::step_kind::Field;
use crate::validate::{Context, Rule};

pub(super) const RULE: Rule = Rule {
    codes: &["secret-in-clear"],
    severity: Severity::Warning,
    summary: "Secrets are named in a document, never contained.",
    check,
};

fn check(context: &Context<'_>, problems: &mut Vec<Problem>) {
    let path = &mut String::new();
    let start = |path: &mut String, name: &str| {
        path.clear();
        path.push_str(name);
    };
    for info in &context.steps {
        let fields = info.kind.map_or(&[][..], |kind| &kind.form.fields);
        let place = |path: &str| Place::field(&info.step.id, path);
        start(path, "with");
        object(&info.step.with, fields, path, &place, problems);
        if let Some(undo) = &info.step.undo {
            let fields = context
                .catalog
                .find(&undo.kind)
                .map_or(&[][..], |kind| &kind.form.fields);
            start(path, "undo.with");
            object(&undo.with, fields, path, &place, problems);
        }
        if let Some(pin) = &info.step.pin {
            start(path, "pin");
            value(pin, path, &place, problems);
        }
    }
    for trigger in &context.workflow.triggers {
        let place = |path: &str| Place {
            field: Some(path.trim_start_matches('.').to_owned()),
            ..Place::trigger(&trigger.id)
        };
        path.clear();
        match trigger.with.get("secret") {
            // Holds the name of one.
            Some(name) if trigger.kind == "webhook" => {
                let mut rest = trigger.with.clone();
                rest.shift_remove("secret");
                object(&rest, &[], path, &place, problems);
                start(path, "secret");
                value(name, path, &place, problems);
            }
            _ => object(&trigger.with, &[], path, &place, problems),
        }
    }
    if let Some(input) = &context.workflow.input {
        let place = |path: &str| Place {
            field: Some(path.to_owned()),
            ..Place::default()
        };
        start(path, "input");
        value(input, path, &place, problems);
    }
}

fn object(
    map: &Map<String, Value>,
    fields: &[Field],
    path: &mut String,
    place: &dyn Fn(&str) -> Place,
    problems: &mut Vec<Problem>,
) {
    let length = path.len();
    for (key, item) in map {
        path.push('.');
        path.push_str(key);
        let field = fields.iter().find(|field| field.name == *key);
        // A field that its form marks as secret holds the name of one.
        if !field.is_some_and(|field| field.secret) {
            match item {
                Value::String(text) if is_secret_name(key) && is_literal(text) => {
                    report(
                        &format!("`{key}` holds its secret in clear"),
                        path,
                        place,
                        problems,
                    );
                }
                Value::Array(items) => {
                    let inner = field
                        .and_then(|field| field.fields.as_deref())
                        .unwrap_or_default();
                    list(items, inner, path, place, problems);
                }
                Value::Object(map) => object(map, &[], path, place, problems),
                other => value(other, path, place, problems),
            }
        }
        path.truncate(length);
    }
}

fn list(
    items: &[Value],
    fields: &[Field],
    path: &mut String,
    place: &dyn Fn(&str) -> Place,
    problems: &mut Vec<Problem>,
) {
    let length = path.len();
    for (index, item) in items.iter().enumerate() {
        path.push_str(&format!("[{index}]"));
        match item {
            Value::Object(map) => object(map, fields, path, place, problems),
            Value::Array(items) => list(items, &[], path, place, problems),
            other => value(other, path, place, problems),
        }
        path.truncate(length);
    }
}

fn value(
    item: &Value,
    path: &mut String,
    place: &dyn Fn(&str) -> Place,
    problems: &mut Vec<Problem>,
) {
    match item {
        Value::String(text) => {
            if let Some(what) = looks_like(text) {
                report(
                    &format!("this text holds what looks like {what}"),
                    path,
                    place,
                    problems,
                );
            }
        }
        Value::Array(items) => list(items, &[], path, place, problems),
        Value::Object(map) => object(map, &[], path, place, problems),
        _ => {}
    }
}

fn report(message: &str, path: &str, place: &dyn Fn(&str) -> Place, problems: &mut Vec<Problem>) {
    problems.push(
        Problem::new("secret-in-clear", Severity::Warning, place(path), message).hint(
            "store it under a name in the settings, put that name here, and replace the secret: it is known now",
        ),
    );
}

fn is_literal(text: &str) -> bool {
    !text.trim().is_empty() && !Template::has_expression(text)
}

/// Whether a field of this name holds a secret. Not `tokenColumn` or `passwordPolicy`: the name must end with it.
fn is_secret_name(name: &str) -> bool {
    [
        "password",
        "passwd",
        "passphrase",
        "token",
        "secret",
        "apikey",
        "privatekey",
        "accesskey",
        "secretkey",
    ]
    .iter()
    .any(|end| {
        let mut letters = name.bytes().rev().filter(u8::is_ascii_alphanumeric);
        end.bytes().rev().all(|byte| {
            letters
                .next()
                .is_some_and(|letter| letter.eq_ignore_ascii_case(&byte))
        })
    }) || name.eq_ignore_ascii_case("authorization")
}

/// What a text looks like, if it looks like a secret.
fn looks_like(text: &str) -> Option<&'static str> {
    if text.len() < 12 {
        return None;
    }
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    if has_login(text) {
        return Some("an address with a password");
    }
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
        // The shortest of them is longer than nearly every word.
        .filter(|word| word.len() >= 20)
        .find_map(|word| {
            let tail = |prefix: &str, least: usize| {
                word.strip_prefix(prefix).is_some_and(|tail| {
                    tail.len() >= least
                        && tail
                            .chars()
                            .any(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
                })
            };
            if tail("AKIA", 16) || tail("ASIA", 16) {
                Some("an AWS access key")
            } else if ["ghp_", "gho_", "ghs_", "github_pat_"]
                .iter()
                .any(|prefix| tail(prefix, 20))
            {
                Some("a GitHub token")
            } else if tail("glpat-", 16) {
                Some("a GitLab token")
            } else if tail("sk-", 20) || tail("sk_live_", 16) || tail("rk_live_", 16) {
                Some("an API key")
            } else if ["xoxb-", "xoxp-", "xoxa-"]
                .iter()
                .any(|prefix| tail(prefix, 16))
            {
                Some("a Slack token")
            } else if tail("eyJ", 40) && word.matches('.').count() == 2 {
                Some("a signed token")
            } else {
                None
            }
        })
}

/// Whether there is an address with `user:password@` in it, the password not being an expression.
fn has_login(text: &str) -> bool {
    text.match_indices("://").any(|(start, mark)| {
        let rest = &text[start + mark.len()..];
        let authority = rest
            .split(['/', '?', '#', ' ', '"', '\''])
            .next()
            .unwrap_or_default();
        authority
            .rsplit_once('@')
            .and_then(|(login, _)| login.split_once(':'))
            .is_some_and(|(_, password)| {
                !password.is_empty() && !password.contains(['{', '$', '<'])
            })
    })
}
