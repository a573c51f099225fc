//! Tasks that end as a script says: what they do is drawn from seed, step and attempt, so it is the same on every host.

use baton_core::error::StepError;
use baton_core::machine::Task;
use baton_steps::TaskOutput;
use serde_json::json;

/// A number for every text, the same on every host.
pub(crate) fn draw(text: &str, sides: usize) -> usize {
    let hash = blake3::hash(text.as_bytes());
    let number = u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("eight bytes"));
    usize::try_from(number % sides as u64).expect("it is small")
}

fn name(task: &Task) -> String {
    let seed = &task.with["seed"];
    format!("{seed} {} {} {}", task.kind, task.step, task.attempt)
}

const LARGE: usize = 6;
const DEFECT: usize = 7;

/// What the task does.
pub(crate) fn perform(task: &Task) -> Result<TaskOutput, StepError> {
    let name = name(task);
    let output = match draw(&name, 24) {
        0..=3 => {
            return Err(StepError::new(
                "boom",
                format!("`{}` was told to fail", task.step),
            ));
        }
        4 => return Err(StepError::permanent("broken", "for good")),
        5 => return Err(StepError::new("timeout", "it did not end within 1s")),
        LARGE => json!({ "n": 1, "much": "x".repeat(70_000) }),
        DEFECT => panic!("a defect in a step"),
        rest => json!({ "n": rest % 3 }),
    };
    let mut output = TaskOutput::new(output);
    if draw(&format!("{name} logs"), 4) == 0 {
        output
            .logs
            .push(("info".to_owned(), format!("did {}", task.step)));
    }
    Ok(output)
}

/// Half of the pure tasks are light. What needs a task of its own is not: a defect, and an output to keep.
pub(crate) fn perform_inline(task: &Task) -> Option<Result<TaskOutput, StepError>> {
    let place = format!("{} {} inline", task.with["seed"], task.step);
    let is_light = task.kind == "task" && draw(&place, 2) == 0;
    let is_heavy = [LARGE, DEFECT].contains(&draw(&name(task), 24));
    (is_light && !is_heavy).then(|| perform(task))
}
