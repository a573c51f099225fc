//! Random workflows of every control kind, and the tasks in them. The soak draws from here as well.

use baton_core::step_kind::{Catalog, Category, Effect, Form, Ports, StepKind};
use serde_json::{Value, json};

/// `task` is pure, `act` is unsafe, `send` is keyed.
pub(crate) fn catalog() -> Catalog {
    let kind = |kind, effect: fn(&serde_json::Map<String, Value>) -> Effect| StepKind {
        kind,
        title: kind,
        summary: "",
        category: Category::Data,
        icon: "box",
        ports: Ports::Plain,
        effect,
        is_control: false,
        is_container: false,
        form: Form::default(),
        schema: json!({}),
        output: &[],
    };
    Catalog::new([
        kind("task", |_| Effect::Pure),
        kind("act", |_| Effect::Unsafe),
        kind("send", |_| Effect::Keyed),
    ])
}

/// A small generator of chance that a failing case can repeat.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % sides.max(1)
    }
}

/// A random acyclic graph of steps of every kind.
fn graph(dice: &mut Dice, prefix: &str, depth: usize) -> (Vec<Value>, Vec<Value>) {
    let count = 1 + dice.roll(if depth == 0 { 7 } else { 3 });
    let mut steps: Vec<Value> = Vec::new();
    let mut edges: Vec<Value> = Vec::new();
    for index in 0..count {
        let id = format!("{prefix}{index}");
        let mut step = match dice.roll(if depth < 2 { 16 } else { 12 }) {
            0..=2 => json!({ "kind": "task", "with": { "x": "{% input.n %}" } }),
            3 => json!({ "kind": "act" }),
            4 => json!({ "kind": "send" }),
            5 => json!({ "kind": "merge" }),
            6 => json!({ "kind": "decision", "with": { "cases": [
                { "port": "a", "when": (["input.n > 1", "input.gone > 1", "true"][dice.roll(3)]) } ] } }),
            7 => json!({ "kind": "wait", "with": { "for": "5s" } }),
            8 => json!({ "kind": "wait_for", "with": { "event": "e", "timeout": "1m" } }),
            9 => json!({ "kind": "approval", "with": {
                "to": ["x"], "quorum": 1 + dice.roll(2), "expires": "1h", "remind": "40m", "escalateAfter": "30m", "escalateTo": ["y"] } }),
            10 => {
                json!({ "kind": "end", "with": { "outcome": "o", "cancelRest": dice.roll(3) == 0 } })
            }
            11 => [
                json!({ "kind": "fail", "with": { "message": "no" } }),
                json!({ "kind": "workflow", "with": { "workflow": "w" } }),
            ][dice.roll(2)]
            .clone(),
            12 | 13 => json!({ "kind": "for_each", "with": {
                "items": (["{% [1,2,3] %}", "{% [] %}", "{% [1] %}"][dice.roll(3)]),
                "concurrency": 1 + dice.roll(3),
                "onItemFailure": (["stop", "continue", "atMost"][dice.roll(3)]), "atMostPercent": 40 } }),
            14 => json!({ "kind": "repeat", "with": {
                "until": (["index > 1", "false", "input.gone"][dice.roll(3)]), "max": 3, "delay": (["", "2s"][dice.roll(2)]) } }),
            _ => json!({ "kind": "scope", "timeout": "1h" }),
        };
        step["id"] = json!(id);
        if ["for_each", "repeat", "scope"].contains(&step["kind"].as_str().unwrap_or_default()) {
            let (steps, edges) = graph(dice, &format!("{id}_"), depth + 1);
            step["body"] = json!({ "steps": steps, "edges": edges });
        }
        if dice.roll(4) == 0 {
            step["retry"] = json!({ "attempts": 1 + dice.roll(3), "first": "1s", "jitter": 0.5 });
        }
        if dice.roll(3) == 0 {
            step["undo"] = json!({ "kind": (["send", "act"][dice.roll(2)]), "with": { "was": "{% output ?? 0 %}" } });
        }
        if dice.roll(12) == 0 {
            step["disabled"] = json!(true);
        }
        if ["task", "act", "send"].contains(&step["kind"].as_str().unwrap_or_default())
            && dice.roll(3) == 0
        {
            step["timeout"] = json!(["30s", "10m"][dice.roll(2)]);
        }
        step["join"] = match dice.roll(5) {
            0 => json!("all"),
            1 => json!("first"),
            2 => json!({ "atLeast": 1 + dice.roll(3) }),
            _ => json!("live"),
        };
        if step["join"] == "first" {
            step["cancelRest"] = json!(dice.roll(2) == 0);
        }
        for (earlier, before) in steps.iter().enumerate() {
            if dice.roll(3) != 0 {
                continue;
            }
            let from = format!("{prefix}{earlier}");
            let kind = before["kind"].as_str().unwrap_or_default().to_owned();
            let port = match (kind.as_str(), dice.roll(3)) {
                ("decision", 0) => ".a",
                ("decision", 1) => ".else",
                ("approval", 0) => ".approved",
                ("approval", 1) => ".rejected",
                ("repeat", 0) => ".done",
                ("wait_for", 0) => ".expired",
                _ => "",
            };
            let mut edge = json!({ "from": format!("{from}{port}"), "to": id });
            match dice.roll(8) {
                0 => edge["on"] = json!("error"),
                1 => edge["on"] = json!("always"),
                2 => edge["when"] = json!("input.n > 1"),
                3 => edge["when"] = json!("input.gone > 1"),
                _ => {}
            }
            edges.push(edge);
        }
        steps.push(step);
    }
    (steps, edges)
}

/// A random workflow, as its file would say it.
pub(crate) fn document(dice: &mut Dice) -> Value {
    let (steps, edges) = graph(dice, "s", 0);
    let mut body =
        json!({ "format": 1, "id": "test", "name": "Test", "steps": steps, "edges": edges });
    if dice.roll(4) == 0 {
        body["onFailure"] = json!("finish");
    }
    if dice.roll(6) == 0 {
        body["timeout"] = json!("50m");
    }
    if dice.roll(2) == 0 {
        body["limits"] = json!({ "steps": 1 + dice.roll(9), "iterations": 1 + dice.roll(4), "inFlight": 1 + dice.roll(4),
            "memory": (["40 B", "1 KB"][dice.roll(2)]), "wallTime": (["10s", "2h"][dice.roll(2)]) });
    }
    body
}
