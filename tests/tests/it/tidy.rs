//! The shape of the project, as tests: who may depend on whom, where things live, what they are called.
//!
//! What only a page says decays. Every rule here is in `docs/architecture.md` or `docs/style.md`, with its reason;
//! the message of a failing test says what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which crate of the workspace may depend on which. Exactly these: a new edge is a decision, made here.
const MAY_DEPEND: &[(&str, &[&str])] = &[
    (
        "api",
        &["core", "engine", "interop", "sidecar", "steps", "store"],
    ),
    ("cli", &["api", "server"]),
    ("core", &[]),
    ("desktop", &["api"]),
    ("engine", &["core", "steps", "store"]),
    ("interop", &["core"]),
    ("server", &["api"]),
    ("sidecar", &["core"]),
    ("steps", &["core"]),
    ("store", &["core"]),
    ("temporal", &["core", "sidecar", "steps"]),
];

/// What the core must not even be able to call.
const NOT_IN_CORE: &[&str] = &[
    "getrandom",
    "rand",
    "reqwest",
    "sqlx",
    "tauri",
    "tempfile",
    "tokio",
    "uuid",
];

/// Words that say nothing at the end of a type's name; a better one says what it is.
const EMPTY_WORDS: &[&str] = &[
    "Data",
    "Helper",
    "Info",
    "Manager",
    "Processor",
    "Service",
    "Util",
    "Utils",
];

/// Names on the wire since the first version, which front ends know.
const KEPT_NAMES: &[&str] = &["AppInfo", "KindInfo", "SampleInfo"];

/// Parts of other files, taken in with `include!`, where a header is not allowed.
const INCLUDED: &[&str] = &["crates/steps/rpath.rs"];

/// Features of `npm run soak`: ends in the middle, and bugs. Nothing that people use may be built with them.
const SOAK_ALONE: &[&str] = &["fail-points", "planted-bugs"];

/// Past this many lines, ask whether two things live in a file; the limit itself is where it has to be answered.
const LONG: usize = 600;
const TOO_LONG: usize = 1_000;

