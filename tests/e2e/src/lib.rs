//! What the end-to-end scenarios have in common: a stack, people who decide, and clients that misbehave.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: a failure here is a failed test"
)]

mod aftermath;
mod people;
mod relay;
pub mod say;
mod wire;

use std::process::Output;

pub use aftermath::{a_vm_died, no_vm_died, nobody_is_left, still_serves};
pub use chaperone_stack::{Chain, Login, Policy, Stack, StackOptions};
pub use people::{Background, People, eventually};
pub use relay::Relay;
pub use wire::Client;

/// The demo's stack, where a held command expires after `seconds`.
#[must_use]
pub fn shop(seconds: u64) -> Stack {
    shop_with(seconds, 2)
}

/// As [`shop`], with this many workers.
#[must_use]
pub fn shop_with(seconds: u64, workers: u32) -> Stack {
    let policy = shop_policy().replace("expires: 60s", &format!("expires: {seconds}s"));
    start(StackOptions { policy: Policy::Text(policy), concurrency: workers, ..StackOptions::default() })
}

/// The demo's policy, under which orders may be copied too.
#[must_use]
pub fn shop_policy() -> String {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop/policy.yaml");
    let shop = std::fs::read_to_string(example).unwrap();
    let rule = "  - id: copy-orders
    effect: allow
    match: { verbs: [copy, insert, read], effects: [copy_in, copy_out], tables: [public.orders] }
";
    let policy = shop.replacen("masking:\n", &format!("{rule}\nmasking:\n"), 1);
    assert_ne!(policy, shop);
    policy
}

/// A stack, or the reason why there is none.
#[must_use]
pub fn start(options: StackOptions) -> Stack {
    Stack::start(options).unwrap_or_else(|error| panic!("{error}"))
}

/// The analyst's login with a fresh token.
#[must_use]
pub fn analyst(stack: &Stack) -> Login {
    Login::new("analyst", &stack.token("agent-7", &["analysts"]).unwrap(), "shop")
}

/// Runs statements through psql, each as it would be typed. Returns what was printed, errors included.
#[must_use]
pub fn psql(stack: &Stack, chain: Chain, login: &Login, statements: &[&str]) -> String {
    let mut arguments = vec!["-A", "-t"];
    for statement in statements {
        arguments.extend(["-c", statement]);
    }
    printed(&stack.psql(chain, login, &arguments).unwrap())
}

/// Everything that a program printed.
#[must_use]
pub fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Fails unless all words are there.
pub fn has(shown: &str, words: &[&str]) {
    for word in words {
        assert!(shown.contains(word), "`{word}` is not in:\n{shown}");
    }
}

/// Fails if any of the words is there.
pub fn has_not(shown: &str, words: &[&str]) {
    for word in words {
        assert!(!shown.contains(word), "`{word}` is in:\n{shown}");
    }
}
