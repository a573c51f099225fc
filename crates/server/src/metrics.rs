//! What a server did, in the text format that Prometheus reads.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use baton_api::figures::{Distribution, FiguresView};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::routes::Route;

/// The type of [`text`].
pub(crate) const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Requests that were answered, by route and status.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<BTreeMap<(&'static str, u16), u64>>);

impl Traffic {
    /// Counts a request by the path of its rule: the path of the request itself would make a series for every address that
    /// somebody thinks of.
    pub(crate) fn count(&self, route: Option<Route>, status: u16) {
        let path = route.map_or("", |route| route.rule().path);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry((path, status)).or_default() += 1;
    }

    fn look(&self) -> BTreeMap<(&'static str, u16), u64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The text.
pub(crate) fn text(figures: &FiguresView, traffic: &Traffic) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("baton");
    registry.register_collector(Box::new(Snapshot {
        figures: figures.clone(),
        requests: traffic.look(),
    }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Snapshot {
    figures: FiguresView,
    requests: BTreeMap<(&'static str, u16), u64>,
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self { figures, requests } = self;
        let to = &mut encoder;
        counter(to, "runs_started", "Runs that began", figures.runs_begun)?;
        let ended = figures
            .runs_ended
            .iter()
            .map(|(status, count)| ([("outcome", status.clone())], *count));
        counters(to, "runs_ended", "Runs that ended, by outcome", ended)?;
        let of = |kind: &str| figures.events.get(kind).copied().unwrap_or(0);
        let steps = [
            ("started", "StepStarted"),
            ("succeeded", "StepSucceeded"),
            ("failed", "StepFailed"),
            ("retried", "StepAttemptFailed"),
            ("skipped", "StepSkipped"),
            ("cancelled", "StepCancelled"),
        ];
        let steps = steps.map(|(what, kind)| ([("what", what.to_owned())], of(kind)));
        counters(to, "steps", "Steps, by what became of them", steps)?;
        let events = figures
            .events
            .iter()
            .map(|(kind, count)| ([("type", kind.clone())], *count));
        counters(
            to,
            "events_written",
            "Events that were written and are durable, by type",
            events,
        )?;
        counter(
            to,
            "writes_failed",
            "Writes that were refused or failed",
            figures.writes_failed,
        )?;
        histogram(
            to,
            "commit_seconds",
            "How long commits of the log took",
            &figures.commits,
        )?;
        gauge(
            to,
            "write_queue",
            "Writes that wait for the one that writes",
            figures.write_queue,
        )?;
        gauge(
            to,
            "runs_open",
            "Runs that have not ended",
            figures.open_runs,
        )?;
        gauge(
            to,
            "approvals_waiting",
            "Questions to people without an answer",
            figures.open_questions,
        )?;
        gauge(
            to,
            "steps_waiting",
            "Steps that wait for a place or for their turn",
            figures.steps_waiting,
        )?;
        if let Some(free) = figures.disk_free {
            gauge(
                to,
                "disk_free_bytes",
                "Bytes that are free on the disk of the data folder",
                free,
            )?;
        }
        if let Some(total) = figures.disk_total {
            gauge(
                to,
                "disk_bytes",
                "Bytes of the disk of the data folder",
                total,
            )?;
        }
        gauge(
            to,
            "safe_mode",
            "Whether nothing goes on by itself",
            figures.is_safe.into(),
        )?;
        let requests = requests.iter().map(|((route, status), count)| {
            let labels = [("route", (*route).to_owned()), ("code", status.to_string())];
            (labels, *count)
        });
        counters(
            to,
            "http_requests",
            "Requests that were answered, by route and status",
            requests,
        )
    }
}

fn counter(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), fmt::Error> {
    let counter = ConstCounter::new(value);
    counter.encode(to.encode_descriptor(name, help, None, counter.metric_type())?)
}

fn gauge(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    gauge.encode(to.encode_descriptor(name, help, None, gauge.metric_type())?)
}

/// Counters of one name, told apart by labels.
fn counters<const N: usize>(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    all: impl IntoIterator<Item = ([(&'static str, String); N], u64)>,
) -> Result<(), fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let mut family = to.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in all {
        let labels: Vec<(&str, String)> = labels.to_vec();
        ConstCounter::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn histogram(
    to: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    all: &Distribution,
) -> Result<(), fmt::Error> {
    // The library writes the largest number as `+Inf`.
    let buckets: Vec<(f64, u64)> = all
        .classes
        .iter()
        .map(|(bound, count)| (bound.unwrap_or(f64::MAX), *count))
        .collect();
    let count = buckets.iter().map(|(_, count)| count).sum();
    to.encode_descriptor(name, help, None, MetricType::Histogram)?
        .encode_histogram::<[(&str, &str); 0]>(all.sum, count, &buckets, None)
}
