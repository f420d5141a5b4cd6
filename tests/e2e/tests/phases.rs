//! Garbage in every phase of a session, in every shape: it is refused with a reason, and nobody else suffers.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use chaperone_e2e::{
    Chain, Client, Login, People, Stack, analyst, eventually, has, has_not, no_vm_died, nobody_is_left, say,
    shop, still_serves,
};
use chaperone_pgwire::client::write;

/// A moment in which garbage may come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    Startup,
    Token,
    Ready,
    Batch,
    FailedBlock,
    CopyIn,
    Held,
}

impl Phase {
    const ALL: [Self; 7] =
        [Self::Startup, Self::Token, Self::Ready, Self::Batch, Self::FailedBlock, Self::CopyIn, Self::Held];

    /// A client in this phase.
    fn reach(self, stack: &Stack, chain: Chain, login: &Login) -> Client {
        match self {
            Self::Startup => return Client::connect(stack, chain),
            Self::Token => return Client::greet(stack, chain, login),
            _ => {}
        }
        let mut client = Client::log_in(stack, chain, login);
        match self {
            Self::Batch => {
                let mut message = Vec::new();
                write::parse(&mut message, b"", b"SELECT 1", &[]).unwrap();
                write::flush(&mut message);
                client.send(&message);
                client.until(b'1');
            }
            Self::FailedBlock => {
                client.ask(&say::query(b"BEGIN"));
                client.ask(&say::query(b"SELECT 1/0"));
            }
            Self::CopyIn => {
                client.send(&say::query(b"COPY orders (customer, item, amount, placed) FROM STDIN"));
                client.until(b'G');
            }
            Self::Held => {
                client.send(&say::query(b"UPDATE accounts SET balance = 0 WHERE id = 1"));
                client.until(b'N');
            }
            Self::Startup | Self::Token | Self::Ready => {}
        }
        client.shown.clear();
        client
    }
}

/// How long a refusal may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What no phase takes.
const GARBAGE: [&[u8]; 10] = [
    b"?\0\0\0\x04",
    b"Q\0\0\0\0",
    b"Q\0\0\0\x03",
    b"Q\xff\xff\xff\xff",
    b"Q\x80\0\0\0",
    b"d\0\0\0\0",
    b"\0\0\0\0\0\0\0\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    b"p\0\0\0\x08abc\0",
];

#[test]
fn garbage_in_every_phase() {
    // What comes behind a held command is looked at in its turn: when the hold is over, two seconds later.
    let stack = shop(2);
    let mut wrong = Vec::new();
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        for phase in Phase::ALL {
            let every = if phase == Phase::Held { 3 } else { 1 };
            for garbage in GARBAGE.into_iter().step_by(every) {
                let mut client = phase.reach(&stack, chain, &login);
                client.send(garbage);
                let closed = !client.listen(PATIENCE);
                let shown = client.words();
                if !closed || client.was_shown(b'D') || !shown.contains("FATAL") {
                    wrong.push(format!("{} {phase:?} {garbage:x?}, closed {closed}: {shown}", chain.name()));
                }
            }
            // The largest length that there is: what is announced never comes.
            let mut client = phase.reach(&stack, chain, &login);
            client.send(b"Q\x7f\xff\xff\xffselect");
            client.listen(Duration::from_millis(100));
            has_not(&client.words(), &["42", "SELECT"]);
            drop(client);
            still_serves(&stack, chain, &login);
        }
        let people = People(&stack);
        eventually("no request is left", || people.pending().is_empty().then_some(()));
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
    assert!(wrong.is_empty(), "not refused as it should be:\n{}", wrong.join("\n"));
}

/// Start-up packets with a NUL too many, too few, or in the wrong place.
fn odd_startups() -> Vec<Vec<u8>> {
    let packet = |body: &[u8]| {
        let length = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&length[..], &[0, 3, 0, 0], body].concat()
    };
    vec![
        packet(b""),
        packet(b"\0"),
        packet(b"\0\0\0\0"),
        packet(b"user"),
        packet(b"user\0"),
        packet(b"user\0analyst"),
        packet(b"user\0analyst\0database"),
        packet(b"user\0analyst\0database\0\0\0\0"),
        packet(b"user\0\0analyst\0database\0shop\0\0"),
        packet(b"\0user\0analyst\0database\0shop\0\0"),
        packet(b"user\0analyst\0database\0shop\0"),
        packet(b"user\0analyst\0database\0shop\0\0\0"),
        packet(b"user\0analyst\0database\0shop\0\0user\0postgres\0\0"),
        packet(b"user\0analyst\0user\0postgres\0database\0shop\0\0"),
        packet(b"user\0analyst\0database\0shop\0options\0-c role=postgres\0\0"),
    ]
}

