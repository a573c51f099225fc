//! Findings about steps, bodies, undo and retry.

use expect_test::expect;

use super::check;

#[test]
fn unknown_kinds_are_placeholders_that_cannot_run() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "read_tabel" }, { "id": "b", "kind": "teleport" }, { "id": "c", "kind": "teleport", "disabled": true }
        ], "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }] }"#,
        &expect![[r#"
            error unknown-kind step a.kind
                this version has no step of the kind `read_tabel`
                → did you mean `read_table`?
            error unknown-kind step b.kind
                this version has no step of the kind `teleport`
                → a newer version may know it; until then replace the step or disable it
            warning unknown-kind step c.kind
                this version has no step of the kind `teleport`
                → a newer version may know it; until then replace the step or disable it
        "#]],
    );
}

#[test]
fn containers_hold_steps_and_others_do_not() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "scope" },
            { "id": "b", "kind": "scope", "body": { "steps": [] } },
            { "id": "c", "kind": "merge", "body": { "steps": [{ "id": "d", "kind": "merge" }] } }
        ], "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }] }"#,
        &expect![[r#"
            error empty-body step a.body
                `a` has no steps inside
                → drag the steps it should carry out into it
            error empty-body step b.body
                `b` has no steps inside
                → drag the steps it should carry out into it
            error body-not-allowed step c.body
                `c` is a `merge` and cannot hold steps; they would never run
                → move the steps out, or use a `scope`, `for_each` or `repeat`
        "#]],
    );
}

#[test]
fn steps_that_act_outside_say_what_happens_when_they_fail() {
    check(
        r#"{ "steps": [{ "id": "tell", "kind": "send" }] }"#,
        &expect![[r#"
        warning no-error-path step tell
            `tell` acts on the outside world, and a failure of it ends the run
            → draw an error edge from it, let it retry, or put it into a scope with an error edge
    "#]],
    );
    for handled in [
        r#"{ "steps": [{ "id": "tell", "kind": "send", "retry": { "attempts": 3 } }] }"#,
        r#"{ "steps": [{ "id": "tell", "kind": "send" }, { "id": "x", "kind": "merge" }], "edges": [{ "from": "tell", "to": "x", "on": "error" }] }"#,
        r#"{ "steps": [{ "id": "s", "kind": "scope", "body": { "steps": [{ "id": "tell", "kind": "send" }] } }, { "id": "x", "kind": "merge" }],
             "edges": [{ "from": "s", "to": "x", "on": "error" }] }"#,
    ] {
        check(handled, &expect![[""]]);
    }
}

#[test]
fn data_that_nobody_reads_is_worth_a_word() {
    check(
        r#"{ "steps": [
            { "id": "load", "kind": "read_table", "with": { "path": "a" } },
            { "id": "used", "kind": "query", "with": { "table": "{% steps.load %}" } },
            { "id": "unused", "kind": "query", "with": { "table": "{% steps.load %}" } },
            { "id": "done", "kind": "end", "with": { "outcome": "x", "output": { "n": "{% steps.used.rows %}" } } }
        ], "edges": [{ "from": "load", "to": "used" }, { "from": "load", "to": "unused" }, { "from": "used", "to": "done" }] }"#,
        &expect![[r#"
            info unused-output step unused
                nothing reads the output of `unused`, and no step follows it
                → save it, hand it on with an `end`, or delete the step
        "#]],
    );
}

#[test]
fn retries_repeat_what_can_be_repeated() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "merge", "retry": { "attempts": 2 } },
            { "id": "b", "kind": "send", "retry": { "attempts": 0, "factor": 0, "jitter": 2, "first": "soon", "max": "1h" } }
        ], "edges": [{ "from": "a", "to": "b" }] }"#,
        &expect![[r#"
            error duration step b.retry.first
                `soon` is not a duration
                → write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`
            error retry-number step b.retry.attempts
                with 0 attempts the step would never run
                → write 1 for no repetition
            error retry-number step b.retry.factor
                the factor must be greater than 0
                → write 1 for equal waits, 2 to double them
            error retry-number step b.retry.jitter
                jitter is a share of the wait, from 0 to 1
                → write 0.2 for up to a fifth
            warning retry-without-effect step a.retry
                `a` is a `merge`, which is not retried
                → set the retry at the steps inside or before it, or put it into a `scope` that retries
            warning no-error-path step b
                `b` acts on the outside world, and a failure of it ends the run
                → draw an error edge from it, let it retry, or put it into a scope with an error edge
        "#]],
    );
}

#[test]
fn durations_are_looked_at_wherever_they_stand() {
    check(
        r#"{ "timeout": "long", "steps": [
            { "id": "a", "kind": "send", "timeout": "5", "retry": { "first": "1s" },
              "undo": { "kind": "send", "timeout": "x", "retry": { "max": "y" } } }
        ] }"#,
        &expect![[r#"
            error duration workflow.timeout
                `long` is not a duration
                → write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`
            error duration step a.timeout
                `5` is not a duration
                → write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`
            error duration step a.undo.retry.max
                `y` is not a duration
                → write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`
            error duration step a.undo.timeout
                `x` is not a duration
                → write a number with a unit, such as `500ms`, `2s`, `5m`, `1h30m`, `2d` or `1w`
        "#]],
    );
}

