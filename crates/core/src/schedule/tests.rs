//! The rule about the two nights of the year, and what is refused.

use serde_json::{Value, json};

use super::*;

fn schedule(settings: &Value) -> Schedule {
    Schedule::read(settings.as_object().unwrap()).unwrap()
}

fn at(instant: &str) -> Millis {
    instant.parse::<Timestamp>().unwrap().as_millisecond()
}

/// The next instants as people see them.
fn next(settings: &Value, after: &str, count: usize) -> Vec<String> {
    let due = schedule(settings).next(at(after), count);
    due.iter().map(Due::iso).collect()
}

fn wrong(settings: &Value) -> Vec<(&'static str, &'static str, String, String)> {
    let errors = Schedule::read(settings.as_object().unwrap()).unwrap_err();
    let parts = errors.into_iter();
    parts
        .map(|error| (error.code, error.field, error.message, error.hint))
        .collect()
}

#[test]
fn a_fixed_time_that_is_skipped_fires_at_the_first_instant_after() {
    let daily = json!({ "cron": "30 2 * * *", "timeZone": "Europe/Berlin" });
    assert_eq!(
        next(&daily, "2026-03-28T00:00:00Z", 3),
        [
            "2026-03-28T02:30:00+01:00",
            "2026-03-29T03:00:00+02:00",
            "2026-03-30T02:30:00+02:00",
        ]
    );
    // Several times of the same gap, and the time right after it, are one firing.
    let several = json!({ "cron": "0,30 2,3 * * *", "timeZone": "Europe/Berlin" });
    assert_eq!(
        next(&several, "2026-03-29T00:00:00Z", 2),
        ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00"]
    );
}

#[test]
fn a_fixed_time_that_comes_twice_fires_at_the_first() {
    let daily = json!({ "cron": "30 2 * * *", "timeZone": "Europe/Berlin" });
    assert_eq!(
        next(&daily, "2026-10-24T12:00:00Z", 2),
        ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    );
}

#[test]
fn an_interval_follows_the_clock() {
    let hourly = json!({ "cron": "30 * * * *", "timeZone": "Europe/Berlin" });
    assert_eq!(
        next(&hourly, "2026-03-29T00:00:00Z", 3),
        [
            "2026-03-29T01:30:00+01:00",
            "2026-03-29T03:30:00+02:00",
            "2026-03-29T04:30:00+02:00",
        ]
    );
    assert_eq!(
        next(&hourly, "2026-10-25T00:00:00Z", 3),
        [
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:30:00+01:00",
        ]
    );
}

#[test]
fn an_interval_counts_what_passes() {
    let every = json!({ "every": "6h", "timeZone": "Europe/Berlin", "anchor": "2026-03-28T06:00" });
    assert_eq!(
        next(&every, "2020-01-01T00:00:00Z", 5),
        [
            "2026-03-28T06:00:00+01:00",
            "2026-03-28T12:00:00+01:00",
            "2026-03-28T18:00:00+01:00",
            "2026-03-29T00:00:00+01:00",
            "2026-03-29T07:00:00+02:00",
        ]
    );
    let quarters = json!({ "every": "15m" });
    assert_eq!(
        next(&quarters, "2026-11-27T06:00:00Z", 2),
        ["2026-11-27T06:15:00+00:00", "2026-11-27T06:30:00+00:00"]
    );
}

#[test]
fn dates_come_in_order_and_once() {
    let dates = json!({ "timeZone": "Europe/Berlin", "dates": [
        "2026-12-24T18:00", "2026-03-29T02:30", "2026-12-24T17:00:00Z", "2026-10-25T02:30:00", "2027-01-01",
    ] });
    assert_eq!(
        next(&dates, "2026-01-01T00:00:00Z", 10),
        [
            "2026-03-29T03:00:00+02:00",
            "2026-10-25T02:30:00+02:00",
            "2026-12-24T18:00:00+01:00",
            "2027-01-01T00:00:00+01:00",
        ]
    );
}

#[test]
fn a_day_that_a_place_skipped_is_made_up_for() {
    // Samoa went over the date line: there was no December 30, 2011.
    let fixed = json!({ "cron": "0 12 * * *", "timeZone": "Pacific/Apia" });
    assert_eq!(
        next(&fixed, "2011-12-30T00:00:00Z", 2),
        ["2011-12-31T00:00:00+14:00", "2011-12-31T12:00:00+14:00"]
    );
}

