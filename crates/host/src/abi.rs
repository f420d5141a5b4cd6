//! Host calls with their status as a value.
//!
//! SPEC: proxy-wasm ABI 0.2.1. Every call that can fail returns `Option` or `bool`; nothing here panics.

#![expect(unsafe_code, reason = "host calls are foreign functions")]

use std::ptr::null_mut;

use chaperone_flow::{Read, Written};

/// Where bytes are.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(crate) enum Buffer {
    Downstream = 2,
    Upstream = 3,
    CallBody = 4,
    PluginConfiguration = 7,
}

/// How grave a log line is.
#[derive(Clone, Copy)]
#[repr(i32)]
pub(crate) enum Level {
    Info = 2,
    Warn = 3,
    Error = 4,
}

const OK: i32 = 0;
const NOT_FOUND: i32 = 1;
const CAS_MISMATCH: i32 = 8;
const DOWNSTREAM: i32 = 2;
const CALL_HEADERS: i32 = 6;
const COUNTER: i32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: i32, text: *const u8, size: usize) -> i32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> i32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> i32;
    fn proxy_get_buffer_bytes(
        buffer: i32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> i32;
    fn proxy_set_buffer_bytes(buffer: i32, start: usize, size: usize, data: *const u8, length: usize) -> i32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> i32;
    fn proxy_set_property(path: *const u8, path_size: usize, data: *const u8, size: usize) -> i32;
    fn proxy_continue_stream(stream: i32) -> i32;
    fn proxy_close_stream(stream: i32) -> i32;
    fn proxy_set_effective_context(context: u32) -> i32;
    fn proxy_get_header_map_value(
        map: i32,
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> i32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        version: *mut u32,
    ) -> i32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        data: *const u8,
        size: usize,
        version: u32,
    ) -> i32;
    fn proxy_define_metric(kind: i32, name: *const u8, name_size: usize, id: *mut u32) -> i32;
    fn proxy_increment_metric(id: u32, by: i64) -> i32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> i32;
}

/// Takes over what the host allocated through the SDK's `proxy_on_memory_allocate`.
fn owned(status: i32, data: *mut u8, size: usize) -> Option<Vec<u8>> {
    if status != OK {
        return None;
    }
    if data.is_null() || size == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the SDK's allocation callback made a `Vec<u8>` of exactly this capacity and forgot it.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}

pub(crate) fn log(level: Level, text: &str) {
    // SAFETY: pointer and length are of one live string.
    let _ = unsafe { proxy_log(level as i32, text.as_ptr(), text.len()) };
}

pub(crate) fn unix_nanos() -> u64 {
    let mut time = 0;
    // SAFETY: the host writes eight bytes.
    let _ = unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
    time
}

pub(crate) fn set_tick_period(millis: u32) {
    // SAFETY: no pointers.
    let _ = unsafe { proxy_set_tick_period_milliseconds(millis) };
}

pub(crate) fn buffer(buffer: Buffer, size: usize) -> Option<Vec<u8>> {
    let (mut data, mut length) = (null_mut(), 0);
    // SAFETY: the host writes a pointer and a length.
    let status = unsafe { proxy_get_buffer_bytes(buffer as i32, 0, size, &raw mut data, &raw mut length) };
    owned(status, data, length)
}

/// Replaces everything in the buffer.
pub(crate) fn replace(buffer: Buffer, bytes: &[u8]) -> bool {
    // SAFETY: pointer and length are of one live slice.
    unsafe { proxy_set_buffer_bytes(buffer as i32, 0, usize::MAX, bytes.as_ptr(), bytes.len()) == OK }
}

/// Puts bytes behind those in the downstream buffer, outside of its own callback. What was put there before in the same
/// callback of another kind is still in it: Envoy takes it on only after that.
pub(crate) fn append_downstream(bytes: &[u8]) -> bool {
    // A start at or behind the end appends; 0 would put the bytes in front.
    let end = usize::MAX;
    // SAFETY: pointer and length are of one live slice.
    unsafe { proxy_set_buffer_bytes(Buffer::Downstream as i32, end, 0, bytes.as_ptr(), bytes.len()) == OK }
}

/// Reads a property by its path, parts separated by NUL.
pub(crate) fn property(path: &str) -> Option<Vec<u8>> {
    let (mut data, mut length) = (null_mut(), 0);
    // SAFETY: pointer and length are of one live string; the host writes a pointer and a length.
    let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut length) };
    owned(status, data, length)
}

pub(crate) fn set_property(path: &str, value: &[u8]) -> bool {
    // SAFETY: pointers and lengths are of live slices.
    unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) == OK }
}

/// Lets the downstream buffer go on to the next filter, after this callback.
pub(crate) fn resume_downstream() -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_continue_stream(DOWNSTREAM) == OK }
}

pub(crate) fn close_downstream() -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_close_stream(DOWNSTREAM) == OK }
}

/// False where the context is gone.
pub(crate) fn set_effective_context(context: u32) -> bool {
    // SAFETY: no pointers.
    unsafe { proxy_set_effective_context(context) == OK }
}

/// The status of the call whose reply is at hand.
pub(crate) fn call_status() -> Option<u16> {
    let key = ":status";
    let (mut data, mut length) = (null_mut(), 0);
    // SAFETY: pointer and length are of one live string; the host writes a pointer and a length.
    let status = unsafe {
        proxy_get_header_map_value(CALL_HEADERS, key.as_ptr(), key.len(), &raw mut data, &raw mut length)
    };
    std::str::from_utf8(&owned(status, data, length)?).ok()?.parse().ok()
}

/// Reads what all VMs with this `vm_id` share, and its version.
pub(crate) fn shared(key: &str) -> Read {
    let (mut data, mut length, mut version) = (null_mut(), 0, 0);
    // SAFETY: pointer and length are of one live string; the host writes a pointer and two numbers.
    let status = unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), &raw mut data, &raw mut length, &raw mut version)
    };
    match owned(status, data, length) {
        Some(value) => Read::Value(value, version),
        None if status == NOT_FOUND => Read::Nothing,
        None => Read::Failed,
    }
}

/// Writes it where it still has this version, or is not there yet.
pub(crate) fn share(key: &str, value: &[u8], version: u32) -> Written {
    // SAFETY: pointers and lengths are of live slices.
    let status =
        unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), version) };
    match status {
        OK => Written::Done,
        CAS_MISMATCH => Written::Outdated,
        _ => Written::Failed,
    }
}

pub(crate) fn define_counter(name: &str) -> Option<u32> {
    let mut id = 0;
    // SAFETY: pointer and length are of one live string; the host writes four bytes.
    let status = unsafe { proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) };
    (status == OK).then_some(id)
}

pub(crate) fn count(id: u32, by: u64) {
    // SAFETY: no pointers.
    let _ = unsafe { proxy_increment_metric(id, i64::try_from(by).unwrap_or(i64::MAX)) };
}

/// Calls a function that Envoy registered by name.
pub(crate) fn foreign(name: &str, arguments: &[u8]) -> Option<Vec<u8>> {
    let (mut data, mut length) = (null_mut(), 0);
    // SAFETY: pointers and lengths are of live slices; the host writes a pointer and a length.
    let status = unsafe {
        proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            arguments.as_ptr(),
            arguments.len(),
            &raw mut data,
            &raw mut length,
        )
    };
    owned(status, data, length)
}
