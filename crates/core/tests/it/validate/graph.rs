//! Findings about the graph.

use expect_test::expect;

use super::check;

#[test]
fn a_workflow_without_steps_is_only_worth_a_word() {
    check(
        r#"{ "steps": [] }"#,
        &expect![[r#"
        info empty-workflow workflow
            the workflow has no steps yet
            → drag a step from the palette onto the canvas
    "#]],
    );
}

#[test]
fn a_sound_workflow_has_no_findings() {
    check(
        r#"{ "steps": [
            { "id": "load", "kind": "read_table", "with": { "path": "a.csv" } },
            { "id": "gate", "kind": "quality_gate", "with": { "table": "{% steps.load %}" } },
            { "id": "done", "kind": "end", "with": { "outcome": "done" } },
            { "id": "tell", "kind": "send", "retry": { "attempts": 3 }, "with": { "text": ["{% steps.gate.message %}"] } }
        ], "edges": [
            { "from": "load", "to": "gate" }, { "from": "gate.pass", "to": "done" }, { "from": "gate.fail", "to": "tell" }
        ] }"#,
        &expect![[""]],
    );
}

#[test]
fn a_cycle_is_told_with_its_path() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "merge" }, { "id": "b", "kind": "merge" }, { "id": "c", "kind": "merge" }, { "id": "d", "kind": "merge" }
        ], "edges": [
            { "from": "a", "to": "b" }, { "from": "b", "to": "c" }, { "from": "c", "to": "a" }, { "from": "c", "to": "d" }, { "from": "d", "to": "d" }
        ] }"#,
        &expect![[r#"
            error cycle step a
                the steps wait for each other in a circle: `a → b → c → a`
                → delete one of these edges; to do something again, put the steps into a `repeat`
            error cycle step d
                the steps wait for each other in a circle: `d → d`
                → delete one of these edges; to do something again, put the steps into a `repeat`
        "#]],
    );
}

#[test]
fn a_cycle_in_a_body_is_found() {
    check(
        r#"{ "steps": [{ "id": "s", "kind": "scope", "body": {
            "steps": [{ "id": "a", "kind": "merge" }, { "id": "b", "kind": "merge" }],
            "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "a" }] } }] }"#,
        &expect![[r#"
            error cycle step a
                the steps wait for each other in a circle: `a → b → a`
                → delete one of these edges; to do something again, put the steps into a `repeat`
        "#]],
    );
}

#[test]
fn a_step_that_nothing_connects_is_dangling_unless_it_is_alone() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "merge" }] }"#,
        &expect![[""]],
    );
    check(
        r#"{ "steps": [{ "id": "a", "kind": "merge" }, { "id": "b", "kind": "merge" }, { "id": "c", "kind": "merge" },
            { "id": "d", "kind": "merge", "disabled": true }], "edges": [{ "from": "a", "to": "b" }] }"#,
        &expect![[r#"
            warning dangling-step step c
                no edge leads to or from `c`: it starts at once, and nothing waits for it
                → connect it, disable it or delete it
        "#]],
    );
}

#[test]
fn edges_lead_to_steps_and_leave_from_ports_that_exist() {
    check(
        r#"{ "steps": [
            { "id": "load", "kind": "read_table", "with": { "path": "a" } },
            { "id": "gate", "kind": "quality_gate", "with": { "table": "{% steps.load %}" } },
            { "id": "each", "kind": "scope", "body": { "steps": [{ "id": "inner", "kind": "merge" }] } }
        ], "edges": [
            { "from": "laod", "to": "gate" }, { "from": "load", "to": "nowhere" }, { "from": "load", "to": "inner" },
            { "from": "load.rows", "to": "gate" }, { "from": "gate.passed", "to": "each" }, { "from": "gate.x", "to": "each" },
            { "from": "gate.fail", "to": "each", "on": "error" }, { "from": "load", "to": "gate" }, { "from": "load", "to": "gate" },
            { "from": "gate", "to": "each" }
        ] }"#,
        &expect![[r#"
            error unknown-step edge laod->gate.from
                there is no step `laod`
                → did you mean `load`?
            error unknown-step edge load->nowhere.to
                there is no step `nowhere`
                → draw the edge anew, or delete it
            error crossing-edge edge load->inner.to
                `inner` stands in another container, and an edge never crosses the border of one
                → draw the edge from or to the container itself
            error unknown-port edge load.rows->gate.from
                `load` has no port `rows`: a step of the kind `read_table` has none at all
                → write `load` alone
            error unknown-port edge gate.passed->each.from
                `gate` has no port `passed`
                → did you mean `pass`?
            error unknown-port edge gate.x->each.from
                `gate` has no port `x`
                → its ports are `pass`, `fail`
            error duplicate-edge edge load->gate
                there is more than one edge `load->gate`
                → delete one; join their conditions with `or` if both are meant
            warning port-on-error edge gate.fail->each!error.from
                `gate` chooses no port when it fails, so this edge is never taken
                → leave from `gate` for the error path, or remove `on` for the port
        "#]],
    );
}

