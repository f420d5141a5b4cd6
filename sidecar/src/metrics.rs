//! Counters, and Prometheus's text form of them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::approval::StateName;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

/// Everything that is counted while the sidecar runs.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Batches of records that arrived.
    pub(crate) batches: Counter,
    /// Bytes of such batches.
    pub(crate) batch_bytes: Counter,
    /// Records stored.
    pub(crate) records: Counter,
    /// Records that were stored already.
    pub(crate) replays: Counter,
    /// Records refused because another was stored under their number.
    pub(crate) conflicts: Counter,
    /// Transactions of the record store.
    pub(crate) commits: Counter,
    /// Failures of a store.
    pub(crate) store_failures: Counter,
    /// Requests refused for want of the right token.
    pub(crate) unauthorized: Counter,
    /// Requests refused because something is full.
    pub(crate) overloaded: Counter,
    /// Approvals asked for.
    pub(crate) approvals_requested: Counter,
    /// Approvals used.
    pub(crate) approvals_redeemed: Counter,
    /// Answers of people (or waits, or cancels) that were refused.
    pub(crate) approvals_refused: Counter,
    /// Policies delivered to Envoy.
    pub(crate) policies_delivered: Counter,
    /// Policies refused.
    pub(crate) policies_refused: Counter,
}

/// What is true at this moment.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// Sessions stored.
    pub(crate) sessions: u64,
    /// Records stored.
    pub(crate) stored: u64,
    /// Approvals of each state.
    pub(crate) approvals: Vec<(StateName, u64)>,
    /// Requests that wait for a decision.
    pub(crate) waiters: u64,
}

// === impl Counter ===

impl Counter {
    /// Counts `more`.
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many so far.
    pub(crate) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

// === impl Metrics ===

impl Metrics {
    /// Prometheus's text exposition format.
    pub(crate) fn text(&self, gauges: &Gauges) -> String {
        let counters = [
            ("record_batches", "batches of records that arrived", &self.batches),
            ("record_batch_bytes", "bytes of batches of records", &self.batch_bytes),
            ("records", "records stored", &self.records),
            ("record_replays", "records that were stored already", &self.replays),
            ("record_conflicts", "records refused because another has their number", &self.conflicts),
            ("record_commits", "transactions of the record store", &self.commits),
            ("store_failures", "failures of a store", &self.store_failures),
            ("unauthorized", "requests without the right token", &self.unauthorized),
            ("overloaded", "requests refused because something is full", &self.overloaded),
            ("approvals_requested", "approvals asked for", &self.approvals_requested),
            ("approvals_redeemed", "approvals used", &self.approvals_redeemed),
            ("approvals_refused", "acts on approvals that were refused", &self.approvals_refused),
            ("policies_delivered", "policies delivered to Envoy", &self.policies_delivered),
            ("policies_refused", "policies refused", &self.policies_refused),
        ];
        let mut text = String::new();
        for (name, help, counter) in counters {
            let value = counter.value();
            family(&mut text, &format!("chaperone_{name}_total"), "counter", help, &[("", value)]);
        }
        family(&mut text, "chaperone_sessions", "gauge", "sessions stored", &[("", gauges.sessions)]);
        family(&mut text, "chaperone_records_stored", "gauge", "records stored", &[("", gauges.stored)]);
        let waiting = "requests that wait for a decision";
        family(&mut text, "chaperone_approval_waiters", "gauge", waiting, &[("", gauges.waiters)]);
        let states: Vec<_> = gauges
            .approvals
            .iter()
            .map(|(state, count)| (format!("{{state=\"{}\"}}", state.as_str()), *count))
            .collect();
        let states: Vec<_> = states.iter().map(|(labels, count)| (labels.as_str(), *count)).collect();
        family(&mut text, "chaperone_approvals", "gauge", "approvals by state", &states);
        text
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str, samples: &[(&str, u64)]) {
    let _infallible = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    for (labels, value) in samples {
        let _infallible = writeln!(text, "{name}{labels} {value}");
    }
}
