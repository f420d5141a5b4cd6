//! Runs any flow on proxy-wasm: the only crate that names the SDK.
//!
//! A filter implements [`Module`] and calls `start` from its `_initialize`. Everything here but the trait is for
//! wasm32 alone; the flows themselves know nothing of it and are tested natively.
//!
//! The SDK's host calls panic on statuses that they do not expect, and a panic kills the VM for every connection of
//! its worker. So host calls are declared here again, in `abi`, with their status as a value; the SDK is used for
//! its dispatcher and for `dispatch_http_call`, which must be registered there.

use std::fmt;

use chaperone_flow::{Counts, Flow, Live};
use chaperone_settings::Settings;

#[cfg(target_arch = "wasm32")]
mod abi;
#[cfg(target_arch = "wasm32")]
mod environment;
#[cfg(target_arch = "wasm32")]
mod foreign;
#[cfg(target_arch = "wasm32")]
mod heap;
#[cfg(target_arch = "wasm32")]
mod root;
#[cfg(target_arch = "wasm32")]
mod shared;
#[cfg(target_arch = "wasm32")]
mod stream;
#[cfg(all(feature = "trap", target_arch = "wasm32"))]
mod trap;
#[cfg(target_arch = "wasm32")]
mod vm;

#[cfg(target_arch = "wasm32")]
pub use foreign::verify_signature;

/// Without Envoy nobody else can judge.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn verify_signature(_hash: &str, _public_key: &[u8], _signature: &[u8], _text: &[u8]) -> Option<bool> {
    None
}

/// Counts that all workers share.
#[cfg(target_arch = "wasm32")]
#[must_use]
pub fn counts() -> Counts {
    Counts::new(std::rc::Rc::new(shared::SharedData))
}

/// Without Envoy there is nobody to share them with.
#[cfg(not(target_arch = "wasm32"))]
#[must_use]
pub fn counts() -> Counts {
    Counts::default()
}

/// A filter as the host sees it.
pub trait Module: fmt::Debug + 'static {
    /// The name, as in the marker `wasm.chaperone.ready.NAME` that the native RBAC filter asks for.
    const NAME: &'static str;
    /// Whether notes of a module before this one are read.
    const READS_NOTES: bool;
    /// Whether modules behind this one read notes.
    const EMITS_NOTES: bool;
    /// Whether this module makes the session's identity (or else reads it from filter state).
    const MAKES_SESSION: bool;

    /// The names of what its filters count, a list of each.
    const COUNTERS: &[&[&str]];

    /// What all connections of a plugin share (caches). Made once in a VM for each plugin.
    type Shared: fmt::Debug + 'static;

    /// Makes it, from the plugin's first settings and 32 random bytes.
    fn shared(settings: &Settings, random: [u8; 32]) -> Self::Shared;

    /// The flows of a new connection.
    fn flows(shared: &Self::Shared, settings: &Live<Settings>) -> Vec<Box<dyn Flow>>;
}

/// Registers the module with the host. To be called from `_initialize`.
#[cfg(target_arch = "wasm32")]
pub fn start<M: Module>() {
    root::register::<M>();
}

/// Declares the entry point of a module.
#[macro_export]
macro_rules! entry {
    ($module:ty) => {
        #[cfg(target_arch = "wasm32")]
        mod entry {
            #[expect(unsafe_code, reason = "the WASI reactor's constructors must be called once, by name")]
            unsafe extern "C" {
                fn __wasm_call_ctors();
            }

            /// Called by the host once, before anything else.
            #[expect(unsafe_code, reason = "the name is the ABI")]
            #[unsafe(no_mangle)]
            extern "C" fn _initialize() {
                // SAFETY: the linker makes it, and nothing ran before.
                unsafe { __wasm_call_ctors() };
                $crate::start::<$module>();
            }
        }
    };
}
