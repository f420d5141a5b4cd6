//! Who is gone at which step: the client, the server, the sidecar. Nobody hangs, nothing leaks, nothing is left behind.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chaperone_e2e::{
    Background, Chain, Client, Login, People, Policy, Relay, Stack, StackOptions, analyst, eventually, has,
    has_not, no_vm_died, nobody_is_left, say, shop_policy, shop_with, start, still_serves,
};
use chaperone_pgwire::Format;
use chaperone_pgwire::client::write;
use chaperone_stack::{Delivery, Upstream};

/// What a client says, each with the letter of the answer that it awaits before it goes on.
fn script(login: &Login) -> Vec<(Vec<u8>, u8)> {
    let mut copied = Vec::new();
    write::copy_data(&mut copied, b"1\tcopied\t1\t2026-01-01\n").unwrap();
    write::copy_data(&mut copied, b"2\tcopied\t2\t2026-01-02\n").unwrap();
    write::copy_done(&mut copied);
    vec![
        (say::startup(&login.user, &login.database), b'R'),
        (say::password(&login.password), b'Z'),
        (say::query(b"SELECT id, card, email, notes FROM customers"), b'Z'),
        (say::batch("SELECT card FROM customers"), b'Z'),
        (say::query(b"COPY orders (customer, item, amount, placed) FROM STDIN"), b'G'),
        (copied, b'Z'),
        (say::query(b"COPY orders TO STDOUT"), b'Z'),
    ]
}

/// Plays the script as far as this many bytes, or to its end. Whether it came so far.
fn play(client: &mut Client, script: &[(Vec<u8>, u8)], mut bytes: usize) -> bool {
    for (message, answer) in script {
        if bytes < message.len() {
            client.send(message.get(..bytes).unwrap_or_default());
            return true;
        }
        bytes -= message.len();
        client.send(message);
        if !client.comes(*answer) {
            return false;
        }
    }
    true
}

fn shows_no_secret(client: &Client) {
    has_not(&client.words(), &["4111 1111 1111 1111", "ada@example.com", "prefers letters"]);
}

#[test]
fn a_client_may_go_at_any_byte() {
    let stack = shop_with(30, 2);
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let script = script(&login);
        let whole: usize = script.iter().map(|(message, _)| message.len()).sum();
        // Every byte of the small messages, few of the token's.
        let token = script.first().unwrap().0.len()..script.iter().take(2).map(|(it, _)| it.len()).sum();
        for bytes in (0..=whole).filter(|at| at % 7 == 0 && (!token.contains(at) || at % 70 == 0)) {
            // Gone without a word.
            let mut client = Client::connect(&stack, chain);
            assert!(play(&mut client, &script, bytes));
            shows_no_secret(&client);
            drop(client);
            // Its last word is half a message; it waits for what comes of it.
            let mut client = Client::connect(&stack, chain);
            assert!(play(&mut client, &script, bytes));
            client.send_no_more();
            client.until_closed();
            shows_no_secret(&client);
        }
        gone_in_a_long_result(&stack, chain);
        still_serves(&stack, chain, &login);
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
}

/// Nobody reads the result: the server's process must not wait for that for ever.
fn gone_in_a_long_result(stack: &Stack, chain: Chain) {
    let text = "SELECT a.item, b.item, c.item FROM orders a, orders b, orders c, customers d, customers e, customers f, customers g";
    for _ in 0..3 {
        let mut client = Client::log_in(stack, chain, &analyst(stack));
        client.send(&say::query(text.as_bytes()));
        client.until(b'D');
    }
}

/// A stack whose target is the database of another, behind a relay.
fn behind_a_relay() -> (Stack, Relay, Stack) {
    let database = start(StackOptions { delivery: Delivery::Off, ..StackOptions::default() });
    let relay = Relay::start(database.pg_port(Chain::Direct));
    let Login { user, password, database: name } = database.target_login();
    let upstream =
        Upstream { user, password, host: "127.0.0.1".to_owned(), port: relay.port, database: name };
    let policy = Policy::Text(shop_policy());
    let stack = start(StackOptions { policy, upstream: Some(upstream), ..StackOptions::default() });
    (database, relay, stack)
}

