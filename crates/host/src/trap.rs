//! The fault that one end-to-end test asks for: a client that says the word ends the VM. In no shipped module.

/// The word.
const WORD: &[u8] = b"chaperone-trap-now";

/// Panics when the client has said the word.
#[expect(clippy::panic, reason = "a real panic is what the test is about")]
pub(crate) fn spring(input: &[u8]) {
    if input.windows(WORD.len()).any(|window| window == WORD) {
        panic!("a test build's trap was sprung");
    }
}
