//! `npm run histories`: records in `tests/histories` what this build writes, for all later builds to read.

#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../tests/it/machine/driver.rs"]
mod driver;
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../tests/it/machine/generate.rs"]
mod generate;
#[path = "../tests/it/machine/histories.rs"]
mod histories;

use baton_core::document::print;
use baton_core::machine::Plan;
use serde_json::{Value, json};

use crate::driver::{Host, workflow};
use crate::generate::catalog;
use crate::histories::{blake3_of, folder, index, recipes, state};

#[expect(clippy::print_stdout, reason = "a command for people")]
fn main() -> std::io::Result<()> {
    let new = record()?;
    for name in &new {
        println!("recorded {name}");
    }
    println!("{} new histories in tests/histories", new.len());
    Ok(())
}

/// Records the histories that are missing, and gives their names.
fn record() -> std::io::Result<Vec<String>> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    let mut index = index(&folder)?;
    let mut new = Vec::new();
    for (name, body, script) in recipes() {
        let file = format!("{}-{name}.json", env!("CARGO_PKG_VERSION"));
        if index.contains_key(&file) {
            continue;
        }
        let definition = workflow(&body);
        let text = print(&definition);
        let plan = Plan::compile(&definition, &catalog())
            .unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        let mut host = Host::start(&plan, json!({ "n": 5 }));
        script(&mut host);
        let history = json!({
            "definition": serde_json::from_str::<Value>(&text)?,
            "log": host.log,
            "state": state(&host.run),
        });
        let text = format!("{history:#}\n");
        std::fs::write(folder.join(&file), &text)?;
        index.insert(file.clone(), blake3_of(&text));
        new.push(file);
    }
    let text = serde_json::to_string_pretty(&index)?;
    std::fs::write(folder.join("index.json"), format!("{text}\n"))?;
    Ok(new)
}
