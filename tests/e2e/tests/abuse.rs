//! What a stranger may send, and what may die: nothing passes, nobody else suffers.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chaperone_e2e::say::query;
use chaperone_e2e::{
    Chain, Client, Login, Stack, analyst, eventually, has, no_vm_died, nobody_is_left, psql, shop, shop_with,
    still_serves,
};
use chaperone_pgwire::client::write;

#[test]
fn garbage_and_queries_of_death() {
    let stack = shop(5);
    for chain in Chain::GOVERNED {
        garbage_before_login(&stack, chain);
        garbage_after_login(&stack, chain);
        queries_of_death(&stack, chain);
        one_byte_at_a_time(&stack, chain);
        a_huge_query(&stack, chain);
    }
    no_vm_died(&stack);
    nobody_is_left(&stack);
}

fn garbage_before_login(stack: &Stack, chain: Chain) {
    let mut megabyte = 1_000_000_u32.to_be_bytes().to_vec();
    megabyte.extend([0, 3, 0, 0]);
    megabyte.extend(vec![b'x'; 1_000_000]);
    let openings: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        vec![0, 0, 0, 3, 0, 3, 0, 0],
        vec![0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0],
        vec![0x80, 0, 0, 0, 0, 3, 0, 0],
        megabyte,
    ];
    for opening in openings {
        let mut client = Client::connect(stack, chain);
        client.send(&opening);
        client.until_closed();
        has(&client.words(), &["FATAL", "PG101"]);
        assert!(!client.shown.iter().any(|(tag, _)| *tag == b'Z'));
    }
    for truncated in [&b"\0"[..], b"\0\0\0\x08", b"\0\0\0\x20\0\x03\0\0user"] {
        let mut client = Client::connect(stack, chain);
        client.send(truncated);
        drop(client);
    }
    still_serves(stack, chain, &analyst(stack));
}

fn garbage_after_login(stack: &Stack, chain: Chain) {
    let login = analyst(stack);
    for garbage in [
        &b"?\0\0\0\x04"[..],
        b"Q\0\0\0\0",
        b"Q\0\0\0\x03",
        b"Q\xff\xff\xff\xff",
        b"Q\x80\0\0\0",
        b"\0\0\0\0\0\0",
        b"p\0\0\0\x08abc\0",
    ] {
        let mut client = Client::log_in(stack, chain, &login);
        client.send(garbage);
        client.until_closed();
        has(&client.words(), &["FATAL", "PG101"]);
    }
    for odd in
        [&b"select '\xff\xfe'"[..], b"select 1\0; drop table orders", b"\xf0\x9f\x92\xa9", b"select $1"]
    {
        let mut client = Client::log_in(stack, chain, &login);
        client.send(&query(odd));
        client.until(b'Z');
        has(&client.words(), &["ERROR"]);
        client.shown.clear();
        client.send(&query(b"select 40 + 2"));
        client.until(b'Z');
        has(&client.words(), &["42"]);
    }
}

fn queries_of_death(stack: &Stack, chain: Chain) {
    let mut client = Client::log_in(stack, chain, &analyst(stack));
    let many = |piece: &str, times: usize| piece.repeat(times);
    let texts = [
        format!("select 1{}", many("+1", 5_000)),
        format!("select 1{}", many("+1", 200_000)),
        format!("select * from orders where id = 1{}", many(" or id = 1", 20_000)),
        format!("select 'a'{}", many("||'a'", 20_000)),
        format!("select 1{}", many("::int", 20_000)),
        format!("select {}1{}", many("(", 10_000), many(")", 10_000)),
        format!("select {}1", many("- ", 20_000)),
        format!("select {}true", many("not ", 20_000)),
        format!("select a{}", many("[1]", 20_000)),
        format!("select a{}", many(".a", 20_000)),
        format!("{}select 1{}", many("select * from (", 5_000), many(") s", 5_000)),
        format!("select 1{}", many(" union select 1", 20_000)),
        format!("select * from a{}", many(" join a on true", 20_000)),
        format!("select case {} end", many("when true then 1 ", 20_000)),
        many("select 1;", 10_000),
        format!("select array[{}1", many("array[", 5_000)),
        format!("/*{}", many("/*", 100_000)),
        format!("select '{}", many("''", 100_000)),
        format!("select 1 in ({}1)", many("1,", 200_000)),
    ];
    for text in texts {
        client.shown.clear();
        client.send(&query(text.as_bytes()));
        client.until(b'Z');
    }
    client.shown.clear();
    client.send(&query(b"select 40 + 2"));
    client.until(b'Z');
    has(&client.words(), &["42"]);
}

fn one_byte_at_a_time(stack: &Stack, chain: Chain) {
    let mut client = Client::log_in(stack, chain, &analyst(stack));
    let mut script = query(b"select 40 + 2");
    write::parse(&mut script, b"", b"drop table orders", &[]).unwrap();
    write::sync(&mut script);
    for byte in script {
        client.send(&[byte]);
        std::thread::sleep(Duration::from_millis(1));
    }
    client.until(b'E');
    if client.shown.last().is_none_or(|(tag, _)| *tag != b'Z') {
        client.until(b'Z');
    }
    has(&client.words(), &["42", "SG102"]);
}