#[test]
fn crates_depend_on_each_other_as_drawn() {
    let allowed: BTreeMap<_, _> = MAY_DEPEND.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, needs) in dependencies() {
        let Some(name) = name.strip_prefix("baton-") else {
            continue;
        };
        if name == "acceptance" {
            continue;
        }
        let inside: BTreeSet<&str> = needs
            .iter()
            .filter_map(|need| need.strip_prefix("baton-"))
            .collect();
        match allowed.get(name) {
            None => wrong.push(format!(
                "`baton-{name}` is new: give it a row in `MAY_DEPEND`"
            )),
            Some(&edges) => {
                let edges: BTreeSet<&str> = edges.iter().copied().collect();
                for extra in inside.difference(&edges) {
                    wrong.push(format!("`baton-{name}` must not depend on `baton-{extra}`"));
                }
                for unused in edges.difference(&inside) {
                    wrong.push(format!(
                        "`baton-{name}` no longer depends on `baton-{unused}`: take the edge away"
                    ));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn the_core_is_pure_and_the_window_alone_knows_tauri() {
    let mut wrong = Vec::new();
    for (name, needs) in dependencies() {
        for need in &needs {
            if name == "baton-core" && NOT_IN_CORE.contains(&need.as_str()) {
                wrong.push(format!(
                    "`baton-core` must not depend on `{need}`: it has no clock, no I/O, no chance"
                ));
            }
            if name != "baton-desktop" && need.starts_with("tauri") {
                wrong.push(format!(
                    "`{name}` must not depend on `{need}`: only `src-tauri` knows Tauri"
                ));
            }
        }
    }
    report(&wrong);
}

#[test]
fn every_rust_file_says_what_it_is_for() {
    let silent: Vec<_> = files(&["crates", "src-tauri", "tests"], &["rs"])
        .filter(|(path, text)| !text.starts_with("//!") && !INCLUDED.contains(&path.as_str()))
        .map(|(path, _)| format!("{path}: begin with `//!` and one sentence"))
        .collect();
    report(&silent);
}

#[test]
fn every_kind_of_step_is_registered_and_has_a_form() {
    let list = std::fs::read_to_string(root().join("crates/steps/src/lib.rs"))
        .expect("crate `steps` is there");
    let call = list.rfind("step_kinds!").expect("the list is there");
    let registered: BTreeSet<&str> = list[call..]
        .split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'))
        .collect();
    let folder = "crates/steps/src/kinds";
    let mut wrong = Vec::new();
    for (path, _) in files(&[folder], &["rs"]) {
        let Some(kind) = path
            .strip_prefix(folder)
            .and_then(|rest| rest.strip_prefix('/')?.strip_suffix(".rs"))
        else {
            continue;
        };
        // A folder holds parts of a kind that is large.
        if kind.contains('/') {
            continue;
        }
        if !registered.contains(kind) {
            wrong.push(format!(
                "{path}: add `{kind},` to `step_kinds!` in crates/steps/src/lib.rs"
            ));
        }
        if !root()
            .join(folder)
            .join(format!("{kind}.form.json"))
            .is_file()
        {
            wrong.push(format!("{path}: has no `{kind}.form.json` beside it"));
        }
    }
    report(&wrong);
}

#[test]
fn the_pages_reach_the_window_through_one_folder() {
    let wrong: Vec<_> = files(&["ui/src"], &["ts", "tsx"])
        .filter(|(path, text)| text.contains("@tauri-apps") && !path.starts_with("ui/src/backend/"))
        .map(|(path, _)| format!("{path}: ask `ui/src/backend` instead of Tauri"))
        .collect();
    report(&wrong);
}

#[test]
fn names_of_types_say_something() {
    let mut wrong = Vec::new();
    for (path, text) in files(
        &["crates", "src-tauri", "tests", "ui/src"],
        &["rs", "ts", "tsx"],
    ) {
        if path.starts_with("ui/src/bindings/") || path.contains("test") {
            continue;
        }
        for name in declared_types(&text) {
            if KEPT_NAMES.contains(&name) {
                continue;
            }
            if let Some(word) = words(name).last().filter(|word| EMPTY_WORDS.contains(word)) {
                wrong.push(format!(
                    "{path}: `{name}`: what does `{word}` say? name what it is"
                ));
            }
        }
    }
    report(&wrong);
}

#[test]
fn bugs_are_planted_in_the_soak_alone_and_all_of_them_are_looked_for() {
    let mut wrong = Vec::new();
    for (path, text) in files(&["crates", "src-tauri", "tests"], &["toml"]) {
        let is_switch = path == "tests/Cargo.toml";
        for line in text.lines() {
            let has_feature = SOAK_ALONE.iter().any(|feature| line.contains(feature));
            let is_declared = SOAK_ALONE.iter().any(|name| line.starts_with(name));
            if has_feature && !is_declared && !(is_switch && line.starts_with("soak = ")) {
                wrong.push(format!("{path}: `{line}` would build with planted bugs"));
            }
        }
        if text.contains("default = [") && text.contains("planted-bugs") {
            wrong.push(format!(
                "{path}: has a default feature beside `planted-bugs`"
            ));
        }
    }
    let soak: String = files(&["tests/soak"], &["rs"])
        .map(|(_, text)| text)
        .collect();
    for (path, text) in files(&["crates"], &["rs"]) {
        for call in ["has_bug(\"", "point(\""] {
            for found in text.split(&format!("trial::{call}")).skip(1) {
                let name = found.split('"').next().unwrap_or_default();
                if !soak.contains(&format!("\"{name}\"")) {
                    wrong.push(format!("{path}: `{name}` is not looked for in tests/soak"));
                }
            }
        }
    }
    report(&wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("unimplemented", "!("),
        concat!("todo", "!("),
    ];
    let tests = [
        concat!("#[", "ignore]"),
        concat!("#[", "should_panic"),
        concat!("test", ".only("),
        concat!("it", ".skip("),
    ];
    let mut wrong = Vec::new();
    for (path, text) in files(
        &["crates", "src-tauri", "tests", "ui/src", "scripts", "docs"],
        SOURCES,
    ) {
        for mark in marks.iter().chain(&tests) {
            if let Some(number) = text.lines().position(|line| line.contains(mark)) {
                wrong.push(format!("{path}:{}: `{mark}`", number + 1));
            }
        }
    }
    report(&wrong);
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    // Taken apart, so that this file does not hold what it looks for.
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("registry.", "npmjs"),
        concat!("index.", "crates.io"),
        concat!("deb.", "debian.org"),
    ];
    let mut wrong = Vec::new();
    let everywhere = [
        ".ci",
        ".cargo",
        ".config",
        "crates",
        "docs",
        "scripts",
        "src-tauri",
        "tests",
        "ui",
        "workflows",
    ];
    let top = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "clippy.toml",
        "package.json",
        "package-lock.json",
    ];
    let top = top.iter().filter_map(|name| {
        Some((
            (*name).to_owned(),
            std::fs::read_to_string(root().join(name)).ok()?,
        ))
    });
    for (path, text) in files(&everywhere, SOURCES).chain(top) {
        for place in places {
            if let Some(number) = text.lines().position(|line| line.contains(place)) {
                wrong.push(format!("{path}:{}: names `{place}`", number + 1));
            }
        }
    }
    report(&wrong);
}

#[test]
fn files_hold_one_thing() {
    let mut wrong = Vec::new();
    for (path, text) in files(
        &["crates", "src-tauri", "tests", "ui/src", "scripts"],
        &["rs", "ts", "tsx", "mjs"],
    ) {
        let lines = text.lines().count();
        if lines > TOO_LONG {
            wrong.push(format!("{path}: {lines} lines; split it"));
        } else if lines > LONG {
            println!("{path}: {lines} lines; do two things live there?");
        }
    }
    report(&wrong);
}

#[test]
fn the_window_is_the_window_and_nothing_else() {
    let lines: usize = files(&["src-tauri/src"], &["rs"])
        .map(|(_, text)| text.lines().count())
        .sum();
    assert!(
        lines < 800,
        "src-tauri has {lines} lines: what is not about the window belongs into `api`"
    );
}

#[test]
fn the_map_shows_every_crate() {
    let map =
        std::fs::read_to_string(root().join("docs/architecture.md")).expect("the map is there");
    let mut wrong: Vec<_> = dependencies()
        .into_keys()
        .filter(|name| name != "baton-acceptance")
        .filter_map(|name| Some(name.strip_prefix("baton-")?.replace("desktop", "src-tauri")))
        .filter(|name| {
            !map.contains(&format!("`{name}`")) && !map.contains(&format!("`crates/{name}`"))
        })
        .map(|name| format!("docs/architecture.md does not show `{name}`"))
        .collect();
    if map.lines().count() > 300 {
        wrong.push(
            "docs/architecture.md is longer than 300 lines: nobody reads such a map".to_owned(),
        );
    }
    report(&wrong);
}

const SOURCES: &[&str] = &[
    "css", "html", "js", "json", "md", "mjs", "rs", "sh", "sql", "toml", "ts", "tsx", "yaml", "yml",
];

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the project is there")
}

/// Packages of the workspace with what they need to be built (not what their tests need).
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs: it has built this test");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    metadata["packages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|package| {
            let needs = package["dependencies"].as_array().expect("a list");
            let needs = needs
                .iter()
                .filter(|need| need["kind"] != "dev")
                .map(|need| text(&need["name"]));
            (text(&package["name"]), needs.collect())
        })
        .collect()
}