#[test]
fn a_server_may_go_at_any_byte() {
    let (database, relay, stack) = behind_a_relay();
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let script = script(&login);
        let before = relay.relayed();
        assert!(play(&mut Client::connect(&stack, chain), &script, usize::MAX));
        let whole = relay.relayed() - before;
        assert!(whole > 1_000, "the target said {whole} bytes");
        for bytes in (0..whole).step_by(usize::try_from(whole / 60).unwrap()) {
            relay.cut_after(bytes);
            let mut client = Client::connect(&stack, chain);
            assert!(!play(&mut client, &script, usize::MAX), "it goes on without a server");
            shows_no_secret(&client);
            relay.mend();
            still_serves(&stack, chain, &login);
        }
        gone_while_held(&stack, chain, &relay);
        nobody_is_left(&database);
    }
    no_vm_died(&stack);
}

#[test]
fn a_target_that_offers_tls_is_reached_in_clear() {
    let (database, relay, stack) = behind_a_relay();
    relay.offer_tls();
    for chain in Chain::GOVERNED {
        // As libpq does under `sslmode=prefer` (the psql of these tests is built without TLS).
        let mut tls = TcpStream::connect(("127.0.0.1", stack.pg_port(chain))).unwrap();
        tls.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        tls.write_all(&[0, 0, 0, 8, 4, 210, 22, 47]).unwrap();
        let mut said = [0];
        tls.read_exact(&mut said).unwrap();
        assert_eq!(said, *b"S", "the target's own answer");
        // The beginning of a ClientHello.
        tls.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).unwrap();
        assert_eq!(tls.read(&mut said).unwrap(), 0, "hung up on, so that the client comes again in clear");
        still_serves(&stack, chain, &analyst(&stack));
    }
    nobody_is_left(&database);
    eventually("the access log tells why", || {
        (stack.access_log().matches("deny PG106").count() == 2).then_some(())
    });
    no_vm_died(&stack);
}

/// The request of a session without a server is withdrawn.
fn gone_while_held(stack: &Stack, chain: Chain, relay: &Relay) {
    let mut client = Client::log_in(stack, chain, &analyst(stack));
    client.send(&say::query(b"UPDATE accounts SET balance = 0 WHERE id = 1"));
    let people = People(stack);
    let id = people.one_pending();
    relay.cut();
    client.until_closed();
    eventually("the request is withdrawn", || people.pending().is_empty().then_some(()));
    has_not(&people.run(&["approvals", "approve", &id, "--by", "dora"]), &["approved by"]);
    still_serves(stack, chain, &analyst(stack));
}

#[test]
fn the_sidecar_may_go_before_a_hold_and_after() {
    let mut stack = shop_with(8, 2);
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let balance = |stack: &Stack| {
            let text = "SELECT balance FROM accounts WHERE id = 1";
            chaperone_e2e::psql(stack, Chain::Direct, &stack.target_login(), &[text])
        };
        let hold = |stack: &Stack| {
            let mut command = stack.client("psql", chain, &login);
            command.args(["-X", "-A", "-t", "-c", "UPDATE accounts SET balance = balance + 1 WHERE id = 1"]);
            command.args(["-c", "SELECT 'the session lives'"]);
            Background::start(command)
        };
        still_serves(&stack, chain, &login);

        // Gone before, and back while the command waits.
        stack.kill_sidecar();
        let run = hold(&stack);
        std::thread::sleep(Duration::from_secs(1));
        stack.start_sidecar().unwrap();
        let people = People(&stack);
        let id = people.one_pending();
        people.run(&["approvals", "approve", &id, "--by", "dora"]);
        has(&run.finish(), &["UPDATE 1", "the session lives"]);

        // Gone before, and never back: the command does not run, the session goes on.
        let before = balance(&stack);
        stack.kill_sidecar();
        let shown = hold(&stack).finish();
        has(&shown, &["ERROR", "AH10", "the session lives"]);
        has_not(&shown, &["UPDATE"]);
        assert_eq!(balance(&stack), before);
        stack.start_sidecar().unwrap();

        // Gone after: the session goes on, and what it did meanwhile is recorded when the sidecar is back.
        let mut client = Client::log_in(&stack, chain, &login);
        client.send(&say::query(b"UPDATE accounts SET balance = balance + 1 WHERE id = 1"));
        let people = People(&stack);
        let id = people.one_pending();
        people.run(&["approvals", "approve", &id, "--by", "dora"]);
        client.until(b'C');
        client.settle();
        stack.kill_sidecar();
        let name = format!("SELECT 40 + 2 AS after_the_hold_{}", chain.name());
        has(&client.ask(&say::query(name.as_bytes())), &["42"]);
        stack.start_sidecar().unwrap();
        drop(client);
        let people = People(&stack);
        eventually("what was done meanwhile is recorded", || {
            let shown = people.run(&["sessions", "play", "last", "--instant"]);
            shown.contains(&name).then_some(())
        });
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
}

