//! What lives as long as the VM: plugins with their newest settings, connections, calls under way.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use chaperone_flow::{Batch, Budget, Live, Now, Random, Recorder, Share, Time, Waiter};
use chaperone_proto::RECORDER_HEADER;
use chaperone_settings::Settings;
use proxy_wasm::hostcalls::dispatch_http_call;

use crate::abi;
use crate::stream::Connection;

/// A plugin of this VM: one place in one listener's chain, over all its configurations.
pub(crate) struct Plugin {
    pub(crate) settings: Live<Settings>,
    pub(crate) recorder: RefCell<Recorder>,
    /// By which the sidecar knows this recorder from those of other VMs, and of this worker's earlier ones.
    recorder_id: String,
    /// When the batch under way was sent; what is not answered long after is sent again.
    sent_at: RefCell<u64>,
    /// Whose records were dropped, and who must be told at the next tick: in the middle of an event nobody can be.
    dropped: RefCell<Vec<Waiter>>,
}

impl Plugin {
    pub(crate) fn new(settings: Settings) -> Self {
        let recorder = RefCell::new(Recorder::new(settings.recorder));
        Self {
            settings: Live::new(settings),
            recorder,
            recorder_id: recorder_id(),
            sent_at: RefCell::new(0),
            dropped: RefCell::default(),
        }
    }

    pub(crate) fn dropped(&self, waiter: Waiter) {
        if let Ok(mut dropped) = self.dropped.try_borrow_mut() {
            dropped.push(waiter);
        }
    }

    pub(crate) fn take_dropped(&self) -> Vec<Waiter> {
        self.dropped.try_borrow_mut().map(|mut it| std::mem::take(&mut *it)).unwrap_or_default()
    }
}

fn recorder_id() -> String {
    let mut random = [0; 16];
    HostRandom.fill(&mut random);
    format!("r-{}", chaperone_model::hex(&random))
}

/// Whose reply it is.
pub(crate) enum Caller {
    /// A flow of a connection.
    Flow { context: u32, flow: usize, id: u32 },
    /// A plugin's recorder; the call was made in the name of this context.
    Recorder { plugin: Rc<Plugin>, via: Option<u32> },
}

#[derive(Default)]
struct Vm {
    plugins: HashMap<String, Rc<Plugin>>,
    shared: HashMap<String, Rc<dyn Any>>,
    connections: HashMap<u32, Rc<RefCell<Connection>>>,
    calls: HashMap<u32, Caller>,
    closing: Vec<u32>,
    counters: Vec<Counter>,
    /// What sessions keep. Every plugin of the VM says how much that may be; the last one counts.
    memory: Budget,
}

/// A counter, and what was counted since the host was told last. There are a handful. Its name has the filter in it:
/// `chaperone.sql-guard.verdict.deny`.
struct Counter {
    name: &'static str,
    id: Option<u32>,
    since: u64,
}

thread_local! {
    static VM: RefCell<Vm> = RefCell::default();
    static MODULE: Cell<&'static str> = const { Cell::new("") };
}

fn with<R>(look: impl FnOnce(&mut Vm) -> R) -> R {
    VM.with_borrow_mut(look)
}

/// A new session's share of the VM's memory.
pub(crate) fn share_of_memory() -> Share {
    with(|vm| vm.memory.share())
}

/// The session that keeps the most, where another one wants so little that it should have it.
pub(crate) fn overfull() -> Option<Rc<RefCell<Connection>>> {
    let wanted = with(|vm| vm.memory.take_wanted())?;
    let memory = |it: &Rc<RefCell<Connection>>| it.try_borrow().map_or(0, |it| it.memory());
    connections().into_iter().max_by_key(memory).filter(|largest| memory(largest) > wanted.saturating_mul(2))
}

/// The plugin with this root id, with new settings: live sessions see them at their next command.
pub(crate) fn configure(root_id: &str, settings: Settings) -> Rc<Plugin> {
    with(|vm| {
        vm.memory.set_most(settings.session_memory);
        if let Some(plugin) = vm.plugins.get(root_id) {
            plugin.settings.set(settings);
            return Rc::clone(plugin);
        }
        let plugin = Rc::new(Plugin::new(settings));
        vm.plugins.insert(root_id.to_owned(), Rc::clone(&plugin));
        plugin
    })
}

pub(crate) fn plugins() -> Vec<Rc<Plugin>> {
    with(|vm| vm.plugins.values().cloned().collect())
}

pub(crate) fn connect(context: u32, connection: Rc<RefCell<Connection>>) {
    with(|vm| vm.connections.insert(context, connection));
}

/// Forgets a connection. Batches that were sent in its name may never be answered.
pub(crate) fn disconnect(context: u32) {
    let (gone, orphaned) = with(|vm| {
        let gone = vm.connections.remove(&context);
        let mut orphaned = Vec::new();
        vm.calls.retain(|_, caller| match caller {
            Caller::Flow { context: of, .. } => *of != context,
            Caller::Recorder { plugin, via } if *via == Some(context) => {
                orphaned.push(Rc::clone(plugin));
                false
            }
            Caller::Recorder { .. } => true,
        });
        (gone, orphaned)
    });
    for plugin in orphaned {
        if let Ok(mut recorder) = plugin.recorder.try_borrow_mut() {
            recorder.orphaned();
        }
    }
    drop(gone);
}