#[test]
fn a_schedule_that_is_over_ends() {
    let once = json!({ "dates": "2026-01-01T00:00" });
    assert!(next(&once, "2026-01-01T00:00:00Z", 3).is_empty());
    let leap = json!({ "cron": "0 0 29 2 *" });
    assert_eq!(
        next(&leap, "2096-03-01T00:00:00Z", 1),
        ["2104-02-29T00:00:00+00:00"]
    );
    // The last year that there is.
    assert!(next(&leap, "9996-03-01T00:00:00Z", 1).is_empty());
    assert!(
        schedule(&json!({ "cron": "* * * * *" }))
            .next(Millis::MAX, 1)
            .is_empty()
    );
    assert!(
        schedule(&json!({ "every": "1s" }))
            .next(Millis::MAX, 1)
            .is_empty()
    );
}

#[test]
fn a_span_is_counted() {
    let from = at("2026-01-01T00:00:00Z");
    let until = at("2027-01-01T00:00:00Z");
    for settings in [json!({ "every": "1h" }), json!({ "cron": "0 * * * *" })] {
        let span = schedule(&settings).span(from, until, 2);
        assert_eq!((span.count, span.is_more), (8_760, false));
        assert_eq!(span.first, Some(at("2026-01-01T01:00:00Z")));
        assert_eq!(span.last, [at("2026-12-31T23:00:00Z"), until]);
        assert_eq!(schedule(&settings).span(until, from, 2), Span::default());
    }
    let seconds = schedule(&json!({ "cron": "* * * * * *" })).span(from, until, 2);
    assert_eq!((seconds.count, seconds.is_more), (10_000_000, true));
    assert_eq!(seconds.last, [until - 1_000, until]);
}

#[test]
fn what_is_wrong_is_told_with_a_way_out() {
    let of = |settings: Value| wrong(&settings).remove(0);
    let (code, field, message, hint) = of(json!({ "cron": "0 0 30 2 *" }));
    assert_eq!((code, field), ("cron", "cron"));
    assert!(message.contains("never comes") && hint.contains("0 6 * * 1-5"));
    for (zone, near) in [
        ("Europe/Berln", "Europe/Berlin"),
        ("berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("America/Berlin", "Europe/Berlin"),
    ] {
        let (code, field, _, hint) = of(json!({ "cron": "@daily", "timeZone": zone }));
        assert_eq!((code, field), ("time-zone", "timeZone"));
        assert_eq!(hint, format!("did you mean `{near}`?"));
    }
    for (settings, field, part) in [
        (json!({}), "cron", "empty"),
        (json!({ "cron": 5 }), "cron", "a text is needed"),
        (
            json!({ "cron": "@daily", "every": "1h" }),
            "cron",
            "both say when",
        ),
        (json!({ "every": "soon" }), "every", "not a duration"),
        (json!({ "every": "10ms" }), "every", "too short"),
        (
            json!({ "every": "1h", "anchor": "2026-02-30T00:00" }),
            "anchor",
            "no date",
        ),
        (
            json!({ "cron": "@daily", "anchor": "2026-02-03" }),
            "anchor",
            "belongs to `every`",
        ),
        (json!({ "dates": [] }), "dates", "never fires"),
        (json!({ "dates": ["2026-02-30T10:00"] }), "dates", "no date"),
        (json!({ "dates": ["tomorrow"] }), "dates", "no date"),
        (json!({ "dates": [7] }), "dates", "no date"),
        (
            json!({ "cron": "@daily", "timeZone": 1 }),
            "timeZone",
            "no time zone",
        ),
    ] {
        let (_, found, message, hint) = of(settings);
        assert_eq!(found, field, "{message}");
        assert!(message.contains(part), "{message}");
        assert!(!hint.is_empty());
    }
    // All of it at once.
    assert_eq!(wrong(&json!({ "cron": "x", "timeZone": "y" })).len(), 2);
}

#[test]
fn zones_are_part_of_the_program() {
    let names = zone_names();
    assert!(names.len() > 500, "{}", names.len());
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
}