/// Commands with a NUL too many, too few, or in the wrong place, and bodies that end too early or too late.
fn odd_commands() -> Vec<Vec<u8>> {
    let of = say::message;
    vec![
        of(b'Q', b""),
        of(b'Q', b"SELECT 40 + 2"),
        of(b'Q', b"SELECT 40 + 2\0\0"),
        of(b'Q', b"SELECT 40 + 2\0; DROP TABLE orders\0"),
        of(b'Q', b"\0SELECT 40 + 2\0"),
        of(b'P', b""),
        of(b'P', b"\0"),
        of(b'P', b"\0SELECT 40 + 2\0"),
        of(b'P', b"\0SELECT 40 + 2\0\0\x01"),
        of(b'P', b"\0SELECT 40 + 2\0\xff\xff"),
        of(b'P', b"\0SELECT\0 40 + 2\0\0\0"),
        of(b'B', b"\0"),
        of(b'B', b"\0\0\0\0\xff\xff\0\0"),
        of(b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0"),
        of(b'B', b"\0\0\0\0\0\x01\x80\0\0\0\0\0"),
        of(b'D', b""),
        of(b'D', b"X\0"),
        of(b'D', b"S"),
        of(b'D', b"Sname"),
        of(b'E', b"\0"),
        of(b'E', b"\0\0\0"),
        of(b'E', b"\0\0\0\0\0\0"),
        of(b'C', b"P"),
        of(b'S', b"\0"),
        of(b'H', b"\0\0\0\0"),
        of(b'F', b"\0\0\0\x01\0\0\0\0\0\0"),
    ]
}

#[test]
fn a_nul_in_odd_places() {
    let stack = shop(5);
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        for packet in odd_startups() {
            let mut client = Client::connect(&stack, chain);
            client.send(&packet);
            client.until_closed();
            has(&client.words(), &["FATAL", "Reason"]);
        }
        let token = login.password.as_bytes();
        for body in
            [&b""[..], b"\0", b"\0\0", token, &[token, b"\0\0"].concat(), &[b"\0", token, b"\0"].concat()]
        {
            let mut client = Client::greet(&stack, chain, &login);
            client.send(&say::message(b'p', body));
            client.until_closed();
            has(&client.words(), &["FATAL", "Reason"]);
        }
        for command in odd_commands() {
            let mut client = Client::log_in(&stack, chain, &login);
            let mut message = command.clone();
            write::sync(&mut message);
            let shown = client.ask(&message);
            assert!(
                shown.contains("ERROR") || shown.contains("FATAL"),
                "{} is not refused: {shown}",
                String::from_utf8_lossy(&command)
            );
            assert!(!client.was_shown(b'D'), "{shown}");
        }
        still_serves(&stack, chain, &login);
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
}

#[test]
fn everything_in_one_write_and_in_single_bytes() {
    let stack = shop(5);
    for chain in Chain::GOVERNED {
        let login = analyst(&stack);
        let opening = [say::startup(&login.user, &login.database), say::password(&login.password)].concat();
        let mut bye = Vec::new();
        write::terminate(&mut bye);

        // A token that does not wait for the question is good.
        let mut client = Client::connect(&stack, chain);
        client.send(&opening);
        assert!(client.settle(), "{}", client.words());
        has(&client.ask(&say::query(b"SELECT 40 + 2")), &["42"]);
        drop(client);

        // A command that does not wait for the answer to the token is not.
        for command in
            [say::query(b"DROP TABLE orders"), say::batch("DROP TABLE orders"), say::query(b"SELECT 40 + 2")]
        {
            let mut client = Client::connect(&stack, chain);
            client.send(&[&opening[..], &command, &bye].concat());
            client.until_closed();
            has(&client.words(), &["FATAL", "PG101"]);
            assert!(!client.was_shown(b'D') && !client.was_shown(b'C'), "{}", client.words());
        }

        // Commands that do not wait for each other are answered in their order, each as it deserves.
        let mut client = Client::log_in(&stack, chain, &login);
        client.send(
            &[
                say::query(b"SELECT 'first'"),
                say::query(b"DROP TABLE orders"),
                say::batch("SELECT 'second'"),
                say::batch("DELETE FROM orders"),
                say::query(b"SELECT card FROM customers WHERE id = 1"),
                say::batch("SELECT 'last'"),
                bye.clone(),
            ]
            .concat(),
        );
        client.until_closed();
        let shown = client.words();
        let mut rest = shown.as_str();
        for word in ["first", "SG102", "second", "SG104", "**** 1111", "last"] {
            let found = rest.find(word);
            assert!(found.is_some(), "`{word}` is missing or out of order: {shown}");
            rest = rest.get(found.unwrap()..).unwrap();
        }
        assert_eq!(client.shown.iter().filter(|(tag, _)| *tag == b'Z').count(), 6, "{shown}");

        // The whole of it in single bytes.
        let mut client = Client::connect(&stack, chain);
        for byte in &opening {
            client.send(&[*byte]);
            std::thread::sleep(Duration::from_micros(500));
        }
        assert!(client.settle(), "{}", client.words());
        for byte in say::batch("SELECT card FROM customers WHERE id = 1") {
            client.send(&[byte]);
            std::thread::sleep(Duration::from_micros(500));
        }
        client.until(b'Z');
        has(&client.words(), &["**** 1111"]);
        drop(client);
        still_serves(&stack, chain, &login);
        nobody_is_left(&stack);
    }
    no_vm_died(&stack);
}