#[test]
fn an_undo_is_a_task_with_settings_that_fit() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "merge", "undo": { "kind": "sned" } },
            { "id": "b", "kind": "merge", "undo": { "kind": "approval" } },
            { "id": "c", "kind": "merge", "undo": { "kind": "read_table", "with": { "limit": "x" } } },
            { "id": "d", "kind": "merge", "undo": { "kind": "send", "with": { "text": ["{% output.id & error.message %}", "{% steps.a %}"] } } }
        ], "edges": [{ "from": "a", "to": "b" }, { "from": "b", "to": "c" }, { "from": "c", "to": "d" }] }"#,
        &expect![[r#"
            error undo-kind step a.undo.kind
                this version has no step of the kind `sned`
                → did you mean `send`?
            error undo-kind step b.undo.kind
                `approval` cannot take anything back
                → choose a task; to undo several steps, give each its own undo
            error missing-setting step c.undo.with.path
                `File` is missing
                → fill it in, for example `data.csv`
            error wrong-setting step c.undo.with.limit
                `Rows at most` must be a number, not `x`
                → correct the value
        "#]],
    );
}

#[test]
fn secrets_in_clear_are_found_wherever_they_stand_and_not_repeated() {
    check(
        r#"{ "steps": [
            { "id": "a", "kind": "send", "retry": { "attempts": 2 }, "with": { "token": "name_of_a_secret",
              "headers": { "Authorization": "Bearer abc", "X-Api-Key": "k", "X-Token": "{% input.token %}" },
              "text": ["postgres://me:hunter2@db/x", "ghp_0123456789abcdefghijABCDEFGHIJ012345", "AKIAIOSFODNN7EXAMPLE"] } },
            { "id": "b", "kind": "query", "disabled": true, "with": { "sql": ["-----BEGIN RSA PRIVATE KEY-----"], "password": "x" },
              "pin": { "key": "sk-live0123456789ABCDEFGHIJ" } }
        ], "edges": [{ "from": "a", "to": "b" }],
        "triggers": [{ "id": "t", "kind": "webhook", "secret": "ghp_0123456789abcdefghijABCDEFGHIJ012345" }] }"#,
        &expect![[r#"
            warning secret-in-clear trigger t.secret
                this text holds what looks like a GitHub token
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step a.with.headers.Authorization
                `Authorization` holds its secret in clear
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step a.with.headers.X-Api-Key
                `X-Api-Key` holds its secret in clear
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step a.with.text[0]
                this text holds what looks like an address with a password
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step a.with.text[1]
                this text holds what looks like a GitHub token
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step a.with.text[2]
                this text holds what looks like an AWS access key
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step b.with.sql[0]
                this text holds what looks like a private key
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step b.with.password
                `password` holds its secret in clear
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
            warning secret-in-clear step b.pin.key
                this text holds what looks like an API key
                → store it under a name in the settings, put that name here, and replace the secret: it is known now
        "#]],
    );
}

#[test]
fn words_that_only_remind_of_secrets_are_left_alone() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "query", "with": { "table": "{% input.t %}",
            "names": { "tokenColumn": "x", "passwordPolicy": "strict", "password": "{% env.password %}" },
            "sql": ["select 'https://example.org/a@b:c', 'sk-ip', 'user@example.org'"] } }] }"#,
        &expect![[""]],
    );
}

#[test]
fn fields_of_the_wrong_type_are_found_in_documents_that_never_were_text() {
    let parsed = baton_core::document::parse(
        r#"{ "id": "a", "name": "A", "steps": [{ "id": "a", "kind": "merge", "retry": "abc" }] }"#,
    )
    .unwrap();
    let catalog = crate::support::catalog::catalog();
    let again = baton_core::validate::validate(&parsed.workflow, &catalog, Vec::new());
    assert_eq!(again, parsed.problems);
    assert_eq!(
        baton_core::validate::validate(&parsed.workflow, &catalog, parsed.problems),
        again
    );
}
