//! A plugin's root: configuration, time, replies.

use std::cell::RefCell;
use std::rc::Rc;

use chaperone_flow::{Limits, Line, Reply, Waiter};
use chaperone_settings::{Environment, Settings};
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::ContextType;

use crate::environment::VmEnvironment;
use crate::stream::{Connection, Role, Stream};
use crate::vm::{self, Caller, HostRandom, Plugin};
use crate::{Module, abi};

/// How often the root looks at what is due, in milliseconds.
const TICK: u32 = 50;
const TICKS_IN_A_SECOND: u32 = 1_000 / TICK;

/// Registers the module with the SDK.
pub(crate) fn register<M: Module>() {
    vm::set_module(M::NAME);
    proxy_wasm::set_root_context(|context| {
        Box::new(Root::<M> { context, shared: None, plugin: None, ticks: 0 })
    });
}

struct Root<M: Module> {
    context: u32,
    shared: Option<Rc<M::Shared>>,
    plugin: Option<Rc<Plugin>>,
    ticks: u32,
}

impl<M: Module> Context for Root<M> {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _trailers: usize) {
        replied(token, headers, body);
    }
}

impl<M: Module> RootContext for Root<M> {
    fn on_configure(&mut self, size: usize) -> bool {
        let environment: Rc<dyn Environment> = Rc::new(VmEnvironment);
        let bytes = abi::buffer(abi::Buffer::PluginConfiguration, size).unwrap_or_default();
        // Depends on the bytes alone, so that what the canary accepts no worker refuses.
        let settings = match Settings::read(&bytes, environment) {
            Ok(settings) => settings,
            Err(error) => {
                abi::log(abi::Level::Error, &format!("chaperone {}: {error}", M::NAME));
                return false;
            }
        };
        let root_id =
            abi::property("plugin_root_id").and_then(|id| String::from_utf8(id).ok()).unwrap_or_default();
        let message = format!(
            "chaperone {}: policy `{}` {} in force",
            M::NAME,
            settings.policy.name(),
            settings.policy.digest().to_hex()
        );
        abi::log(abi::Level::Info, &message);
        let mut random = [0; 32];
        chaperone_flow::Random::fill(&mut HostRandom, &mut random);
        self.shared = Some(vm::shared::<M::Shared>(&root_id, || M::shared(&settings, random)));
        self.plugin = Some(vm::configure(&root_id, settings));
        vm::define_counters(M::COUNTERS);
        abi::set_tick_period(TICK);
        true
    }

    fn on_tick(&mut self) {
        for context in vm::closing() {
            if abi::set_effective_context(context) {
                abi::close_downstream();
            }
        }
        vm::ticking().iter().for_each(|connection| in_its_name(connection, Connection::tick));
        self.ticks = self.ticks.wrapping_add(1);
        if self.ticks % TICKS_IN_A_SECOND == 0 {
            vm::connections().iter().for_each(|connection| in_its_name(connection, Connection::second));
        }
        if let Some(largest) = vm::overfull() {
            in_its_name(&largest, Connection::end_overfull);
        }
        for plugin in vm::plugins() {
            // The root asks for this: a connection may be gone before the answer comes, and the answer with it.
            abi::set_effective_context(self.context);
            vm::flush(&plugin, None);
            give_up(&plugin);
            wake(&plugin.take_dropped(), false);
        }
        vm::tell_counts();
    }

    fn create_stream_context(&self, context: u32) -> Option<Box<dyn StreamContext>> {
        let role = Role::of::<M>();
        let (flows, limits, plugin) = match (&self.plugin, &self.shared) {
            (Some(plugin), Some(shared)) => {
                (M::flows(shared, &plugin.settings), plugin.settings.get().limits, Rc::clone(plugin))
            }
            // Not reached: a plugin without configuration has no connections. If ever, nothing passes.
            _ => {
                let environment: Rc<dyn Environment> = Rc::new(VmEnvironment);
                let settings = Settings::deny_all("not configured", environment);
                let shared = M::shared(&settings, [0; 32]);
                let plugin = Rc::new(Plugin::new(settings));
                (M::flows(&shared, &plugin.settings), Limits::default(), plugin)
            }
        };
        let mut line = Line::new(flows, limits, M::EMITS_NOTES);
        line.set_memory(vm::share_of_memory());
        let connection = Rc::new(RefCell::new(Connection::new(context, role, line, plugin)));
        vm::connect(context, Rc::clone(&connection));
        Some(Box::new(Stream { connection }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::StreamContext)
    }
}

/// Lets something happen to a connection, so that what that asks of the host is asked for it. Nothing where it is under way
/// itself, or gone.
fn in_its_name(connection: &Rc<RefCell<Connection>>, event: impl FnOnce(&mut Connection)) {
    if let Ok(mut connection) = connection.try_borrow_mut() {
        if abi::set_effective_context(connection.context()) {
            event(&mut connection);
        }
    }
}

/// Ends the waiting for records that are too long under way.
fn give_up(plugin: &Rc<Plugin>) {
    let waiters = plugin.recorder.try_borrow_mut().map(|mut it| it.overdue(vm::now())).unwrap_or_default();
    wake(&waiters, false);
}

fn wake(waiters: &[Waiter], durable: bool) {
    for waiter in waiters {
        if let Some(connection) = vm::connection(waiter.context) {
            in_its_name(&connection, |it| it.recorded(waiter.ticket, durable));
        }
    }
}

/// A reply to whoever called. `headers` is 0 where the call was reset.
pub(crate) fn replied(token: u32, headers: usize, body: usize) {
    let status = if headers == 0 { None } else { abi::call_status() };
    let body =
        if body == 0 { Vec::new() } else { abi::buffer(abi::Buffer::CallBody, body).unwrap_or_default() };
    match vm::caller(token) {
        Some(Caller::Flow { context, flow, id }) => {
            if let Some(connection) = vm::connection(context) {
                in_its_name(&connection, |it| it.replied(flow, Reply { id, status, body: &body }));
            }
        }
        Some(Caller::Recorder { plugin, .. }) => {
            let waiters = {
                let Ok(mut recorder) = plugin.recorder.try_borrow_mut() else { return };
                match status {
                    Some(200) => recorder.durable(),
                    // It has other records under some of these numbers, which never happens to one gateway; it keeps those,
                    // and the rest of the batch. Who waits for one of them is told the worst.
                    Some(409) => {
                        vm::count_of_module("records.refused_batches", 1);
                        abi::log(
                            abi::Level::Error,
                            "chaperone: the sidecar has other records under these numbers",
                        );
                        recorder.durable()
                    }
                    Some(400 | 413 | 422) => {
                        vm::count_of_module("records.refused_batches", 1);
                        abi::log(
                            abi::Level::Error,
                            "chaperone: the sidecar refused records; they are dropped and counted",
                        );
                        recorder.refused()
                    }
                    _ => {
                        vm::count_of_module("records.failed_batches", 1);
                        if recorder.failed(vm::now()) {
                            let why = match status {
                                Some(401 | 403) => "it does not know the filters' token".to_owned(),
                                Some(status) => format!("it answered {status}"),
                                None => "it does not answer".to_owned(),
                            };
                            abi::log(
                                abi::Level::Warn,
                                &format!("chaperone: the sidecar takes no records: {why}; they wait"),
                            );
                        }
                        Vec::new()
                    }
                }
            };
            wake(&waiters, status == Some(200));
        }
        None => abi::log(abi::Level::Warn, "chaperone: a reply that nobody waits for"),
    }
}
