//! What holds after everything that a client, a server or a part of the stack may do to the others.

use chaperone_stack::{Chain, Login, Stack};

use crate::{Client, eventually, printed, say};

/// Words in Envoy's log that say that a VM has died.
const DEATH: [&str; 4] = ["Uncaught", "wasm trap", "panicked", "Function: proxy_on"];

/// The next connection works.
pub fn still_serves(stack: &Stack, chain: Chain, login: &Login) {
    let shown = Client::log_in(stack, chain, login).ask(&say::query(b"SELECT 40 + 2"));
    assert!(shown.contains("42"), "{} does not serve: {shown}", chain.name());
}

/// Whether a VM has died since Envoy began.
#[must_use]
pub fn a_vm_died(stack: &Stack) -> bool {
    let log = stack.envoy_log();
    DEATH.iter().any(|word| log.contains(word))
}

/// Fails if a VM has died.
pub fn no_vm_died(stack: &Stack) {
    assert!(!a_vm_died(stack), "a VM died:\n{}", stack.envoy_log());
}

/// Waits until the database that `of` runs has no session of the gateway's any more. Every client must be gone.
pub fn nobody_is_left(of: &Stack) {
    let superuser = of.superuser_login().expect("our own database");
    let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop_app'";
    eventually("the last session at the database ends", || {
        let output = of.psql(Chain::Direct, &superuser, &["-A", "-t", "-c", count]).unwrap();
        (printed(&output).trim() == "0").then_some(())
    });
}
