//! The slow answer to when a cron fires: it looks at every minute, and knows nothing of how the quick one thinks.
//!
//! Used by the tests beside it and by the example `schedule_oracle`, which goes through all time zones.

use baton_core::Millis;
use baton_core::schedule::Schedule;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde_json::json;

const MINUTE: Millis = 60_000;

/// Cron shapes: fixed times by day, night, at the hours where clocks change, and intervals of every sort.
pub(crate) const SHAPES: [&str; 12] = [
    "0 6 * * 1-5",
    "30 2 * * *",
    "0,30 1-3 * * *",
    "59 23 * * *",
    "0 0 1 * *",
    "15 0,2 * * 0",
    "0 * * * *",
    "*/15 * * * *",
    "*/20 2 * * *",
    "5 */3 * * *",
    "30 1 29 2 *",
    "* 0-3 25-31 3,10 *",
];

/// What a wall clock shows minute by minute.
pub(crate) struct Wall {
    zone: String,
    from: Millis,
    shown: Vec<DateTime>,
}

impl Wall {
    /// In a zone, from an instant (a full minute) for so many days.
    pub(crate) fn new(zone: &str, from: Millis, days: i64) -> Self {
        let tz: TimeZone = TimeZoneDatabase::bundled()
            .get(zone)
            .expect("the zone exists");
        let minutes = days * 24 * 60;
        let shown = (0..minutes)
            .map(|minute| {
                let at = Timestamp::from_millisecond(from + minute * MINUTE).expect("in range");
                tz.to_datetime(at)
            })
            .collect();
        Self {
            zone: zone.to_owned(),
            from,
            shown,
        }
    }

    /// Every instant at which `cron` fires, by the rule as it is written.
    fn slow(&self, cron: &str) -> Vec<Millis> {
        let times: Vec<&str> = cron.split_whitespace().take(2).collect();
        let is_fixed = !times.iter().any(|field| field.contains(['*', '/']));
        let fields = Fields::read(cron);
        let mut fired = Vec::new();
        // The latest time that was shown so far, and where it stands: what is not later than it comes again.
        let mut latest: Option<DateTime> = None;
        for (minute, shown) in self.shown.iter().enumerate() {
            let at = self.from + minute as i64 * MINUTE;
            let before = minute.checked_sub(1).map(|before| self.shown[before]);
            let mut fires = fields.hold(*shown);
            if is_fixed {
                // The second time does not count.
                fires &= latest.is_none_or(|latest| *shown > latest);
                // What was skipped counts now.
                if let Some(before) = before {
                    let mut skipped = before.saturating_add(jiff::Span::new().minutes(1));
                    while skipped < *shown {
                        fires |=
                            latest.is_none_or(|latest| skipped > latest) && fields.hold(skipped);
                        skipped = skipped.saturating_add(jiff::Span::new().minutes(1));
                    }
                }
            }
            latest = latest.max(Some(*shown));
            if fires {
                fired.push(at);
            }
        }
        fired
    }

    /// Compares both answers over the whole time but its first day, whose past the slow one does not know. Gives how
    /// many instants there were.
    pub(crate) fn compare(&self, cron: &str) -> Result<usize, String> {
        let until = self.from + self.shown.len() as i64 * MINUTE;
        let start = self.from + 24 * 60 * MINUTE;
        let settings = json!({ "cron": cron, "timeZone": self.zone });
        let schedule = settings.as_object().expect("an object");
        let schedule = Schedule::read(schedule).map_err(|errors| format!("{errors:?}"))?;
        let slow: Vec<Millis> = self
            .slow(cron)
            .into_iter()
            .filter(|at| *at > start)
            .collect();
        let quick: Vec<Millis> = schedule.after(start).take_while(|at| *at < until).collect();
        if slow == quick {
            return Ok(slow.len());
        }
        let place = slow
            .iter()
            .zip(&quick)
            .position(|(slow, quick)| slow != quick);
        let place = place.unwrap_or(slow.len().min(quick.len()));
        let show = |at: Option<&Millis>| {
            at.map_or_else(|| "nothing".to_owned(), |at| schedule.due(*at).iso())
        };
        Err(format!(
            "`{cron}` in {}: firing {place} is {}, not {}",
            self.zone,
            show(quick.get(place)),
            show(slow.get(place))
        ))
    }
}

/// The values that each field holds, written out.
struct Fields {
    held: [Vec<bool>; 5],
    is_either: bool,
}

impl Fields {
    fn read(cron: &str) -> Self {
        let texts: Vec<&str> = cron.split_whitespace().collect();
        let held = |index: usize, min: u32, max: u32| {
            let mut held = vec![false; 61];
            for part in texts[index].split(',') {
                let (range, step) = part.split_once('/').unwrap_or((part, "1"));
                let (first, last) = match range.split_once('-') {
                    _ if range == "*" => (min, max),
                    Some((first, last)) => (number(first), number(last)),
                    None => (number(range), number(range)),
                };
                let step = number(step);
                for value in (first..=last).filter(|value| (value - first) % step == 0) {
                    held[value as usize] = true;
                }
            }
            held
        };
        let mut held = [
            held(0, 0, 59),
            held(1, 0, 23),
            held(2, 1, 31),
            held(3, 1, 12),
            held(4, 0, 6),
        ];
        held[4][0] |= held[4][7];
        Self {
            held,
            is_either: texts[2] != "*" && texts[4] != "*",
        }
    }

    fn hold(&self, at: DateTime) -> bool {
        let weekday = at.weekday().to_sunday_zero_offset();
        let values = [at.minute(), at.hour(), at.day(), at.month(), weekday];
        let holds = |index: usize| self.held[index][values[index] as usize];
        holds(0)
            && holds(1)
            && holds(3)
            && if self.is_either {
                holds(2) || holds(4)
            } else {
                holds(2) && holds(4)
            }
    }
}

fn number(text: &str) -> u32 {
    text.parse().expect("the shapes hold numbers")
}
