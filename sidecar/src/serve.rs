//! The running sidecar: everything put together, started, and stopped in order.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use crate::clock::{Clock as _, SystemClock};
use crate::deliver::{Delivery, Watch};
use crate::desk::Desk;
use crate::http::{MAX_BATCH_MEMORY, Service, Tokens, TokensInvalid, connections, router};
use crate::log;
use crate::metrics::Metrics;
use crate::presence::Presence;
use crate::store::{self, SqliteApprovals, SqliteRecords, Writer};

/// How often what time has ended is written down.
const SWEEP: Duration = Duration::from_secs(1);
/// How long requests that are under way may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Why the sidecar did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The address cannot be had.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The operating system.
    #[error("{0}: {1}")]
    Io(String, io::Error),
    /// The data cannot be opened.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The tokens are not set as they must be.
    #[error(transparent)]
    Tokens(#[from] TokensInvalid),
}

/// Runs until SIGTERM or SIGINT.
pub(crate) fn run(
    listen: SocketAddr,
    data: &Path,
    silence: Duration,
    delivery: Option<Delivery>,
) -> Result<(), Error> {
    let token = |name| std::env::var(name).ok();
    let tokens = Tokens::new(token(Tokens::FILTER).as_deref(), token(Tokens::OPERATOR).as_deref())?;
    // Records show what agents saw: they are nobody else's business on this machine.
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| Error::Io(format!("cannot make {}", data.display()), error))?;
    let records = Arc::new(SqliteRecords::open(&data.join("records.db"))?);
    let approvals = Arc::new(SqliteApprovals::open(&data.join("approvals.db"))?);
    let metrics = Arc::new(Metrics::default());
    let desk = Arc::new(Desk::new(approvals, Arc::new(SystemClock), Arc::clone(&metrics)));
    let started = Writer::start(Arc::clone(&records) as _, Arc::clone(&metrics));
    let (writer, thread) = started.map_err(|error| Error::Io("cannot start a thread".to_owned(), error))?;
    let watch = delivery.map(|delivery| Watch::start(delivery, Some(Arc::clone(&metrics))));
    let watch = watch.transpose().map_err(|error| Error::Io("cannot start a thread".to_owned(), error))?;

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::Io("cannot start the runtime".to_owned(), error))?;
    let (stopping, stop) = watch::channel(false);
    let silence = u64::try_from(silence.as_millis()).unwrap_or(u64::MAX);
    let service = Service {
        presence: Arc::new(Presence::new(SystemClock.now(), silence)),
        clock: Arc::new(SystemClock),
        tokens: Arc::new(tokens),
        desk,
        records,
        writer: Arc::new(writer),
        metrics,
        room: Arc::new(Semaphore::new(MAX_BATCH_MEMORY)),
        stop,
    };
    let served = runtime.block_on(serve(listen, service, stopping));
    // The last handle to the writer goes with the runtime; then its thread stores what is left and ends.
    runtime.shutdown_timeout(GRACE);
    drop(watch);
    if thread.join().is_err() {
        log::error("the thread that stores records has panicked", &[]);
    }
    log::info("stopped", &[]);
    served
}

async fn serve(listen: SocketAddr, service: Service, stopping: watch::Sender<bool>) -> Result<(), Error> {
    let listener = TcpListener::bind(listen).await.map_err(|error| Error::Listen(listen, error))?;
    let address = listener.local_addr().map_err(|error| Error::Listen(listen, error))?;
    if !address.ip().is_loopback() {
        log::warn("listening beyond this machine without TLS", &[("address", &address)]);
    }
    announce(address);
    let sweeper = tokio::spawn(sweep(Arc::clone(&service.desk), service.stop.clone()));
    let mut stop = service.stop.clone();
    let graceful = async move {
        let _gone = stop.wait_for(|stop| *stop).await;
    };
    let serving = tokio::spawn(connections::serve(listener, router(service), graceful));
    wait_for_signal().await.map_err(|error| Error::Io("cannot wait for signals".to_owned(), error))?;
    log::info("stopping", &[]);
    // Whoever waits for a decision is answered at once with how things stand, and asks the next sidecar.
    stopping.send_replace(true);
    sweeper.abort();
    if tokio::time::timeout(GRACE, serving).await.is_err() {
        log::warn("some requests did not end in time", &[]);
    }
    Ok(())
}

/// On standard output, for programs that start the sidecar on any free port.
fn announce(address: SocketAddr) {
    use std::io::Write as _;
    let _unread = writeln!(io::stdout(), "chaperone: listening on http://{address}");
    let _unread = io::stdout().flush();
}

async fn wait_for_signal() -> io::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn sweep(desk: Arc<Desk>, stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        tokio::time::sleep(SWEEP).await;
        let desk = Arc::clone(&desk);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || desk.sweep()).await {
            log::error("approvals could not be swept", &[("error", &error)]);
        }
    }
}
