//! Pages that are made from the code: `docs/errors.md` says what every code means.
//!
//! `UPDATE_EXPECT=1 cargo test -p baton-acceptance pages` writes them anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use baton_core::problem::Severity;
use baton_core::validate::RULES;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("the file is there")
}

#[test]
fn the_page_of_errors_knows_every_finding() {
    let rows: Vec<String> = RULES
        .iter()
        .map(|rule| {
            let codes: Vec<String> = rule.codes.iter().map(|code| format!("`{code}`")).collect();
            let severity = match rule.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "note",
            };
            format!("| {} | {severity} | {} |", codes.join(", "), rule.summary)
        })
        .collect();
    compare(
        "findings",
        &format!(
            "| code | worst | what it finds |\n| --- | --- | --- |\n{}\n",
            rows.join("\n")
        ),
    );
}

#[test]
fn the_page_of_errors_knows_every_code_of_the_api() {
    let source = read("crates/api/src/error.rs");
    let list = source
        .split_once("pub enum Code {")
        .expect("the list is there")
        .1;
    let list = list.split_once("\n}").expect("the list ends").0;
    let mut rows = String::new();
    let mut words = String::new();
    for line in list.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            words.push_str(text);
        } else if let Some(name) = line.strip_suffix(',') {
            rows.push_str(&format!("| `{}` | {} |\n", kebab(name), words.trim()));
            words.clear();
        }
    }
    compare(
        "api",
        &format!("| code | why, and what Baton does |\n| --- | --- |\n{rows}"),
    );
}

#[test]
fn the_page_of_errors_knows_every_way_a_step_can_fail() {
    let page = read("docs/errors.md");
    let known: BTreeSet<&str> = page.split('`').skip(1).step_by(2).collect();
    let mut missing = BTreeSet::new();
    let mut open: Vec<PathBuf> = ["core", "engine", "steps"]
        .iter()
        .map(|name| root().join("crates").join(name).join("src"))
        .collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                std::fs::read_dir(&path)
                    .expect("it can be read")
                    .map(|entry| entry.expect("it is there").path()),
            );
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !path.to_string_lossy().contains("test")
        {
            let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
            missing.extend(
                codes_in(&text)
                    .filter(|code| !known.contains(code))
                    .map(str::to_owned),
            );
        }
    }
    assert!(
        missing.is_empty(),
        "docs/errors.md does not say what these mean: {missing:?}"
    );
}

/// The first argument of `StepError::new("…"` and `StepError::permanent("…"`.
fn codes_in(text: &str) -> impl Iterator<Item = &str> {
    ["StepError::new(", "StepError::permanent("]
        .into_iter()
        .flat_map(move |call| {
            text.split(call).skip(1).filter_map(|rest| {
                let code = rest.trim_start().strip_prefix('"')?.split('"').next()?;
                (!code.is_empty()).then_some(code)
            })
        })
}

/// Compares the part of the page between two marks with what the code says.
fn compare(part: &str, expected: &str) {
    let page = read("docs/errors.md");
    let begin = format!("<!-- {part}: made by the test `pages` -->\n");
    let end = format!("<!-- end of {part} -->");
    let (before, rest) = page.split_once(&begin).expect("the page has this part");
    let (now, after) = rest.split_once(&end).expect("the part ends");
    if now == expected {
        return;
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(
            root().join("docs/errors.md"),
            format!("{before}{begin}{expected}{end}{after}"),
        )
        .expect("the page can be written");
        return;
    }
    panic!(
        "docs/errors.md is not what the code says: run `UPDATE_EXPECT=1 cargo test -p baton-acceptance pages`\n{expected}"
    );
}

fn kebab(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(character.to_lowercase());
    }
    text
}
