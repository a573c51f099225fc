//! Findings about expressions.

use expect_test::expect;

use super::check;

#[test]
fn what_cannot_be_read_says_where() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "send", "retry": { "when": "error.code = " }, "with": { "text": ["Dear", "{% input.name & %}", "you"] } },
            { "id": "b", "kind": "decision", "with": { "cases": [{ "port": "x", "when": "input.n >> 1" }, { "port": "y", "when": "{% input.n > 1 %}" }] } },
            { "id": "c", "kind": "read_table", "with": { "path": "data/{% input.file" } }
        ], "edges": [{ "from": "a", "to": "b", "when": "(" }, { "from": "b.x", "to": "c" }, { "from": "b.y", "to": "c" }, { "from": "b.else", "to": "c" }] }"#,
        &expect![[r#"
            error expression-syntax step a.with.text@20
                the expression ends too early
                → an example: `steps.load.rows > 100 and input.region = "north"`
            error expression-syntax step a.retry.when@12
                the expression ends too early
                → an example: `steps.load.rows > 100 and input.region = "north"`
            error expression-syntax step b.with.cases[0].when
                the symbol GreaterThan cannot be used as a unary operator
                → an example: `steps.load.rows > 100 and input.region = "north"`
            error expression-syntax step c.with.path@5
                `{%` has no closing `%}`
                → an example: `{% steps.load.rows > 100 %}`
            error expression-syntax edge a->b.when@1
                the expression ends too early
                → an example: `steps.load.rows > 100 and input.region = "north"`
            info unused-output step c
                nothing reads the output of `c`, and no step follows it
                → save it, hand it on with an `end`, or delete the step
        "#]],
    );
}

#[test]
fn expressions_read_steps_that_exist_and_have_run() {
    check(
        r#"{ "steps": [
            { "id": "load", "kind": "read_table", "with": { "path": "x" } },
            { "id": "a", "kind": "query", "with": { "table": "{% steps.lod %}", "sql": ["select", "{% steps.later.rows %}", "{% steps.a.rows %}"] } },
            { "id": "later", "kind": "query", "with": { "table": "{% steps.load %}" } },
            { "id": "side", "kind": "query", "with": { "table": "{% steps.nowhere %}" } },
            { "id": "z", "kind": "merge" }
        ], "edges": [
            { "from": "load", "to": "a" }, { "from": "a", "to": "later" }, { "from": "load", "to": "side", "when": "steps.load.rows > 0" },
            { "from": "side", "to": "z", "when": "{% steps.side.rows > steps.later.rows %}" }, { "from": "later", "to": "z" }
        ] }"#,
        &expect![[r#"
            error unknown-reference step a.with.table@3
                there is no step `lod`
                → did you mean `load`?
            error not-before step a.with.sql@33
                `a` reads its own output, which is not there when it starts
                → read a step that comes before it
            error not-before step a.with.sql@10
                `steps.later` may not have run yet: no path leads from `later` to `a`
                → draw an edge from `later` towards `a`, or read another step
            error unknown-reference step side.with.table@3
                there is no step `nowhere`
                → expressions find a step by its id, which the inspector shows below the name
            error not-before edge side->z.when@21
                `steps.later` may not have run yet: no path leads from `later` to `side`
                → draw an edge from `later` towards `side`, or read another step
        "#]],
    );
}

#[test]
fn bodies_see_what_is_before_their_container_and_nobody_sees_into_them() {
    check(
        r#"{ "steps": [
            { "id": "load", "kind": "read_table", "with": { "path": "x" } },
            { "id": "each", "kind": "for_each", "with": { "items": "{% steps.load.preview %}", "result": "{% steps.inner.rows + index %}" },
              "body": { "steps": [
                { "id": "inner", "kind": "query", "with": { "table": "{% steps.load %}", "sql": ["{% item.id %}", "{% steps.each %}"] } },
                { "id": "second", "kind": "query", "with": { "table": "{% steps.inner %}" } } ],
                "edges": [{ "from": "inner", "to": "second" }] } },
            { "id": "after", "kind": "query", "with": { "table": "{% steps.inner %}", "sql": ["{% item.id %}"] } }
        ], "edges": [{ "from": "load", "to": "each" }, { "from": "each", "to": "after" }] }"#,
        &expect![[r#"
            error not-before step inner.with.sql@17
                `each` is still running while the steps inside it run
                → read a step that comes before it
            error not-before step after.with.table@3
                `inner` stands inside `each` and cannot be read from outside
                → hand its value out with the `result` of `each`, and read `steps.each`
            error outside-loop step after.with.sql@3
                `item` exists only inside a `for_each`
                → move the step into one, or read `steps` or `input`
            info unused-output step second
                nothing reads the output of `second`, and no step follows it
                → save it, hand it on with an `end`, or delete the step
            info unused-output step after
                nothing reads the output of `after`, and no step follows it
                → save it, hand it on with an `end`, or delete the step
        "#]],
    );
}

