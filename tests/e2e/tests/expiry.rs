//! What a session may do ends with its token: by the real clock, through both chains.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use chaperone_e2e::{
    Chain, Client, Login, People, Policy, Stack, StackOptions, analyst, has, has_not, no_vm_died, say,
    shop_policy, start, still_serves,
};
use chaperone_pgwire::Format;
use chaperone_pgwire::client::write;

/// Long enough for the logins of a chain on a busy machine.
const TTL: Duration = Duration::from_secs(12);

/// The demo's stack without patience for clocks.
fn stack() -> Stack {
    let shop = shop_policy();
    let policy = shop.replace("jwks: { cluster: idp }", "jwks: { cluster: idp }\n      leeway: 0s");
    assert_ne!(policy, shop);
    start(StackOptions { policy: Policy::Text(policy), ..StackOptions::default() })
}

#[test]
fn a_session_ends_with_its_token() {
    let stack = stack();
    for chain in Chain::GOVERNED {
        through(&stack, chain);
    }
    no_vm_died(&stack);
}

fn through(stack: &Stack, chain: Chain) {
    let fresh = analyst(stack);
    let ttl = format!("{}s", TTL.as_secs());
    let begun = Instant::now();
    let token = stack.token_with("agent-7", &["analysts"], &["--ttl", &ttl]).unwrap();
    let login = Login::new("analyst", &token, "shop");
    let log_in = || Client::log_in(stack, chain, &login);
    let [mut simple, mut block, mut prepared, mut copy, mut held] =
        [log_in(), log_in(), log_in(), log_in(), log_in()];
    let mut other = Client::log_in(stack, chain, &fresh);

    let query = say::query(b"SELECT 40 + 2");
    has(&simple.ask(&query), &["42"]);
    has(&block.ask(&say::query(b"BEGIN")), &["BEGIN"]);
    has(
        &block.ask(&say::query(
            b"INSERT INTO orders (customer, item, amount, placed) VALUES (1, 'late', 1, '2026-01-01')",
        )),
        &["INSERT 0 1"],
    );
    let mut message = Vec::new();
    write::parse(&mut message, b"early", b"SELECT 40 + 2", &[]).unwrap();
    write::sync(&mut message);
    has_not(&prepared.ask(&message), &["ERROR"]);
    copy.send(&say::query(b"COPY orders (customer, item, amount, placed) FROM STDIN"));
    copy.until(b'G');
    held.send(&say::query(b"UPDATE accounts SET balance = 0 WHERE id = 1"));
    held.until(b'N');
    assert!(begun.elapsed() < TTL, "the machine is too slow for this test");

    sleep(TTL.saturating_sub(begun.elapsed()) + Duration::from_secs(1));

    // The session is told why, and what to do; it stays, and stays refused.
    for _ in 0..2 {
        let shown = simple.ask(&query);
        has(&shown, &["ERROR", "ID102", "the token has expired", "Get a fresh token"]);
        assert!(simple.was_shown(b'Z') && !simple.was_shown(b'D'), "{shown}");
    }
    has(&simple.ask(&say::batch("SELECT 40 + 2")), &["ERROR", "ID102"]);

    // A transaction that is open cannot commit what it did, and keeps nothing locked.
    has(&block.ask(&say::query(b"COMMIT")), &["FATAL", "ID102"]);
    block.until_closed();

    // What was prepared while the token was good does not run after it.
    let mut message = Vec::new();
    write::bind(&mut message, b"", b"early", [], Format::Text).unwrap();
    write::execute(&mut message, b"", 0).unwrap();
    write::sync(&mut message);
    let shown = prepared.ask(&message);
    has(&shown, &["ERROR", "ID102"]);
    assert!(!prepared.was_shown(b'D'), "{shown}");

    // A copy that is under way comes to its end; nothing comes after it.
    let mut message = Vec::new();
    write::copy_data(&mut message, b"1\tlast\t1\t2026-01-01\n").unwrap();
    write::copy_done(&mut message);
    copy.ask(&message);
    has(&copy.ask(&query), &["ERROR", "ID102"]);

    // What waits for people waits no longer.
    held.settle();
    has(&held.words(), &["ERROR", "the token has expired"]);
    assert!(People(stack).pending().is_empty(), "nobody may approve it later");
    has(&held.ask(&query), &["ERROR", "ID102"]);

    // Others are not touched, nor is who comes back with a fresh token; the old one opens nothing.
    has(&other.ask(&query), &["42"]);
    still_serves(stack, chain, &fresh);
    let mut late = Client::greet(stack, chain, &login);
    late.send(&say::password(&token));
    late.until_closed();
    has(&late.words(), &["FATAL", "ID102"]);
    let late = "SELECT count(*) FROM orders WHERE item = 'late'";
    let output = stack.psql(Chain::Direct, &stack.target_login(), &["-A", "-t", "-c", late]).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0");
}
