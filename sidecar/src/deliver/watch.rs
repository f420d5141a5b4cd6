//! Delivering again whenever the policy (or the settings) change.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Delivery;
use crate::log;
use crate::metrics::Metrics;

/// How often the files are looked at.
pub(crate) const POLL: Duration = Duration::from_millis(200);

/// A thread that watches. Dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Delivers once, and from then on whenever something has changed.
    pub(crate) fn start(delivery: Delivery, metrics: Option<Arc<Metrics>>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let metrics = metrics.unwrap_or_default();
        let thread = std::thread::Builder::new().name("deliver".to_owned()).spawn(move || {
            let mut delivered = contents(&delivery);
            tell(&delivery, &metrics);
            let mut before = delivered.clone();
            while stopped.recv_timeout(POLL) == Err(RecvTimeoutError::Timeout) {
                let now = contents(&delivery);
                // Unchanged for one look: whoever writes the file has finished.
                if now == before && now != delivered {
                    tell(&delivery, &metrics);
                    delivered.clone_from(&now);
                }
                before = now;
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Watches until the process ends.
    pub(crate) fn forever(mut self) {
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

type Contents = [Option<Vec<u8>>; 2];

fn contents(delivery: &Delivery) -> Contents {
    [&delivery.policy, &delivery.settings].map(|path| std::fs::read(path).ok())
}

fn tell(delivery: &Delivery, metrics: &Metrics) {
    let path = delivery.policy.display();
    match delivery.run() {
        Ok(done) => {
            metrics.policies_delivered.add(1);
            let changed = done.changed.len();
            let fields: [(&str, &dyn Display); 4] = [
                ("policy", &done.policy),
                ("digest", &done.digest),
                ("files", &done.files),
                ("changed", &changed),
            ];
            log::info("policy delivered", &fields);
        }
        Err(error) => {
            metrics.policies_refused.add(1);
            log::error("policy not delivered; the old one stays", &[("policy", &path), ("error", &error)]);
        }
    }
}