/// Files below `folders` with one of `endings`: path from the root, with `/`, and text. Built things are left out.
fn files<'a>(
    folders: &'a [&'a str],
    endings: &'a [&'a str],
) -> impl Iterator<Item = (String, String)> + 'a {
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.map(|entry| entry.expect("the folder can be read")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().expect("the entry is there");
            if kind.is_dir() {
                if !matches!(
                    name.as_str(),
                    "target" | "node_modules" | "dist" | "gen" | "autogenerated" | "out"
                ) {
                    open.push(entry.path());
                }
            } else if kind.is_file()
                && endings
                    .iter()
                    .any(|ending| name.rsplit('.').next() == Some(*ending))
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
        let path = path
            .strip_prefix(root())
            .expect("below the root")
            .to_string_lossy()
            .replace('\\', "/");
        (path, text)
    })
}

/// Names that follow `struct`, `enum`, `trait`, `class` and `interface` at the start of a declaration.
fn declared_types(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let mut words = line
            .trim_start()
            .split(|character: char| !(character.is_alphanumeric() || character == '_'));
        let first = words.find(|word| {
            !matches!(
                *word,
                "pub" | "crate" | "super" | "export" | "" | "default" | "abstract"
            )
        })?;
        if !matches!(
            first,
            "struct" | "enum" | "trait" | "class" | "interface" | "type"
        ) {
            return None;
        }
        words
            .next()
            .filter(|name| name.starts_with(char::is_uppercase))
    })
}

/// The words of a name in camel case.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let mut starts: Vec<usize> = name
        .char_indices()
        .filter(|(_, character)| character.is_uppercase())
        .map(|(at, _)| at)
        .collect();
    starts.push(name.len());
    starts
        .windows(2)
        .map(|pair| &name[pair[0]..pair[1]])
        .collect::<Vec<_>>()
        .into_iter()
}

#[test]
fn the_rules_find_what_they_look_for() {
    let types: Vec<_> = declared_types(
        "pub(crate) struct RunManager {\nexport interface StepData {\nlet type_of = 1;",
    )
    .collect();
    assert_eq!(types, ["RunManager", "StepData"]);
    assert_eq!(words("RunManager").collect::<Vec<_>>(), ["Run", "Manager"]);
    assert!(
        !words("Database").any(|word| EMPTY_WORDS.contains(&word)),
        "`Data` is a word, not a beginning"
    );
}
