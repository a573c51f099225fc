//! How a life comes to its end: from some moment on all goes well, and what the rows of the store say is waited for comes.

use std::time::Duration;

use baton_core::machine::Event;
use baton_engine::Clock;
use baton_store::RunRow;
use serde_json::Value;

use super::people::Ask;
use super::slow::Mood;
use super::{Life, PATIENCE, TOO_MANY, signal};

impl Life<'_> {
    /// From here on all goes well: every run has to come to its end.
    pub(super) fn come_to_an_end(&mut self) -> Result<(), String> {
        self.note("from here on all goes well");
        if self.up.is_none() {
            self.start()?;
        }
        self.slow.set(Mood::Quick);
        let mut idle = 0;
        for turn in 1..TOO_MANY {
            self.pump()?;
            let mut open = self.open_rows()?;
            if open.is_empty() {
                return Ok(());
            }
            let all = open.len();
            open.retain(|row| !self.left.contains_key(&row.id));
            let is_left_alone = open.len() < all;
            // A limit that is raised again and again by whoever waits for one of them is no progress.
            let is_in_vain = is_left_alone && turn % 200 == 0;
            if !is_in_vain && self.one_thing(&open)? {
                idle = 0;
                continue;
            }
            idle += 1;
            if is_in_vain || (is_left_alone && idle > 4) {
                // A build that knows both carries on what the others left alone.
                self.crash()?;
                self.build(2, 1);
                self.start()?;
                idle = 0;
            } else if idle > PATIENCE {
                let waits: Vec<_> = open
                    .iter()
                    .map(|row| (&row.id, &row.status, &row.waiting_for))
                    .collect();
                return Err(format!(
                    "nothing is there to do, and it does not end: {waits:?}"
                ));
            } else {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let mut told = String::new();
        for row in self.open_rows()? {
            let log = self.log(&row.id)?;
            let last = log.iter().rev().take(6).map(|logged| &logged.event);
            let last: Vec<_> = last.collect();
            told.push_str(&format!(
                "\n{} {} {:?} {last:?}",
                row.id, row.status, row.waiting_for
            ));
        }
        Err(format!("it does not end, whatever happens: {told}"))
    }

    /// Runs that were left alone did nothing.
    pub(super) fn check_untouched(&self) -> Result<(), String> {
        for (run, length) in &self.left {
            if self.log(run)?.len() != *length {
                return Err(format!("{run} is to be left alone and went on"));
            }
        }
        Ok(())
    }

    /// The outside does one of the things that the rows say is waited for.
    fn one_thing(&mut self, open: &[RunRow]) -> Result<bool, String> {
        let first = self.chance.below(5);
        for turn in 0..5 {
            let is_done = match (first + turn) % 5 {
                0 | 1 => self.hand(),
                2 => self.question(open)?,
                3 => self.unblock(open) || self.hear(open)?,
                _ => self.next_timer(open)?,
            };
            if is_done {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn unblock(&mut self, open: &[RunRow]) -> bool {
        let paused = open.iter().find(|row| row.status == "paused");
        let Some(run) = paused.map(|row| row.id.clone()) else {
            return false;
        };
        self.ask(Ask::GoOn(run, self.clock.now()));
        true
    }

    /// An event comes for all that listen, and reaches them wherever they are.
    fn hear(&mut self, open: &[RunRow]) -> Result<bool, String> {
        let mut listening = self.read(self.store.listening("e", &Value::Null))?;
        listening.retain(|run| open.iter().any(|row| row.id == *run));
        let Some((runtime, engine)) = &self.up else {
            return Ok(false);
        };
        if listening.is_empty() {
            return Ok(false);
        }
        self.signals += 1;
        let reached = runtime.block_on(engine.signal(signal(self.signals)));
        let reached = reached.map_err(|error| error.to_string())?;
        if (reached as usize) < listening.len() {
            self.missed(&listening)?;
        }
        Ok(true)
    }

    /// Fewer runs were reached than listened: the others do not listen any more, because their time had come.
    fn missed(&self, listened: &[String]) -> Result<(), String> {
        self.pump()?;
        let id = format!("s{}", self.signals);
        let listening = self.read(self.store.listening("e", &Value::Null))?;
        for run in listened.iter().filter(|run| listening.contains(run)) {
            let log = self.log(run)?;
            let is_it =
                |event: &Event| matches!(event, Event::EventReceived { id: of, .. } if *of == id);
            if !log.iter().any(|logged| is_it(&logged.event)) {
                return Err(format!(
                    "the event `{id}` did not reach {run}, which listens"
                ));
            }
        }
        Ok(())
    }

    fn next_timer(&mut self, open: &[RunRow]) -> Result<bool, String> {
        let mut timers = self.read(self.store.timers())?;
        timers.retain(|timer| open.iter().any(|row| row.id == timer.run));
        let Some(next) = timers.iter().map(|timer| timer.at).min() else {
            return Ok(false);
        };
        let rest = next - self.clock.now();
        if rest <= 0 {
            // It is due: the engine has to fire it.
            return Ok(false);
        }
        self.pass(rest);
        Ok(true)
    }
}