#[test]
fn ids_are_slugs_and_unique_in_the_whole_document() {
    check(
        r#"{ "id": "My Flow", "steps": [
            { "id": "a", "kind": "scope", "body": { "steps": [{ "id": "b", "kind": "merge" }] } },
            { "id": "b", "kind": "merge" }, { "id": "Load Data!", "kind": "merge" }, { "id": "9", "kind": "merge" }
        ], "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "Load Data!" }, { "from": "b", "to": "9" }],
        "notes": [{ "id": "a", "text": [] }],
        "triggers": [{ "id": "t", "kind": "manual" }, { "id": "t", "kind": "manual" }] }"#,
        &expect![[r#"
            error duplicate-id workflow.notes
                another step or note already has the id `a`
                → give one of them another id; edges and expressions find it by that
            error bad-id workflow.id
                `My Flow` cannot be an id: ids start with a lower case letter and hold only those, digits and `_`, at most 64
                → write `my_flow`
            error duplicate-id trigger t
                another trigger already has the id `t`
                → give one of them another id; edges and expressions find it by that
            error duplicate-id step b.id
                another step already has the id `b`
                → give one of them another id; edges and expressions find it by that
            error bad-id step Load Data!.id
                `Load Data!` cannot be an id: ids start with a lower case letter and hold only those, digits and `_`, at most 64
                → write `load_data`
            error bad-id step 9.id
                `9` cannot be an id: ids start with a lower case letter and hold only those, digits and `_`, at most 64
                → an example: `load_customers`
        "#]],
    );
}

#[test]
fn steps_behind_edges_that_are_never_taken_never_start() {
    check(
        r#"{ "steps": [
            { "id": "stop", "kind": "fail", "with": { "message": "no" } },
            { "id": "after", "kind": "merge" }, { "id": "later", "kind": "merge" },
            { "id": "rescue", "kind": "merge" },
            { "id": "both", "kind": "merge", "join": "all" },
            { "id": "off", "kind": "decision", "disabled": true }, { "id": "chosen", "kind": "merge" }
        ], "edges": [
            { "from": "stop", "to": "after" }, { "from": "after", "to": "later" }, { "from": "stop", "to": "rescue", "on": "error" },
            { "from": "rescue", "to": "both" }, { "from": "stop", "to": "both" }, { "from": "off.else", "to": "chosen" }
        ] }"#,
        &expect![[r#"
            error exclusive-join step both.join
                `both` waits for all its edges, but `stop->both` and `rescue->both` never come together: `stop` takes only one of these ways
                → use the join `live`: it starts as soon as the branch that was taken arrives
            warning unreachable-step step after
                `after` can never start: `stop` always fails
                → correct the edges that lead to it, or delete it
            warning unreachable-step step both
                `both` can never start: `stop` always fails
                → correct the edges that lead to it, or delete it
            warning unreachable-step step chosen
                `chosen` can never start: `off` is disabled and chooses no port, so not `else`
                → correct the edges that lead to it, or delete it
        "#]],
    );
}

#[test]
fn joins_wait_for_edges_that_are_there() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "merge", "join": "all" },
            { "id": "b", "kind": "merge", "join": { "atLeast": 3 } },
            { "id": "c", "kind": "merge", "join": { "atLeast": 0 } },
            { "id": "d", "kind": "merge", "join": "first" },
            { "id": "e", "kind": "merge", "cancelRest": true }
        ], "edges": [
            { "from": "a", "to": "b" }, { "from": "a", "to": "c" }, { "from": "b", "to": "c" }, { "from": "c", "to": "d" }, { "from": "d", "to": "e" }
        ] }"#,
        &expect![[r#"
            error join-at-least step b.join
                `b` waits for at least 3 edges, but the number of edges that lead to it is 1
                → lower the number, or draw the missing edges
            error join-at-least step c.join
                `c` waits for at least 0 edges, which is no condition
                → write how many must arrive, from 1
            warning join-without-edges step a.join
                `a` has a join, but no edge leads to it
                → draw the edges it should wait for, or remove the join
            warning cancel-rest step e.join
                `cancelRest` of `e` has no effect without the join `first`
                → set the join to `first`, or switch it off
            info join-of-one step d.join
                `d` starts at the first of its edges, but there is only one
                → draw the other edges, or remove the join
        "#]],
    );
}

