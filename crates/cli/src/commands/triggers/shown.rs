//! Triggers and firings in lines for people.

use baton_api::triggers::{DueInstant, FiringLine, FiringStatus, TriggerLine, TriggerStatus};

use crate::out::{Out, Tone};
use crate::words::{grouped, instant};

/// A trigger: what it is, when it fires, and what is wrong.
pub(crate) fn trigger_lines(trigger: &TriggerLine, out: &mut Out) {
    let (icon, word, tone) = match trigger.status {
        TriggerStatus::Active => ("●", "active", Tone::Good),
        TriggerStatus::Paused => ("‖", "paused", Tone::Careful),
    };
    let state = out.tone(tone, &format!("{icon} {word}"));
    let mut line = format!(
        "{state}  {}/{}  {} {}",
        trigger.workflow, trigger.trigger, trigger.kind, trigger.summary
    );
    if let Some(next) = &trigger.next {
        line.push_str(&format!("  next {}", due(next)));
    }
    if trigger.waiting > 0 {
        line.push_str(&format!("  {} waiting", trigger.waiting));
    }
    out.line(&line);
    if let Some(last) = &trigger.last {
        let text = format!("    last: {}", words(last));
        let text = out.tone(Tone::Quiet, &text);
        out.line(&text);
    }
    if trigger.is_outdated {
        let text = "    the file has changed since: `baton triggers activate` lets them act on it";
        let text = out.tone(Tone::Careful, text);
        out.line(&text);
    }
    if let Some(trouble) = &trigger.trouble {
        let text = out.tone(Tone::Bad, &format!("    trouble: {trouble}"));
        out.line(&text);
    }
}

/// An instant as the clock of the schedule shows it: `2026-11-30 06:00:00 +01:00`.
pub(crate) fn due(due: &DueInstant) -> String {
    format!("{} {}", due.local.replace('T', " "), due.offset)
}

/// A firing on a line.
pub(crate) fn firing_line(firing: &FiringLine, out: &mut Out) {
    let (icon, tone) = match firing.status {
        FiringStatus::Pending => ("…", Tone::Strong),
        FiringStatus::Queued => ("◷", Tone::Careful),
        FiringStatus::Started => ("✓", Tone::Good),
        FiringStatus::Skipped => ("–", Tone::Quiet),
        FiringStatus::Missed => ("–", Tone::Careful),
        FiringStatus::Failed => ("✗", Tone::Bad),
    };
    let icon = out.tone(tone, icon);
    out.line(&format!(
        "{icon} {}/{}  {}",
        firing.workflow,
        firing.trigger,
        words(firing)
    ));
}

fn words(firing: &FiringLine) -> String {
    let word = match firing.status {
        FiringStatus::Pending => "recorded",
        FiringStatus::Queued => "waits",
        FiringStatus::Started => "started",
        FiringStatus::Skipped => "skipped",
        FiringStatus::Missed => "missed",
        FiringStatus::Failed => "failed",
    };
    let at = firing.due.unwrap_or(firing.recorded_at);
    let mut text = format!("{}  {word}", instant(at));
    if firing.count > 1 {
        let until = firing.until.map(instant).unwrap_or_default();
        text.push_str(&format!(" {} times until {until}", grouped(firing.count)));
    }
    if let (FiringStatus::Started, Some(run)) = (firing.status, &firing.run) {
        text.push_str(&format!("  run {run}"));
    }
    if let Some(by) = &firing.by {
        text.push_str(&format!("  by {by}"));
    }
    if let Some(reason) = &firing.reason {
        text.push_str(&format!("  {reason}"));
    }
    text
}
