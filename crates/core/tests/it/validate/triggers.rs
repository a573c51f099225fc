//! Findings about triggers.

use expect_test::expect;

use super::check;

#[test]
fn triggers_that_never_fire_are_told() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "merge" }], "triggers": [
            { "id": "a", "kind": "schedule" },
            { "id": "b", "kind": "schedule", "cron": "0 6 * *" },
            { "id": "c", "kind": "schedule", "cron": "61 6 * * mon-fri" },
            { "id": "d", "kind": "schedule", "cron": "0 0 31 2,4 *" },
            { "id": "e", "kind": "schedule", "cron": "*/0 6 * * *", "timeZone": "Berlin time" },
            { "id": "f", "kind": "file" },
            { "id": "g", "kind": "workflow_finished" },
            { "id": "h", "kind": "shedule" },
            { "id": "i", "kind": "moon" }
        ] }"#,
        &expect![[r#"
            error cron trigger a.cron
                the schedule is empty, so it never fires
                → write a `cron` such as `0 6 * * 1-5` (6:00 on workdays), an interval `every`, or `dates`
            error cron trigger b.cron
                `0 6 * *` has 4 fields, not 5
                → five fields: minute, hour, day, month, weekday; `0 6 * * 1-5` is 6:00 on workdays
            error cron trigger c.cron
                `61` is no minute: write 0 to 59, `*`, a list `1,2` or a range `1-5`
                → five fields: minute, hour, day, month, weekday; `0 6 * * 1-5` is 6:00 on workdays
            error cron trigger d.cron
                `0 0 31 2,4 *` names a day that never comes
                → five fields: minute, hour, day, month, weekday; `0 6 * * 1-5` is 6:00 on workdays
            error time-zone trigger e.timeZone
                `Berlin time` is no time zone
                → write a name such as `Europe/Berlin` or `UTC`
            error cron trigger e.cron
                `*/0` is no minute: write 0 to 59, `*`, a list `1,2` or a range `1-5`
                → five fields: minute, hour, day, month, weekday; `0 6 * * 1-5` is 6:00 on workdays
            error trigger-setting trigger f.folder
                `f` does not say which folder it watches
                → name a folder below the work folder, such as `inbox`
            error trigger-setting trigger g.workflow
                `g` does not say which workflow it waits for
                → name the id of a workflow
            error unknown-trigger trigger h.kind
                there is no trigger of the kind `shedule`, so it never fires
                → did you mean `schedule`?
            error unknown-trigger trigger i.kind
                there is no trigger of the kind `moon`, so it never fires
                → known are `schedule`, `file`, `webhook`, `workflow_finished`, `manual`
        "#]],
    );
}

#[test]
fn triggers_that_fire_are_left_alone() {
    check(
        r#"{ "steps": [{ "id": "a", "kind": "merge" }], "triggers": [
            { "id": "a", "kind": "schedule", "cron": "0 6 * * 1-5", "timeZone": "Europe/Berlin", "missed": "last" },
            { "id": "b", "kind": "schedule", "cron": "*/15 8-18 1,15 jan-jun MON#2" },
            { "id": "c", "kind": "schedule", "cron": "0 0 0 L * ?" },
            { "id": "d", "kind": "schedule", "cron": "@daily", "timeZone": "America/Argentina/Buenos_Aires" },
            { "id": "e", "kind": "schedule", "cron": "0 0 29 2 *", "timeZone": "Etc/GMT+5" },
            { "id": "f", "kind": "schedule", "cron": "0 0 31 2 1" },
            { "id": "g", "kind": "file", "folder": "inbox" },
            { "id": "h", "kind": "webhook", "secret": "shop-hook" },
            { "id": "i", "kind": "manual" }
        ] }"#,
        &expect![[""]],
    );
}
