//! Walking along the instants of a schedule, day by day.

use std::collections::VecDeque;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Millis;

use super::cron::Cron;
use super::zone::{self, Meaning};
use super::{Schedule, Shape};

/// The most instants that are looked at when a span is counted.
const MOST_COUNTED: u64 = 10_000_000;

/// The instants of a schedule after a given one, in order, each once.
#[derive(Debug)]
pub struct Instants<'s> {
    walk: Walk<'s>,
    after: Millis,
}

#[derive(Debug)]
enum Walk<'s> {
    Cron(Box<Days<'s>>),
    Every { ms: i64, next: Option<Millis> },
    Dates(std::slice::Iter<'s, Millis>),
}

/// What lies between two instants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// How many there are.
    pub count: u64,
    /// There are more than were counted.
    pub is_more: bool,
    /// The first of them.
    pub first: Option<Millis>,
    /// The last ones, as many as were asked for, in order.
    pub last: Vec<Millis>,
}

impl<'s> Instants<'s> {
    pub(super) fn new(schedule: &'s Schedule, after: Millis) -> Self {
        let walk = match &schedule.shape {
            Shape::Cron(cron) => Walk::Cron(Box::new(Days::new(cron, &schedule.zone, after))),
            Shape::Every { ms, anchor } => {
                let steps =
                    (i128::from(after) - i128::from(*anchor)).div_euclid(i128::from(*ms)) + 1;
                let next = i128::from(*anchor) + steps.max(0) * i128::from(*ms);
                Walk::Every {
                    ms: *ms,
                    next: next.try_into().ok(),
                }
            }
            Shape::Dates(dates) => Walk::Dates(dates.iter()),
        };
        Self { walk, after }
    }
}

impl Iterator for Instants<'_> {
    type Item = Millis;

    fn next(&mut self) -> Option<Millis> {
        loop {
            let at = match &mut self.walk {
                Walk::Cron(days) => days.next()?,
                Walk::Every { ms, next } => {
                    let at = (*next)?;
                    *next = at.checked_add(*ms);
                    // No calendar goes further.
                    Timestamp::from_millisecond(at).ok()?;
                    at
                }
                Walk::Dates(dates) => *dates.next()?,
            };
            if at > self.after {
                self.after = at;
                return Some(at);
            }
        }
    }
}

impl Schedule {
    /// How many instants lie after `after`, up to and with `until`, and the last `keep` of them.
    pub fn span(&self, after: Millis, until: Millis, keep: usize) -> Span {
        let mut span = Span::default();
        if let Shape::Every { ms, .. } = &self.shape {
            // Counted by arithmetic: the answer is exact however long the span is.
            let Some(first) = self.after(after).next().filter(|first| *first <= until) else {
                return span;
            };
            let steps = until.saturating_sub(first) / ms;
            let kept = i64::try_from(keep).unwrap_or(i64::MAX).min(steps + 1);
            span.count = steps.unsigned_abs() + 1;
            span.first = Some(first);
            span.last = (steps + 1 - kept..=steps)
                .map(|step| first + step * ms)
                .collect();
            return span;
        }
        let mut last = VecDeque::new();
        for at in self.after(after).take_while(|at| *at <= until) {
            if span.count == MOST_COUNTED {
                span.is_more = true;
                // The last ones matter; how many were before them does not any more.
                return self.end_of(span, until, keep);
            }
            span.count += 1;
            span.first.get_or_insert(at);
            last.push_back(at);
            if last.len() > keep {
                last.pop_front();
            }
        }
        span.last = last.into();
        span
    }

    /// The last instants of a span that is too long to be counted.
    fn end_of(&self, mut span: Span, until: Millis, keep: usize) -> Span {
        let mut back = 86_400_000;
        while let Some(from) = until.checked_sub(back) {
            let from = from.max(span.first.unwrap_or(from) - 1);
            let mut last: VecDeque<Millis> = VecDeque::new();
            for at in self.after(from).take_while(|at| *at <= until) {
                last.push_back(at);
                if last.len() > keep {
                    last.pop_front();
                }
            }
            if last.len() >= keep || span.first.is_some_and(|first| from < first) {
                span.last = last.into();
                break;
            }
            back *= 2;
        }
        span
    }
}

/// The days of a cron.
#[derive(Debug)]
struct Days<'s> {
    cron: &'s Cron,
    zone: &'s TimeZone,
    /// The next day to look at; none after the last that there is.
    date: Option<Date>,
    /// The first instant of `date`: what comes before it is complete.
    begin: Millis,
    ready: VecDeque<Millis>,
    patience: u32,
}

impl<'s> Days<'s> {
    fn new(cron: &'s Cron, zone: &'s TimeZone, after: Millis) -> Self {
        // A clock that is put back over midnight shows yesterday once more.
        let date = Timestamp::from_millisecond(after)
            .ok()
            .map(|at| zone.to_datetime(at).date())
            .and_then(|date| date.yesterday().ok());
        let mut days = Self {
            cron,
            zone,
            date: None,
            begin: Millis::MIN,
            ready: VecDeque::new(),
            patience: Cron::patience(),
        };
        days.go_to(date);
        days
    }

    fn go_to(&mut self, date: Option<Date>) {
        let begin = date.and_then(|date| zone::begin_of(self.zone, date));
        self.date = date.filter(|_| begin.is_some());
        self.begin = begin.unwrap_or(Millis::MAX);
    }

    fn next(&mut self) -> Option<Millis> {
        loop {
            if let Some(at) = self.ready.front().copied()
                && at < self.begin
            {
                self.ready.pop_front();
                self.patience = Cron::patience();
                return Some(at);
            }
            let Some(mut date) = self.date else {
                return self.ready.pop_front();
            };
            if self.ready.is_empty() {
                while !self.cron.matches(date) {
                    self.patience = self.patience.checked_sub(1)?;
                    date = date.tomorrow().ok()?;
                }
            }
            if self.cron.matches(date) {
                self.patience = self.patience.checked_sub(1)?;
                self.add(date);
            }
            self.go_to(date.tomorrow().ok());
        }
    }

    /// Gets the instants of a day ready.
    fn add(&mut self, date: Date) {
        if zone::is_plain(self.zone, date) {
            let Some(begin) = zone::begin_of(self.zone, date) else {
                return;
            };
            let times = self.cron.times.iter();
            let instants = times.map(|second| begin + i64::from(*second) * 1_000);
            if self.ready.back().is_none_or(|last| *last < begin) {
                self.ready.extend(instants);
                return;
            }
            self.ready.extend(instants);
        } else {
            let midnight = date.at(0, 0, 0, 0);
            for second in &self.cron.times {
                let local = midnight.saturating_add(jiff::Span::new().seconds(i64::from(*second)));
                match zone::meaning(self.zone, local) {
                    None => {}
                    Some(Meaning::Once(at)) => self.ready.push_back(at),
                    Some(Meaning::Never(at)) if self.cron.is_fixed => self.ready.push_back(at),
                    Some(Meaning::Never(_)) => {}
                    Some(Meaning::Twice(first, _)) if self.cron.is_fixed => {
                        self.ready.push_back(first);
                    }
                    Some(Meaning::Twice(first, second)) => self.ready.extend([first, second]),
                }
            }
        }
        let all = self.ready.make_contiguous();
        all.sort_unstable();
        let mut kept: Vec<Millis> = all.to_vec();
        kept.dedup();
        self.ready = kept.into();
    }
}
