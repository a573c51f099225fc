//! What a push or pull changes, in words.

use baton_api::baton_core::compare::{Became, FieldChange, PartChange, WorkflowChanges};
use serde_json::Value;

use crate::out::{Out, Tone};
use crate::words;

/// Prints it, one part a line, its fields below.
pub(crate) fn print(changes: &WorkflowChanges, out: &mut Out) {
    for (word, parts) in [
        ("step", &changes.steps),
        ("edge", &changes.edges),
        ("trigger", &changes.triggers),
    ] {
        for part in parts {
            print_part(word, part, out);
        }
    }
    for field in &changes.settings {
        let line = format!("  ~ {}", field_in_words(field));
        let line = out.tone(Tone::Careful, &line);
        out.line(&line);
    }
    if changes.layout {
        let line = out.tone(
            Tone::Quiet,
            "  ~ where steps and notes stand, which changes no run",
        );
        out.line(&line);
    }
}

fn print_part(word: &str, part: &PartChange, out: &mut Out) {
    let (sign, tone) = match part.became {
        Became::Added => ("+", Tone::Good),
        Became::Removed => ("-", Tone::Bad),
        Became::Changed => ("~", Tone::Careful),
    };
    let kind = part.fields.iter().find(|field| field.field == "kind");
    let kind = match (part.became, kind.and_then(|kind| kind.after.as_ref())) {
        (Became::Added, Some(Value::String(kind))) => format!(" ({kind})"),
        _ => String::new(),
    };
    let line = out.tone(tone, &format!("  {sign} {word} {}{kind}", part.id));
    out.line(&line);
    if part.became == Became::Changed {
        for field in &part.fields {
            out.line(&format!("      {}", field_in_words(field)));
        }
    }
}

fn field_in_words(field: &FieldChange) -> String {
    let name = &field.field;
    match (&field.before, &field.after) {
        (Some(before), Some(after)) => {
            format!("{name}: {} → {}", shown(before), shown(after))
        }
        (None, Some(after)) => format!("{name}: {} (new)", shown(after)),
        (Some(before), None) => format!("{name}: {} (gone)", shown(before)),
        (None, None) => name.clone(),
    }
}

fn shown(value: &Value) -> String {
    words::shorten(&value.to_string())
}