#[test]
fn names_are_in_scope_only_where_they_mean_something() {
    check(
        r#"{ "steps": [
            { "id": "load", "kind": "read_table", "with": { "path": "{% load.path %}" } },
            { "id": "a", "kind": "send", "retry": { "when": "error.code = 'x' and attempt < 3" }, "with": { "text": ["{% error.message %}", "{% inptu.x %}", "{% iteration %}", "{% customer %}"] } },
            { "id": "rescue", "kind": "send", "retry": {}, "with": { "text": ["{% error.message %}"] } },
            { "id": "after", "kind": "send", "retry": {}, "with": { "text": ["{% error.message & env.region & run.id %}"] } },
            { "id": "again", "kind": "repeat", "with": { "until": "iteration > 3 and steps.poll.done" }, "body": { "steps": [{ "id": "poll", "kind": "merge" }] } }
        ], "edges": [
            { "from": "load", "to": "a" }, { "from": "load", "to": "rescue", "on": "error", "when": "error.code = 'x'" }, { "from": "rescue", "to": "after" },
            { "from": "a", "to": "again", "when": "error.code = 'x'" }
        ] }"#,
        &expect![[r#"
            error unknown-name step load.with.path@3
                `load` is not known here
                → to read the step, write `steps.load`
            error outside-error-path step a.with.text@3
                `error` exists only behind an error edge
                → draw an error edge that leads to `a`
            error unknown-name step a.with.text@23
                `inptu` is not known here
                → did you mean `input`?
            error outside-loop step a.with.text@37
                `iteration` exists only inside a `repeat`
                → move the step into one, or read `steps` or `input`
            error unknown-name step a.with.text@53
                `customer` is not known here
                → in scope are `input`, `steps`, `run` and `env`; texts stand in quotes
            error outside-error-path edge a->again.when@0
                `error` exists only behind an error edge
                → draw an error edge that leads to `a`
        "#]],
    );
}

#[test]
fn the_input_has_the_fields_of_its_schema() {
    let of = |input: &str| {
        format!(
            r#"{{ "input": {input}, "steps": [{{ "id": "a", "kind": "read_table", "with": {{ "path": "{{% input.fiel & input.other %}}" }} }}] }}"#
        )
    };
    check(
        &of(r#"{ "type": "object", "properties": { "file": { "type": "string" } } }"#),
        &expect![[r#"
        warning unknown-input step a.with.path@3
            the input of the workflow has no `fiel`
            → did you mean `file`?
        warning unknown-input step a.with.path@16
            the input of the workflow has no `other`
            → add `other` to the input of the workflow
    "#]],
    );
    check(
        &of(
            r#"{ "type": "object", "properties": { "file": { "type": "string" } }, "additionalProperties": true }"#,
        ),
        &expect![[""]],
    );
    check(&of(r#"{ "type": "object" }"#), &expect![[""]]);
}

#[test]
fn inside_a_filter_names_are_fields_of_the_item() {
    check(
        r#"{ "steps": [
            { "id": "load", "kind": "read_table", "with": { "path": "x" } },
            { "id": "a", "kind": "send", "retry": {}, "with": { "text": ["{% $sum(steps.load.preview[amount > 3].amount) %}", "{% steps.load.preview.(first & last) %}"] } }
        ], "edges": [{ "from": "load", "to": "a" }] }"#,
        &expect![[""]],
    );
}

#[test]
fn a_sign_that_opens_and_closes_at_once_is_a_mistake_and_no_panic() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "read_table", "with": { "path": "x {%} y %}" } }] }"#,
        &expect![[r#"
            error expression-syntax step a.with.path@2
                `{%` has no closing `%}`
                → an example: `{% steps.load.rows > 100 %}`
        "#]],
    );
}

#[test]
fn what_an_expression_says_to_do_without_a_step_is_only_a_warning() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "read_table", "with": { "path": "x" } },
            { "id": "b", "kind": "send", "retry": {}, "with": { "text": ["{% $exists(steps.a) ? steps.a.rows : 0 %}"] } },
            { "id": "c", "kind": "merge" }
        ], "edges": [{ "from": "a", "to": "c" }, { "from": "b", "to": "c" }] }"#,
        &expect![[r#"
            warning not-before step b.with.text@11
                `steps.a` may not have run yet: no path leads from `a` to `b`
                → draw an edge from `a` towards `b`, or read another step
            warning not-before step b.with.text@22
                `steps.a` may not have run yet: no path leads from `a` to `b`
                → draw an edge from `a` towards `b`, or read another step
        "#]],
    );
}
