//! What was recorded once still means the same.

use baton_core::document::parse;
use baton_core::machine::{Logged, Plan, replay};
use serde_json::Value;

use super::generate::catalog;
use super::histories::{blake3_of, folder, index, recipes, state};

#[test]
fn every_recorded_history_folds_to_the_state_that_it_had() {
    let folder = folder();
    let index = index(&folder).expect("the index can be read");
    assert!(index.len() >= 30, "only {} histories", index.len());
    for (file, digest) in &index {
        let text = std::fs::read_to_string(folder.join(file))
            .unwrap_or_else(|error| panic!("{file}: {error}: a history is never taken away"));
        assert_eq!(
            &blake3_of(&text),
            digest,
            "{file} was changed: what was recorded once stays as it is, record another one instead"
        );
        let history: Value = serde_json::from_str(&text).expect("a history is JSON");
        let definition = parse(&history["definition"].to_string()).expect("its definition parses");
        let plan = Plan::compile(&definition.workflow, &catalog())
            .unwrap_or_else(|problems| panic!("{file}: {problems:#?}"));
        let log: Vec<Logged> =
            serde_json::from_value(history["log"].clone()).unwrap_or_else(|error| {
                panic!("{file}: {error}: an event of an older log is not understood")
            });
        let run = replay(plan, &log).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(
            state(&run),
            history["state"],
            "{file} means something else now"
        );
    }
    let on_disk = std::fs::read_dir(&folder)
        .expect("the folder is there")
        .flatten();
    for entry in on_disk {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_known =
            index.contains_key(&name) || ["index.json", "README.md"].contains(&name.as_str());
        assert!(
            is_known,
            "{name} is not in the index: `npm run histories` writes it"
        );
    }
}

#[test]
fn every_way_that_a_run_can_go_is_recorded() {
    let index = index(&folder()).expect("the index can be read");
    for (name, ..) in recipes() {
        let is_there = index
            .keys()
            .any(|file| file.ends_with(&format!("-{name}.json")));
        assert!(
            is_there,
            "`{name}` is not recorded: run `npm run histories` and commit what it writes"
        );
    }
}
