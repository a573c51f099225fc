//! Arbitrary workflows: acyclic, with unique ids – and with whatever else a file may hold.

use baton_core::document::{
    About, Body, Edge, Join, Limits, Note, On, OnFailure, Retry, Step, Trigger, Undo, Workflow,
};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Any JSON value, small.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // Eighths have a short decimal form, so that reading them back is exact.
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Any text, with quotes, controls and all of Unicode.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,40}",
        any::<String>(),
        Just("Zürich \u{1F3BC} \"quoted\" \\ \n\t\u{0} \u{2028}".to_owned()),
        Just("{% steps.load.rows > 100 %}".to_owned()),
    ]
}

/// Fields that no type knows.
fn rest() -> impl Strategy<Value = Map<String, Value>> {
    prop_oneof![
        4 => Just(Map::new()),
        1 => btree_map("x_[a-z]{1,4}", json(), 1..3).prop_map(|map| map.into_iter().collect()),
    ]
}

fn settings() -> impl Strategy<Value = Map<String, Value>> {
    btree_map(text(), json(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn eighth() -> impl Strategy<Value = f64> {
    (-80_000i32..80_000).prop_map(|n| f64::from(n) / 8.0)
}

fn retry() -> impl Strategy<Value = Retry> {
    (
        option::of(any::<u32>()),
        option::of(text()),
        option::of(eighth()),
        option::of(eighth()),
        option::of(text()),
        rest(),
    )
        .prop_map(|(attempts, first, factor, jitter, when, rest)| Retry {
            attempts,
            max: first.clone(),
            first,
            factor,
            jitter,
            when,
            rest,
        })
}

fn undo() -> impl Strategy<Value = Undo> {
    (
        text(),
        settings(),
        option::of(retry()),
        option::of(text()),
        rest(),
    )
        .prop_map(|(kind, with, retry, timeout, rest)| Undo {
            kind,
            with,
            retry,
            timeout,
            rest,
        })
}

fn limits() -> impl Strategy<Value = Limits> {
    (
        option::of(any::<u32>()),
        option::of(any::<u32>()),
        option::of(text()),
        option::of(text()),
        rest(),
    )
        .prop_map(|(steps, depth, payload, wall_time, rest)| Limits {
            steps,
            iterations: depth,
            depth,
            in_flight: steps,
            run_payload: payload.clone(),
            memory: wall_time.clone(),
            payload,
            wall_time,
            rest,
        })
}

fn join() -> impl Strategy<Value = Join> {
    prop_oneof![
        Just(Join::Live),
        Just(Join::All),
        Just(Join::First),
        (0u32..9).prop_map(Join::AtLeast)
    ]
}

/// A step without an id and body.
fn bare_step() -> BoxedStrategy<Step> {
    let kind = prop_oneof![
        Just("read_table".to_owned()),
        Just("decision".to_owned()),
        Just("approval".to_owned()),
        text()
    ];
    (
        (kind, option::of(text()), option::of(text()), settings()),
        (
            option::of(join()),
            any::<bool>(),
            option::of(retry()),
            option::of(text()),
        ),
        (
            option::of(undo()),
            any::<bool>(),
            option::of(json()),
            rest(),
        ),
    )
        .prop_map(
            |(
                (kind, name, description, with),
                (join, cancel_rest, retry, timeout),
                (undo, disabled, pin, rest),
            )| {
                Step {
                    id: String::new(),
                    kind,
                    name,
                    description,
                    with,
                    join,
                    cancel_rest,
                    retry,
                    resource: timeout.clone(),
                    timeout,
                    undo,
                    disabled,
                    pin,
                    body: None,
                    rest,
                }
            },
        )
        .boxed()
}

fn edge() -> impl Strategy<Value = Edge> {
    (
        option::of(prop_oneof![Just(On::Error), Just(On::Always)]),
        option::of(text()),
        option::of(text()),
        rest(),
    )
        .prop_map(|(on, when, label, rest)| Edge {
            on,
            when,
            label,
            rest,
            ..Edge::default()
        })
}

/// Steps, and edges that always lead from an earlier to a later step.
fn graph(steps: impl Strategy<Value = Step>) -> impl Strategy<Value = (Vec<Step>, Vec<Edge>)> {
    let ends = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        option::of("[a-z]{1,5}"),
    );
    (vec(steps, 0..6), vec((ends, edge()), 0..8)).prop_map(|(steps, edges)| {
        let edges = edges
            .into_iter()
            .filter(|_| steps.len() > 1)
            .map(|((a, b, port), edge)| {
                let to = 1 + a.index(steps.len() - 1);
                let from = b.index(to);
                // Ids follow in `workflow`; until then a step goes by its place.
                let from = port.map_or_else(|| from.to_string(), |port| format!("{from}.{port}"));
                Edge {
                    from,
                    to: to.to_string(),
                    ..edge
                }
            })
            .collect();
        (steps, edges)
    })
}

/// Gives every step an id of its own and the edges the ids of their steps.
fn name(steps: &mut [Step], edges: &mut [Edge], next: &mut usize) {
    for step in steps.iter_mut() {
        step.id = format!("s{next}");
        *next += 1;
        if let Some(body) = &mut step.body {
            name(&mut body.steps, &mut body.edges, next);
        }
    }
    let id = |place: &str| {
        steps[place.parse::<usize>().expect("places are numbers")]
            .id
            .clone()
    };
    for edge in edges {
        edge.to = id(&edge.to);
        edge.from = match edge.from.split_once('.') {
            Some((place, port)) => format!("{}.{port}", id(place)),
            None => id(&edge.from),
        };
    }
}

/// Any workflow whose graphs are acyclic and whose ids are unique.
pub(crate) fn workflow() -> BoxedStrategy<Workflow> {
    let step = (
        bare_step(),
        option::weighted(0.2, (graph(bare_step()), rest())),
    )
        .prop_map(|(step, body)| Step {
            body: body.map(|((steps, edges), rest)| Body { steps, edges, rest }),
            ..step
        });
    let about = (
        option::of(text()),
        option::of(text()),
        option::of(vec(text(), 0..3)),
        rest(),
    )
        .prop_map(|(purpose, owner, tags, rest)| About {
            purpose,
            owner,
            tags,
            rest,
        });
    let trigger =
        (text(), text(), btree_map("x_[a-z]{1,4}", json(), 0..3)).prop_map(|(id, kind, with)| {
            Trigger {
                id,
                kind,
                with: with.into_iter().collect(),
            }
        });
    let note = (
        text(),
        vec(text(), 0..3),
        option::of([eighth(), eighth()]),
        option::of(text()),
        rest(),
    )
        .prop_map(|(id, text, size, color, rest)| Note {
            id,
            text,
            size,
            color,
            rest,
        });
    let failure = prop_oneof![Just(OnFailure::Cancel), Just(OnFailure::Finish)];
    (
        (
            option::of(text()),
            any::<u32>(),
            text(),
            text(),
            option::of(about),
            option::of(json()),
        ),
        (
            vec(trigger, 0..3),
            option::of(text()),
            option::of(failure),
            option::of(limits()).boxed(),
        ),
        (
            graph(step),
            vec(note, 0..3),
            btree_map(text(), [eighth(), eighth()], 0..4),
            rest(),
        ),
    )
        .prop_map(
            |(
                (schema, format, id, title, about, input),
                (triggers, timeout, on_failure, limits),
                ((mut steps, mut edges), notes, layout, rest),
            )| {
                name(&mut steps, &mut edges, &mut 0);
                Workflow {
                    schema,
                    format,
                    id,
                    name: title,
                    about,
                    input,
                    triggers,
                    timeout,
                    on_failure,
                    limits,
                    steps,
                    edges,
                    notes,
                    layout: layout.into_iter().collect(),
                    rest,
                }
            },
        )
        .boxed()
}