/// A decision with the ports `large`, `small` and `else`.
fn branches(steps: &str, edges: &str) -> String {
    format!(
        r#"{{ "steps": [
            {{ "id": "size", "kind": "decision", "with": {{ "cases": [
                {{ "port": "large", "when": "input.n > 9" }}, {{ "port": "small", "when": "input.n > 1" }}] }} }},
            {{ "id": "a", "kind": "merge" }}, {{ "id": "b", "kind": "merge" }}, {{ "id": "c", "kind": "merge" }}, {steps}
        ], "edges": [
            {{ "from": "size.large", "to": "a" }}, {{ "from": "size.small", "to": "b" }}, {{ "from": "size.else", "to": "c" }}, {edges}
        ] }}"#
    )
}

#[test]
fn exclusive_branches_never_meet_in_an_all_join() {
    check(
        &branches(
            r#"{ "id": "meet", "kind": "merge", "join": "all" }"#,
            r#"{ "from": "a", "to": "meet" }, { "from": "b", "to": "meet" }, { "from": "c", "to": "meet" }"#,
        ),
        &expect![[r#"
            error exclusive-join step meet.join
                `meet` waits for all its edges, but `a->meet` and `b->meet` never come together: `size` takes only one of these ways
                → use the join `live`: it starts as soon as the branch that was taken arrives
        "#]],
    );
}

#[test]
fn branches_are_traced_through_steps_and_merges() {
    check(
        &branches(
            r#"{ "id": "ab", "kind": "merge" }, { "id": "more", "kind": "merge" }, { "id": "meet", "kind": "merge", "join": { "atLeast": 2 } }"#,
            r#"{ "from": "a", "to": "more" }, { "from": "more", "to": "meet" }, { "from": "b", "to": "ab" }, { "from": "ab", "to": "meet" }"#,
        ),
        &expect![[r#"
            error exclusive-join step meet.join
                `meet` waits for 2 of its edges, but `more->meet` and `ab->meet` never come together: `size` takes only one of these ways
                → use the join `live`: it starts as soon as the branch that was taken arrives
        "#]],
    );
}

#[test]
fn success_and_failure_of_one_step_never_meet() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "merge" }, { "id": "b", "kind": "merge", "join": "all" }],
            "edges": [{ "from": "a", "to": "b" }, { "from": "a", "to": "b", "on": "error" }] }"#,
        &expect![[r#"
            error exclusive-join step b.join
                `b` waits for all its edges, but `a->b` and `a->b!error` never come together: `a` takes only one of these ways
                → use the join `live`: it starts as soon as the branch that was taken arrives
        "#]],
    );
}

#[test]
fn branches_that_can_come_together_are_left_alone() {
    for (steps, edges) in [
        // Two branches of one decision, of which one is enough.
        (
            r#"{ "id": "meet", "kind": "merge" }"#,
            r#"{ "from": "a", "to": "meet" }, { "from": "b", "to": "meet" }"#,
        ),
        // After the merge the choice is forgotten.
        (
            r#"{ "id": "ab", "kind": "merge" }, { "id": "meet", "kind": "merge", "join": "all" }, { "id": "other", "kind": "merge" }"#,
            r#"{ "from": "a", "to": "ab" }, { "from": "b", "to": "ab" }, { "from": "ab", "to": "meet" }, { "from": "ab", "to": "other" }, { "from": "other", "to": "meet" }"#,
        ),
        // Two of three may come: the same port leads to both.
        (
            r#"{ "id": "x", "kind": "merge" }, { "id": "meet", "kind": "merge", "join": { "atLeast": 2 } }"#,
            r#"{ "from": "size.large", "to": "x" }, { "from": "x", "to": "meet" }, { "from": "a", "to": "meet" }, { "from": "b", "to": "meet" }"#,
        ),
    ] {
        let found = super::findings(&branches(steps, edges));
        assert!(!found.contains("exclusive-join"), "{found}");
    }
}

#[test]
fn an_outcome_that_leads_nowhere_is_worth_a_word() {
    check(
        r#"{ "steps": [
            { "id": "ask", "kind": "approval", "with": { "to": ["lead"], "expires": "2d" } }, { "id": "go", "kind": "merge" }
        ], "edges": [{ "from": "ask.approved", "to": "go" }] }"#,
        &expect![[r#"
            info unhandled-port step ask
                nothing follows when `ask` takes `rejected`
                → draw an edge from this port if something should happen then
            info unhandled-port step ask
                nothing follows when `ask` takes `expired`
                → draw an edge from this port if something should happen then
        "#]],
    );
}