/// What all connections of a plugin share, made at its first configuration.
pub(crate) fn shared<S: 'static>(root_id: &str, make: impl FnOnce() -> S) -> Rc<S> {
    let known = with(|vm| vm.shared.get(root_id).cloned()).and_then(|known| known.downcast::<S>().ok());
    known.unwrap_or_else(|| {
        let made = Rc::new(make());
        let any: Rc<dyn Any> = Rc::clone(&made) as Rc<dyn Any>;
        with(|vm| vm.shared.insert(root_id.to_owned(), any));
        made
    })
}

pub(crate) fn connection(context: u32) -> Option<Rc<RefCell<Connection>>> {
    with(|vm| vm.connections.get(&context).cloned())
}

pub(crate) fn connections() -> Vec<Rc<RefCell<Connection>>> {
    with(|vm| vm.connections.values().cloned().collect())
}

pub(crate) fn ticking() -> Vec<Rc<RefCell<Connection>>> {
    let all = connections().into_iter();
    all.filter(|connection| connection.try_borrow().is_ok_and(|it| it.wants_tick())).collect()
}

pub(crate) fn close_soon(context: u32) {
    with(|vm| vm.closing.push(context));
}

pub(crate) fn closing() -> Vec<u32> {
    with(|vm| std::mem::take(&mut vm.closing))
}

pub(crate) fn called(token: u32, caller: Caller) {
    with(|vm| vm.calls.insert(token, caller));
}

pub(crate) fn caller(token: u32) -> Option<Caller> {
    with(|vm| vm.calls.remove(&token))
}

/// Counts; the host is told at the next tick, for a call of it costs more than the event that is counted.
pub(crate) fn count(name: &'static str, by: u64) {
    count_as(name, by, || name.to_owned());
}

/// What every module counts: its records that found no room, its batches that the sidecar did not take, and sessions that
/// were ended for what they kept.
const OF_MODULES: [&str; 4] =
    ["records.dropped", "records.failed_batches", "records.refused_batches", "sessions.overfull"];

/// Counts what no flow does but the module that it runs in: `records.dropped` of session-tap, say.
pub(crate) fn count_of_module(what: &'static str, by: u64) {
    count_as(what, by, || format!("chaperone.{}.{what}", MODULE.get()));
}

/// Defines what may be counted, so that each stands there with 0 before anything of it happens.
pub(crate) fn define_counters(names: &[&[&'static str]]) {
    for name in names.iter().copied().flatten() {
        count(name, 0);
    }
    for what in OF_MODULES {
        count_of_module(what, 0);
    }
}

fn count_as(name: &'static str, by: u64, full: impl FnOnce() -> String) {
    with(|vm| match vm.counters.iter_mut().find(|counter| counter.name == name) {
        Some(counter) => counter.since = counter.since.saturating_add(by),
        None => vm.counters.push(Counter { name, id: abi::define_counter(&full()), since: by }),
    });
}

/// Which module this is.
pub(crate) fn set_module(name: &'static str) {
    MODULE.set(name);
}

/// Tells the host what was counted.
pub(crate) fn tell_counts() {
    with(|vm| {
        for counter in vm.counters.iter_mut().filter(|counter| counter.since > 0) {
            let by = std::mem::take(&mut counter.since);
            if let Some(id) = counter.id {
                abi::count(id, by);
            }
        }
    });
}

/// The time of an event that begins: what it records carries one time, so that it can be joined.
pub(crate) const fn time() -> Time {
    Time::when_asked(now)
}

pub(crate) fn now() -> Now {
    Now { unix_nanos: abi::unix_nanos() }
}

/// WASI's randomness.
pub(crate) struct HostRandom;

impl Random for HostRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        if getrandom::getrandom(bytes).is_err() {
            // Ids would repeat and a nonce could be foreseen; the handshake that needs it fails on zeros.
            bytes.fill(0);
            abi::log(abi::Level::Error, "no randomness");
        }
    }
}

/// How long a call of the recorder may take, in milliseconds.
const RECORD_TIMEOUT: u64 = 5_000;

/// Sends what a recorder has due.
pub(crate) fn flush(plugin: &Rc<Plugin>, via: Option<u32>) {
    let now = now();
    let Ok(mut recorder) = plugin.recorder.try_borrow_mut() else { return };
    if recorder.is_sending() && now.millis().saturating_sub(*plugin.sent_at.borrow()) > 2 * RECORD_TIMEOUT {
        // The reply went to a connection that is gone: the records are sent again, which does no harm.
        let _first = recorder.failed(now);
    }
    let Some(Batch { bytes }) = recorder.poll(now) else { return };
    let sidecar = plugin.settings.get().sidecar.clone();
    let bearer = format!("Bearer {}", sidecar.token);
    let headers = vec![
        (":method", "POST"),
        (":path", "/v1/records"),
        (":authority", sidecar.cluster.as_str()),
        ("content-type", "application/x-protobuf"),
        ("authorization", bearer.as_str()),
        (RECORDER_HEADER, plugin.recorder_id.as_str()),
    ];
    let timeout = Duration::from_millis(RECORD_TIMEOUT);
    match dispatch_http_call(&sidecar.cluster, headers, Some(bytes), Vec::new(), timeout) {
        Ok(token) => {
            *plugin.sent_at.borrow_mut() = now.millis();
            called(token, Caller::Recorder { plugin: Rc::clone(plugin), via });
        }
        Err(_) => {
            count_of_module("records.failed_batches", 1);
            if recorder.failed(now) {
                let name = &sidecar.cluster;
                let message = format!("chaperone: no call can be made to the cluster `{name}`: records wait");
                abi::log(abi::Level::Warn, &message);
            }
        }
    }
}
