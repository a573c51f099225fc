//! Findings about the settings of steps.

use expect_test::expect;

use super::check;

#[test]
fn settings_that_are_missing_or_blank_are_told() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "read_table" },
            { "id": "b", "kind": "read_table", "with": { "path": " ", "format": "excel" } },
            { "id": "c", "kind": "approval", "with": { "to": [""] } },
            { "id": "d", "kind": "wait" },
            { "id": "e", "kind": "read_table", "disabled": true }
        ], "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }, { "from": "c", "to": "d" }, { "from": "d", "to": "e" }] }"#,
        &expect![[r#"
            error missing-setting step a.with.path
                `File` is missing
                → fill it in, for example `data.csv`
            error missing-setting step b.with.path
                `File` is missing
                → fill it in, for example `data.csv`
            error missing-setting step b.with.sheet
                `Sheet` is missing
                → fill it in
            error missing-setting step c.with.to
                `Who decides` is missing
                → fill it in, for example `data-steward`
            error missing-setting step d.with
                `d` does not say how long it waits
                → fill in `For` or `Until`
        "#]],
    );
}

#[test]
fn settings_have_the_type_of_their_field() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "read_table", "with": { "path": 5, "format": "exel", "limit": 0, "header": "yes", "wait": "soon" } },
            { "id": "b", "kind": "read_table", "with": { "path": "x", "limit": "many", "format": "parquet" } },
            { "id": "c", "kind": "read_table", "with": { "path": "x", "limit": 1001 } },
            { "id": "d", "kind": "query", "with": { "table": "a", "sql": [1], "tags": "one", "names": [] } },
            { "id": "e", "kind": "query", "with": { "table": "steps.a", "sql": "select 1" } },
            { "id": "f", "kind": "query", "with": { "table": 5 } }
        ], "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }, { "from": "c", "to": "d" }, { "from": "d", "to": "e" }, { "from": "e", "to": "f" }] }"#,
        &expect![[r#"
            error wrong-setting step a.with.path
                `File` must be a text, not `5`
                → correct the value, or write an expression in `{% … %}`
            error wrong-setting step a.with.format
                `exel` is no choice for `Format`
                → did you mean `excel`?
            error wrong-setting step a.with.limit
                `Rows at most` must be at least 1, not 0
                → write 1 or more
            error wrong-setting step a.with.header
                `Header` must be `true` or `false`, not `yes`
                → correct the value
            error duration step a.with.wait
                `soon` is not a duration
                → write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`
            error wrong-setting step b.with.format
                `parquet` is no choice for `Format`
                → choose one of `csv`, `excel`
            error wrong-setting step b.with.limit
                `Rows at most` must be a number, not `many`
                → correct the value
            error wrong-setting step c.with.limit
                `Rows at most` must be at most 1000, not 1001
                → write 1000 or less
            error wrong-setting step d.with.table
                `Table` must be a table, not the text `a`
                → write `{% steps.a %}`
            error wrong-setting step d.with.sql
                `SQL` must be a text or a list of lines, not a list
                → correct the value, or write an expression in `{% … %}`
            error wrong-setting step d.with.tags
                `Tags` must be a list of texts, not `one`
                → correct the value
            error wrong-setting step d.with.names
                `Names` must be names with values, in `{ }`, not a list
                → correct the value, or write an expression in `{% … %}`
            error plain-expression step e.with.table
                `Table` is the text `steps.a`, which is not evaluated
                → write `{% steps.a %}`
            error wrong-setting step f.with.table
                `Table` must be a table, by an expression such as `{% steps.load %}`, not `5`
                → correct the value, or write an expression in `{% … %}`
            info unused-output step f
                nothing reads the output of `f`, and no step follows it
                → save it, hand it on with an `end`, or delete the step
        "#]],
    );
}

#[test]
fn expressions_are_not_judged_by_type() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "read_table", "with": {
            "path": "{% input.path %}", "format": "{% input.format %}", "limit": "{% input.n %}", "header": "{% true %}", "wait": "{% input.wait %}",
            "sheet": "x" } }] }"#,
        &expect![[""]],
    );
}

#[test]
fn fields_of_lists_have_a_path() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "quality_gate", "with": { "table": "{% input.t %}", "rules": [
                { "column": "x" }, { "colum": "y", "min": -1 }, 7 ] } }
        ] }"#,
        &expect![[r#"
            error missing-setting step a.with.rules[1].column
                `Column` is missing
                → fill it in
            error wrong-setting step a.with.rules[1].min
                `Least` must be at least 0, not -1
                → write 0 or more
            error wrong-setting step a.with.rules[2]
                `Rules` must be a list of objects, not `7`
                → correct the value
            warning unknown-setting step a.with.rules[1].colum
                there is no setting `colum`
                → did you mean `column`?
        "#]],
    );
}

#[test]
fn unknown_settings_are_kept_and_told() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "read_table", "with": { "path": "x", "fromat": "csv", "zzz": 1 } },
            { "id": "b", "kind": "merge", "with": { "x": 1 } }
        ], "edges": [{ "from": "a", "to": "b" }] }"#,
        &expect![[r#"
            warning unknown-setting step a.with.fromat
                there is no setting `fromat`
                → did you mean `format`?
            warning unknown-setting step a.with.zzz
                there is no setting `zzz`
                → delete it; known are `path`, `format`, `sheet`, `limit`, `header`, `wait`
            warning unknown-setting step b.with.x
                there is no setting `x`
                → this kind of step has no settings; delete it
        "#]],
    );
}

#[test]
fn names_of_ports_are_slugs() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "decision", "with": { "cases": [{ "port": "Large order", "when": "input.n > 9" }] } }] }"#,
        &expect![[r#"
            error bad-port step a.with.cases[0].port
                `Large order` cannot be a port: ports start with a lower case letter and hold only those, digits and `_`
                → write `large_order` here, and the words people see into the title
        "#]],
    );
}

#[test]
fn a_path_without_braces_is_only_text() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "for_each", "with": { "items": "input.orders" },
            "body": { "steps": [{ "id": "b", "kind": "merge" }] } }] }"#,
        &expect![[r#"
            warning plain-expression step a.with.items
                `Items` is the text `input.orders`, which is not evaluated
                → write `{% input.orders %}`
        "#]],
    );
}
