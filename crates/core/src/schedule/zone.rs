//! Time zones by name, from the data that this program carries: the same on every machine.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, civil::Date};

use crate::Millis;
use crate::validate::nearest;

use super::ScheduleError;

/// The names of all time zones, in alphabetical order.
pub fn zone_names() -> Vec<String> {
    let database = TimeZoneDatabase::bundled();
    let mut names: Vec<String> = database
        .available()
        .map(|name| name.as_str().to_owned())
        .collect();
    names.sort_unstable();
    names
}

/// The zone with this name.
pub(crate) fn find(name: &str) -> Result<TimeZone, ScheduleError> {
    let known = TimeZoneDatabase::bundled().get(name);
    known.map_err(|_| {
        let hint = suggest(name).map_or_else(
            || "write a name such as `Europe/Berlin` or `UTC`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        ScheduleError {
            code: "time-zone",
            field: "timeZone",
            message: format!("`{name}` is no time zone"),
            hint,
        }
    })
}

/// `Berlin` and `Europe/Berln` both mean `Europe/Berlin`.
fn suggest(name: &str) -> Option<String> {
    let names = zone_names();
    let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let spelled = name.trim().replace(' ', "_");
    let by_place = |place: &str| {
        names
            .iter()
            .find(|known| known.contains('/') && last(known) == place)
            .cloned()
    };
    by_place(&last(&spelled))
        .or_else(|| nearest(&spelled, names.iter().map(String::as_str)).map(str::to_owned))
        .or_else(|| {
            let places: Vec<String> = names.iter().map(|known| last(known)).collect();
            let near = nearest(&last(&spelled), places.iter().map(String::as_str))?;
            by_place(near)
        })
}

/// What a local time means as an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It comes once.
    Once(Millis),
    /// The clock is put forward over it; the first instant after that.
    Never(Millis),
    /// The clock is put back over it: it comes twice.
    Twice(Millis, Millis),
}

impl Meaning {
    /// The instant at which a job for a fixed time acts.
    pub(super) fn first(self) -> Millis {
        match self {
            Self::Once(at) | Self::Never(at) | Self::Twice(at, _) => at,
        }
    }
}

/// What a local time means. `None` outside of the years that there are (-9999 to 9999).
pub(super) fn meaning(zone: &TimeZone, local: DateTime) -> Option<Meaning> {
    let at = |offset: jiff::tz::Offset| offset.to_timestamp(local).ok();
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            Some(Meaning::Once(at(offset)?.as_millisecond()))
        }
        AmbiguousOffset::Fold { before, after } => Some(Meaning::Twice(
            at(before)?.as_millisecond(),
            at(after)?.as_millisecond(),
        )),
        AmbiguousOffset::Gap { before, after } => {
            // Read with the offset that comes, the time lies before the change; with the one that was, behind it.
            let from = at(after)?;
            let change = zone
                .following(from)
                .map(|transition| transition.timestamp())
                .find(|change| zone.to_offset(*change) == after)
                .or_else(|| at(before))?;
            Some(Meaning::Never(change.as_millisecond()))
        }
    }
}

/// The first instant of a day.
pub(super) fn begin_of(zone: &TimeZone, date: Date) -> Option<Millis> {
    meaning(zone, date.at(0, 0, 0, 0)).map(Meaning::first)
}

/// Whether every local time of the day, its two ends included, comes once.
pub(super) fn is_plain(zone: &TimeZone, date: Date) -> bool {
    let once = |date: Date| match meaning(zone, date.at(0, 0, 0, 0)) {
        Some(Meaning::Once(at)) => Some(at),
        _ => None,
    };
    let Some((from, to)) = once(date).zip(date.tomorrow().ok().and_then(once)) else {
        return false;
    };
    let Ok(start) = Timestamp::from_millisecond(from - 1) else {
        return false;
    };
    let change = zone.following(start).next();
    to - from == 86_400_000 && change.is_none_or(|change| change.timestamp().as_millisecond() > to)
}
