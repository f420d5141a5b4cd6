//! Group commit: many batches share one transaction and so one wait for the disk.
//!
//! One thread takes whatever has arrived while the last commit was under way and stores it in one go. So the
//! time for a batch stays about two waits for the disk however many batches there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::{Appended, Batch, RecordStore};
use crate::log;
use crate::metrics::Metrics;

/// Batches that may wait for the disk.
pub(crate) const MAX_WAITING: usize = 1024;
/// Batches that share one transaction.
const MAX_GROUP: usize = 256;

/// Hands batches to the thread that stores them.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    alive: Arc<AtomicBool>,
}

/// Why a batch was not stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// Too many batches wait already.
    Busy,
    /// The store failed; the log says how.
    Failed,
}

#[derive(Debug)]
struct Job {
    batch: Batch,
    answer: oneshot::Sender<Result<Appended, Refused>>,
}

impl Writer {
    /// Starts the thread. It ends when the writer is dropped and everything is stored.
    pub(crate) fn start(
        store: Arc<dyn RecordStore>,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::channel(MAX_WAITING);
        let alive = Arc::new(AtomicBool::new(true));
        let mark = AliveMark(Arc::clone(&alive));
        let thread = std::thread::Builder::new().name("records".to_owned()).spawn(move || {
            let _mark = mark;
            run(queue, &*store, &metrics);
        })?;
        Ok((Self { jobs, alive }, thread))
    }

    /// Stores a batch and returns when it is durable.
    pub(crate) async fn append(&self, batch: Batch) -> Result<Appended, Refused> {
        let (answer, stored) = oneshot::channel();
        self.jobs.try_send(Job { batch, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refused::Busy,
            mpsc::error::TrySendError::Closed(_) => Refused::Failed,
        })?;
        stored.await.unwrap_or(Err(Refused::Failed))
    }

    /// Whether the thread is there.
    pub(crate) fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Relaxed)
    }
}

/// Says that the thread is gone, however it went.
struct AliveMark(Arc<AtomicBool>);

impl Drop for AliveMark {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn run(mut queue: mpsc::Receiver<Job>, store: &dyn RecordStore, metrics: &Metrics) {
    while let Some(first) = queue.blocking_recv() {
        let (mut batches, mut answers) = (vec![first.batch], vec![first.answer]);
        while batches.len() < MAX_GROUP {
            let Ok(job) = queue.try_recv() else { break };
            batches.push(job.batch);
            answers.push(job.answer);
        }
        metrics.commits.add(1);
        match store.append(&batches) {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    metrics.records.add(outcome.added);
                    metrics.replays.add(outcome.replayed);
                    metrics.conflicts.add(outcome.conflicts.len() as u64);
                    // Whoever does not wait any more will ask again, and be told that it is stored.
                    let _gone = answer.send(Ok(outcome));
                }
            }
            Err(error) => {
                metrics.store_failures.add(1);
                log::error("records could not be stored", &[("error", &error)]);
                for answer in answers {
                    let _gone = answer.send(Err(Refused::Failed));
                }
            }
        }
    }
}
