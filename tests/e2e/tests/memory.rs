//! What a connection costs in Envoy's memory, idle and while a command of it is held: measured, and bounded.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::thread::sleep;
use std::time::Duration;

use chaperone_e2e::{
    Chain, Client, People, Stack, StackOptions, analyst, eventually, has, no_vm_died, nobody_is_left, say,
    start, still_serves,
};
use chaperone_pgwire::client::write;

/// Connections at once.
const MANY: u64 = 300;
/// Bytes of a held statement: nearly the most that people are shown.
const STATEMENT: usize = 15 << 10;
/// The most that an idle connection may cost Envoy, its own buffers included.
const IDLE_MOST: u64 = 96 << 10;
/// The most that a held statement may cost on top.
const HELD_MOST: u64 = 192 << 10;
/// The most that stays when all of them are gone: memory of a VM grows only, but it is used again.
const ROUNDS_MOST: u64 = 24 << 20;

/// What Envoy's process has in memory, the VMs of all filters included, once it is settled.
fn resident(stack: &Stack) -> u64 {
    sleep(Duration::from_millis(700));
    let status = format!("/proc/{}/status", stack.envoy_id().unwrap());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

fn connect(stack: &Stack, chain: Chain) -> Vec<Client> {
    let login = analyst(stack);
    (0..MANY).map(|_| Client::log_in(stack, chain, &login)).collect()
}

#[test]
fn memory_of_a_connection_is_bounded() {
    let settings = [("max_connections", "700")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let stack = start(StackOptions {
        concurrency: 1,
        postgres_settings: settings.to_vec(),
        ..StackOptions::default()
    });
    for chain in Chain::GOVERNED {
        // Code that V8 has compiled and caches that are full are no connection's.
        let mut warm: Vec<Client> =
            (0..20).map(|_| Client::log_in(&stack, chain, &analyst(&stack))).collect();
        for client in &mut warm {
            client.ask(&say::query(b"SELECT * FROM customers"));
        }
        let empty = resident(&stack);

        let mut clients = connect(&stack, chain);
        let idle = resident(&stack);
        let each = idle.saturating_sub(empty) / MANY;
        println!("{}: an idle connection costs {} KiB", chain.name(), each >> 10);
        assert!(each < IDLE_MOST, "{}: {each} bytes an idle connection", chain.name());

        let people = People(&stack);
        for (at, client) in clients.iter_mut().enumerate() {
            let text = format!("UPDATE accounts SET balance = {at} WHERE id = 1 AND frozen /*");
            client.send(&say::query(format!("{text:x<STATEMENT$}*/").as_bytes()));
        }
        for client in &mut clients {
            client.until(b'N');
        }
        let held = resident(&stack);
        let each = held.saturating_sub(idle) / MANY;
        println!("{}: a held statement of {} KiB costs {} KiB", chain.name(), STATEMENT >> 10, each >> 10);
        assert!(each < HELD_MOST, "{}: {each} bytes a held statement", chain.name());

        drop(clients);
        eventually("no request is left", || people.pending().is_empty().then_some(()));
        for _ in 0..3 {
            drop(connect(&stack, chain));
        }
        let after = resident(&stack);
        println!("{}: {} MiB in all, {} MiB at first", chain.name(), after >> 20, empty >> 20);
        assert!(
            after.saturating_sub(held) < ROUNDS_MOST,
            "{}: memory leaks, {held} to {after}",
            chain.name()
        );
        drop(warm);
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
}

/// A short EXECUTE that stands for a long text, many times at once, while the target has other things to do.
#[test]
fn what_short_texts_stand_for_is_bounded_too() {
    let stack = start(StackOptions { concurrency: 1, ..StackOptions::default() });
    let login = analyst(&stack);
    for chain in Chain::GOVERNED {
        let mut bystander = Client::log_in(&stack, chain, &login);
        let mut greedy = Client::log_in(&stack, chain, &login);
        let prepare = format!("PREPARE q AS SELECT 1 /* {:x<60000} */", "");
        has(&greedy.ask(&say::query(prepare.as_bytes())), &["PREPARE"]);
        let mut bytes = say::query(b"SELECT count(*) FROM generate_series(1, 20000000)");
        for _ in 0..20_000 {
            bytes.extend(say::query(b"execute q"));
        }
        greedy.send(&bytes);
        sleep(Duration::from_secs(2));
        has(&bystander.ask(&say::query(b"SELECT 40 + 2")), &["42"]);
        assert!(greedy.comes(b'E'));
        let words = greedy.words();
        assert!(
            words.contains("PG105") || words.contains("PG108"),
            "it is too much work, or too much: {words}"
        );
        drop((bystander, greedy));
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
}

#[test]
fn what_sessions_keep_is_bounded_together() {
    let stack = start(StackOptions { concurrency: 1, ..StackOptions::default() });
    let login = analyst(&stack);
    for chain in Chain::GOVERNED {
        let mut greedy = Client::log_in(&stack, chain, &login);
        let padding = "x".repeat(900_000);
        let refused = (0..300).find(|number| {
            let mut prepare = Vec::new();
            let text = format!("SELECT {number} -- {padding}");
            write::parse(&mut prepare, format!("s{number}").as_bytes(), text.as_bytes(), &[]).unwrap();
            write::sync(&mut prepare);
            greedy.ask(&prepare).contains("PG108")
        });
        assert!(refused.is_some_and(|number| number > 50), "{refused:?}");
        still_serves(&stack, chain, &login);

        let half: Vec<Client> = (0..60)
            .map(|_| {
                let mut client = Client::log_in(&stack, chain, &login);
                let mut bytes = b"B\x00\xf0\x00\x00".to_vec();
                bytes.resize(6 << 20, b'x');
                client.send(&bytes);
                client
            })
            .collect();
        // Where one finds no room for a little, the largest ends: whoever comes again is served.
        eventually("somebody else is served", || {
            let mut client = Client::connect(&stack, chain);
            client.send(&say::startup(&login.user, &login.database));
            if !client.comes(b'R') {
                return None;
            }
            client.send(&say::password(&login.password));
            client.settle().then(|| client.ask(&say::query(b"SELECT 40 + 2"))).filter(|it| it.contains("42"))
        });
        drop((greedy, half));
    }
    no_vm_died(&stack);
}
