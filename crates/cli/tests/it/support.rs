//! A folder to work in, and the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) struct Desk {
    folder: TempDir,
}

pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn put(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Keeps a workflow of these steps and edges as `<id>.baton.json`.
    pub(crate) fn workflow(&self, id: &str, steps: &Value, edges: &Value) -> String {
        let document = json!({ "format": 1, "id": id, "name": id, "steps": steps, "edges": edges });
        let name = format!("{id}.baton.json");
        self.put(&name, format!("{document:#}"));
        name
    }

    /// Ten steps that only compute.
    pub(crate) fn chain(&self) -> String {
        let steps: Vec<_> = (0..10)
            .map(|index| set(&format!("s{index}"), json!({ "x": index })))
            .collect();
        let edges: Vec<_> = (1..10)
            .map(|index| json!({ "from": format!("s{}", index - 1), "to": format!("s{index}") }))
            .collect();
        self.workflow("chain", &json!(steps), &json!(edges))
    }

    /// One question, with a step before and after it.
    pub(crate) fn question(&self) -> String {
        self.workflow(
            "question",
            &json!([
                set("before", json!({ "x": 1 })),
                { "id": "ask", "kind": "approval", "name": "Ask", "with": { "to": ["me"], "question": "Go on?" } },
                set("after", json!({ "x": "{% steps.before.x + 1 %}" })),
            ]),
            &json!([{ "from": "before", "to": "ask" }, { "from": "ask.approved", "to": "after" }]),
        )
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("BATON_DATA_DIR", self.data())
            .env("USER", "ada")
            .env_remove("BATON_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn baton(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "callers write the values in place"
)]
pub(crate) fn set(id: &str, values: Value) -> Value {
    json!({ "id": id, "kind": "set_values", "name": id, "with": { "values": values } })
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\n--- out\n{}\n--- err\n{}",
            self.out, self.err
        );
        self
    }

    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// Standard output as one JSON value per line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The error of `--json`.
    pub(crate) fn error(&self) -> Value {
        let error: Value =
            serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}: {}", self.err));
        error["error"].clone()
    }
}

pub(crate) fn has_database(data: &Path) -> bool {
    data.join("baton.db").exists()
}
