//! Laws of the workflow file, over arbitrary documents.

use baton_core::document::{Workflow, digest, parse, print};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::generate;

proptest! {
    #[test]
    fn what_is_printed_is_what_was_meant(workflow in generate::workflow()) {
        let text = print(&workflow);
        let parsed = parse(&text).unwrap();
        prop_assert_eq!(&parsed.workflow, &workflow);
        prop_assert_eq!(parsed.problems, vec![]);
        prop_assert_eq!(print(&parsed.workflow), text);
    }

    #[test]
    fn the_digest_survives_a_round_trip(workflow in generate::workflow()) {
        prop_assert_eq!(digest(&parse(&print(&workflow)).unwrap().workflow), digest(&workflow));
    }

    /// The window sends documents as JSON: they arrive as they left.
    #[test]
    fn serde_and_the_file_agree(workflow in generate::workflow()) {
        let value = serde_json::to_value(&workflow).unwrap();
        prop_assert_eq!(serde_json::from_value::<Workflow>(value).unwrap(), workflow);
    }

    /// Whatever is put in place of a field, the file opens, and what is printed is stable.
    #[test]
    fn no_detail_can_keep_a_file_from_opening(
        workflow in generate::workflow(),
        place in any::<prop::sample::Index>(),
        intruder in generate::json(),
    ) {
        let mut value = serde_json::to_value(&workflow).unwrap();
        replace(&mut value, place, &intruder);
        value["steps"].is_array().then_some(()).map_or_else(|| value["steps"] = json!([]), |()| ());
        let first = parse(&value.to_string()).unwrap().workflow;
        let text = print(&first);
        let second = parse(&text).unwrap().workflow;
        prop_assert_eq!(&second, &first);
        prop_assert_eq!(print(&second), text);
        prop_assert_eq!(serde_json::from_value::<Workflow>(serde_json::to_value(&first).unwrap()).unwrap(), first);
    }
}

/// Puts `intruder` in place of one of all values inside `value`.
fn replace(value: &mut Value, place: prop::sample::Index, intruder: &Value) {
    fn count(value: &Value) -> usize {
        1 + match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(map) => map.values().map(count).sum(),
            _ => 0,
        }
    }
    fn walk(value: &mut Value, left: &mut usize, intruder: &Value) {
        let inner: Vec<&mut Value> = match value {
            Value::Array(items) => items.iter_mut().collect(),
            Value::Object(map) => map.values_mut().collect(),
            _ => return,
        };
        for item in inner {
            if *left == 0 {
                return;
            }
            *left -= 1;
            if *left == 0 {
                *item = intruder.clone();
                return;
            }
            walk(item, left, intruder);
        }
    }
    let mut left = 1 + place.index(count(value) - 1);
    walk(value, &mut left, intruder);
}
