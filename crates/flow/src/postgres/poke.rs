//! Harmless messages that make the server speak, so that something can be said to the client.

use chaperone_pgwire::client::{Target, write};

/// The name of no statement. A client that uses it hurts only itself.
const NO_STATEMENT: &[u8] = b"_chaperone_none";

/// A start-up packet of version 4, which no server speaks: it says so and hangs up.
pub(super) const STARTUP: &[u8] = &[0, 0, 0, 9, 0, 4, 0, 0, 0];

/// Writes a constant message. The writers fail only for a NUL inside a text, which constants have not; an empty
/// message would be seen as no poke at all, and the client would wait: the tests below hold that.
fn constant<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut out = Vec::new();
    if write(&mut out).is_err() {
        out.clear();
    }
    out
}

pub(super) fn query(sql: &[u8]) -> Vec<u8> {
    constant(|out| write::query(out, sql))
}

/// A Parse that must fail.
pub(super) fn parse() -> Vec<u8> {
    constant(|out| write::parse(out, NO_STATEMENT, b"refused by chaperone", &[]))
}

pub(super) fn close() -> Vec<u8> {
    constant(|out| write::close(out, Target::Statement(NO_STATEMENT)))
}

pub(super) fn copy_fail() -> Vec<u8> {
    constant(|out| write::copy_fail(out, b"ended by chaperone"))
}

pub(super) fn sync() -> Vec<u8> {
    let mut out = Vec::new();
    write::sync(&mut out);
    out
}

pub(super) fn flush() -> Vec<u8> {
    let mut out = Vec::new();
    write::flush(&mut out);
    out
}

pub(super) fn terminate() -> Vec<u8> {
    let mut out = Vec::new();
    write::terminate(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_empty() {
        for poke in [query(b"select 1"), parse(), close(), copy_fail(), sync(), flush(), terminate()] {
            assert!(poke.len() >= 5);
        }
    }
}