#[test]
fn in_strict_mode_nothing_runs_that_is_not_recorded() {
    let relaxed = shop_policy();
    let strict = relaxed.replace("mode: relaxed", "mode: strict");
    assert_ne!(strict, relaxed);
    let mut stack = start(StackOptions { policy: Policy::Text(strict), ..StackOptions::default() });
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let ask = |client: &mut Client, text: &str| client.ask(&say::query(text.as_bytes()));
        let mut client = Client::log_in(&stack, chain, &login);
        let item = format!("strict {}", chain.name());
        let update = |item: &str| format!("UPDATE orders SET item = '{item}' WHERE id = 2");
        let stored = |stack: &Stack| {
            let text = "SELECT item FROM orders WHERE id = 2";
            chaperone_e2e::psql(stack, Chain::Direct, &stack.target_login(), &[text])
        };
        ask(&mut client, &update(&item));
        has(&stored(&stack), &[&item]);
        // The records of a batch become durable together.
        let counted = client.ask(&say::batch("SELECT count(*) + 40 FROM generate_series(1, 2)"));
        has(&counted, &["42", "SELECT 1"]);
        // What is long is recorded whole, or `verify` would say how much is missing.
        let long = format!("SELECT 40 + 2 AS long /* {} */", "x".repeat(3_000_000));
        has(&ask(&mut client, &long), &["SG105"]);
        let mut bound = Vec::new();
        write::parse(&mut bound, b"", b"SELECT length($1) AS bound", &[]).unwrap();
        let value = vec![b'x'; 3_000_000];
        write::bind(&mut bound, b"", b"", [Some(&value[..])], Format::Text).unwrap();
        write::execute(&mut bound, b"", 0).unwrap();
        write::sync(&mut bound);
        has(&client.ask(&bound), &["3000000", "SELECT 1"]);

        // Nobody takes the record: the command is not run, and the session goes on.
        stack.kill_sidecar();
        has(&ask(&mut client, &update("unrecorded")), &["ST101"]);
        // A batch is refused as a whole.
        let shown = client.ask(&say::batch(&update("unrecorded")));
        assert_eq!(shown.matches("Reason ST101").count(), 1, "{shown}");
        has(&stored(&stack), &[&item]);

        stack.start_sidecar().unwrap();
        let again = format!("{item} again");
        eventually("commands are run again", || {
            ask(&mut client, &update(&again));
            stored(&stack).contains(&again).then_some(())
        });
        drop(client);
        let people = People(&stack);
        eventually("the recording is whole", || {
            let shown = people.run(&["sessions", "play", "last", "--instant"]);
            let verified = people.run(&["sessions", "verify", "last"]);
            (shown.contains(&again) && verified.contains("is whole") && !verified.contains("bytes"))
                .then_some(())
        });
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
}
