//! Where the module's memory comes from.
//!
//! WASI's own allocator takes two to three times as long for the many small things that a message leads to.

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

#[global_allocator]
static HEAP: WasmDynamicTalc = new_wasm_dynamic_allocator();