fn a_huge_query(stack: &Stack, chain: Chain) {
    let mut client = Client::log_in(stack, chain, &analyst(stack));
    let size = 100_000_000_usize;
    client.send(&[&b"Q"[..], &u32::try_from(size + 4).unwrap().to_be_bytes()].concat());
    let piece = vec![b' '; 1_000_000];
    for _ in 0..size / piece.len() {
        client.send(&piece);
    }
    client.until(b'Z');
    has(&client.words(), &["54000", "SG105"]);
    client.shown.clear();
    client.send(&query(b"select 40 + 2"));
    client.until(b'Z');
    has(&client.words(), &["42"]);
}

/// Clients that flood at once.
const FLOODERS: usize = 5;
/// Questions that somebody else asks meanwhile.
const QUESTIONS: u64 = 8;
/// The most that Envoy may read of the flood for one answer to somebody else. It reads about 1.5 MB where its worker
/// takes 64 KiB of a connection at a time, as in the configurations, and 20 MB with Envoy's own default of 1 MiB.
const READ_MOST: u64 = 5_000_000;

/// Stops the flood, also where an assertion fails: nobody would otherwise.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn who_floods_and_never_reads_lets_others_speak() {
    let stack = shop_with(30, 1);
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let read =
            || stack.envoy_stat(&format!("tcp.{}.downstream_cx_rx_bytes_total", chain.name())).unwrap();
        let mut other = Client::log_in(&stack, chain, &login);
        let over = AtomicBool::new(false);
        let each = std::thread::scope(|scope| {
            for flooder in 0..FLOODERS {
                let mut client = Client::log_in(&stack, chain, &login);
                let over = &over;
                scope.spawn(move || {
                    let mut unsent = Vec::new();
                    for text in 0_u64.. {
                        // Each is another text, so that no cache helps.
                        unsent.extend(query(format!("SELECT 1 AS c{flooder}_{text}").as_bytes()));
                        while unsent.len() > 64 << 10 {
                            let size = client.offer(&unsent);
                            unsent.drain(..size);
                            if over.load(Ordering::Relaxed) {
                                return;
                            }
                        }
                    }
                });
            }
            let _stop = Stop(&over);
            let before = read();
            for _ in 0..QUESTIONS {
                has(&other.ask(&query(b"SELECT 40 + 2")), &["42"]);
            }
            (read() - before) / QUESTIONS
        });
        println!("{}: {each} bytes of the flood are read for an answer", chain.name());
        assert!(each < READ_MOST, "{}: {each} bytes of the flood are read for an answer", chain.name());
    }
    no_vm_died(&stack);
}

#[test]
fn parts_die_and_come_back() {
    // One worker: keys are cached in each, and the test must know which one it asks.
    let mut stack = shop_with(30, 1);
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        still_serves(&stack, chain, &login);

        // The provider is down: known keys go on, unknown ones are refused until it is back.
        stack.kill_idp();
        still_serves(&stack, chain, &login);
        let algorithm = ["--algorithm", if chain == Chain::Fused { "EdDSA" } else { "ES384" }];
        let unknown = stack.token_with("agent-7", &["analysts"], &algorithm).unwrap();
        let unknown = Login::new("analyst", &unknown, "shop");
        has(&psql(&stack, chain, &unknown, &["SELECT 40 + 2"]), &["FATAL", "ID1", "key"]);
        still_serves(&stack, chain, &login);
        stack.start_idp().unwrap();
        eventually("the new key is known", || {
            (psql(&stack, chain, &unknown, &["SELECT 40 + 2"]).trim() == "42").then_some(())
        });

        // The sidecar dies in the middle of a hold and comes back.
        let mut command = stack.client("psql", chain, &login);
        command.args(["-X", "-A", "-t", "-c", "UPDATE accounts SET balance = balance + 1 WHERE id = 1"]);
        let run = chaperone_e2e::Background::start(command);
        let id = chaperone_e2e::People(&stack).one_pending();
        stack.kill_sidecar();
        still_serves(&stack, chain, &login);
        stack.start_sidecar().unwrap();
        let people = chaperone_e2e::People(&stack);
        assert_eq!(people.one_pending(), id, "a restart loses none");
        people.run(&["approvals", "approve", &id, "--by", "dora"]);
        has(&run.finish(), &["UPDATE 1"]);

        // The server dies and comes back: the next connection works.
        let mut live = Client::log_in(&stack, chain, &login);
        stack.kill_pg();
        live.until_closed();
        stack.start_pg().unwrap();
        eventually("the server is back", || {
            (psql(&stack, chain, &login, &["SELECT 40 + 2"]).trim() == "42").then_some(())
        });
    }
}
