//! Runs any flow on proxy-wasm: the only crate that names the SDK.
