//! The VM's environment (`environment_variables` of Envoy's configuration), asked of WASI itself.
//!
//! Not by `std::env`: that goes through libc, which keeps the environment in memory of its own allocator, and the one of
//! wasi-libc before 2023 (Debian 12's) takes for its own, at the first call, whatever memory there is behind the static
//! data: also what Rust has in it by then. Whether that did harm was a matter of how the linker laid out the module.

#![expect(unsafe_code, reason = "WASI's calls are foreign functions")]

use chaperone_settings::Environment;

/// Most bytes of all variables together.
const MOST: usize = 1 << 20;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn environ_sizes_get(count: *mut usize, size: *mut usize) -> u16;
    fn environ_get(places: *mut *mut u8, text: *mut u8) -> u16;
}

/// The environment of this VM.
pub(crate) struct VmEnvironment;

impl Environment for VmEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        let text = all()?;
        let values = text.split(|byte| *byte == 0).filter_map(|variable| {
            let value = variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            String::from_utf8(value.to_vec()).ok()
        });
        values.filter(|value| !value.is_empty()).last()
    }
}

/// `NAME=value` with a NUL behind each.
fn all() -> Option<Vec<u8>> {
    let (mut count, mut size) = (0, 0);
    // SAFETY: the host writes two numbers.
    if unsafe { environ_sizes_get(&raw mut count, &raw mut size) } != 0 || size > MOST || count > MOST {
        return None;
    }
    let mut places = vec![std::ptr::null_mut(); count];
    let mut text = vec![0; size];
    // SAFETY: the host writes as many pointers and bytes as it has just said.
    (unsafe { environ_get(places.as_mut_ptr(), text.as_mut_ptr()) } == 0).then_some(text)
}
