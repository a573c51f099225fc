//! The quick answer to when a schedule fires is the slow one.

use std::collections::BTreeSet;

use baton_core::schedule::{Schedule, zone_names};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use proptest::prelude::*;
use serde_json::json;

pub(crate) mod oracle;

use oracle::{SHAPES, Wall};

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600_000;

#[test]
fn every_shape_fires_by_the_rule_where_clocks_change() {
    // An hour in spring and autumn, half an hour, at midnight, in the other half of the world, with odd offsets, and never.
    for zone in [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "America/Santiago",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "UTC",
    ] {
        for from in around_changes(zone) {
            let wall = Wall::new(zone, from, 6);
            for shape in SHAPES {
                if let Err(difference) = wall.compare(shape) {
                    panic!("{difference}");
                }
            }
        }
    }
}

/// Three days before each change of the clock within a year; without any change, the first days of the year.
fn around_changes(zone: &str) -> Vec<i64> {
    let zone = TimeZoneDatabase::bundled()
        .get(zone)
        .expect("the zone exists");
    let first = Timestamp::from_millisecond(NEW_YEAR).expect("in range");
    let year = 366 * 86_400_000;
    let changes = zone
        .following(first)
        .map(|change| change.timestamp().as_millisecond())
        .take_while(|change| *change < NEW_YEAR + year)
        .map(|change| change - change.rem_euclid(86_400_000) - 3 * 86_400_000);
    let mut from: Vec<i64> = changes.collect();
    from.push(NEW_YEAR);
    from
}

#[test]
fn clocks_that_were_changed_at_odd_times_are_understood() {
    // Midnight to 23:00, a day over the date line, and a change of two hours.
    for (zone, from) in [
        ("Asia/Beirut", 1_666_742_400_000_i64),
        ("America/Havana", 1_667_260_800_000),
        ("Pacific/Apia", 1_324_857_600_000),
        ("Antarctica/Troll", 1_711_756_800_000),
        ("America/Asuncion", 1_711_065_600_000),
    ] {
        let wall = Wall::new(zone, from, 10);
        for shape in SHAPES {
            if let Err(difference) = wall.compare(shape) {
                panic!("{difference}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the cron, the zone and the instant: instants rise, and asking again from any of them gives the rest.
    #[test]
    fn instants_rise_and_can_be_taken_up_anywhere(
        minute in prop_oneof![Just("*".to_owned()), (0..60u32).prop_map(|n| n.to_string()), (1..30u32).prop_map(|n| format!("*/{n}"))],
        hour in prop_oneof![Just("*".to_owned()), (0..24u32).prop_map(|n| n.to_string()), (1..12u32).prop_map(|n| format!("*/{n}"))],
        day in prop_oneof![Just("*".to_owned()), (1..32u32).prop_map(|n| n.to_string()), Just("L".to_owned())],
        weekday in prop_oneof![Just("*".to_owned()), (0..8u32).prop_map(|n| n.to_string()), Just("5#2".to_owned())],
        zone in any::<prop::sample::Index>(),
        after in 0i64..2_000_000_000_000,
    ) {
        let names = zone_names();
        let zone = &names[zone.index(names.len())];
        let settings = json!({ "cron": format!("{minute} {hour} {day} * {weekday}"), "timeZone": zone });
        let schedule = Schedule::read(settings.as_object().unwrap()).unwrap();
        let all: Vec<i64> = schedule.after(after).take(40).collect();
        prop_assert_eq!(all.len(), 40);
        prop_assert!(all[0] > after && all.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 40);
        for at in [3, 17] {
            let rest: Vec<i64> = schedule.after(all[at]).take(39 - at).collect();
            prop_assert_eq!(&rest, &all[at + 1..]);
        }
        let span = schedule.span(after, all[20], 5);
        prop_assert_eq!(span.count, 21);
        prop_assert_eq!(&span.last[..], &all[16..21]);
    }

    /// Whatever people type is either a schedule or an error with a way out.
    #[test]
    fn no_text_breaks_it(text in "[0-9*/,#LW?@a-z -]{0,20}", zone in "[A-Za-z/_+0-9]{0,12}") {
        for shape in ["cron", "every", "dates"] {
            let settings = json!({ shape: text, "timeZone": zone });
            match Schedule::read(settings.as_object().unwrap()) {
                Ok(schedule) => {
                    schedule.next(0, 3);
                }
                Err(errors) => prop_assert!(errors.iter().all(|error| !error.hint.is_empty())),
            }
        }
    }
}
