//! Scripts for the chain, in the bytes that `chain/script.rs` reads.

const START: u8 = 0;
const TOKEN: u8 = 1;
const QUERY: u8 = 2;
const PARSE: u8 = 3;
const BIND: u8 = 4;
const DESCRIBE: u8 = 5;
const EXECUTE: u8 = 7;
const SYNC: u8 = 8;
const COPY_DATA: u8 = 11;
const COPY_DONE: u8 = 12;
const SSL: u8 = 14;
const RAW: u8 = 16;
const SAYS: u8 = 18;
const REPLY: u8 = 22;
const RECORDED: u8 = 26;
const POLICY: u8 = 28;
const TICK: u8 = 29;
/// The next step comes in the same read.
const AND: u8 = 0x80;

/// A login with the stand-in for PostgreSQL, or with a trusting target of the script's own: discovery, then keys.
fn login(settings: u8, has_server: bool) -> Vec<u8> {
    let mut script = vec![settings, u8::from(!has_server), 3, 1, 5, 30, START, 0];
    if !has_server {
        script.extend([SAYS, 0]);
    }
    script.extend([TOKEN, 0, REPLY, 0, REPLY, 0]);
    if !has_server {
        script.extend([SAYS, 17, 0]);
    }
    script
}

/// The extended protocol on a text of the list.
fn batch(text: u8) -> Vec<u8> {
    vec![AND | PARSE, 1, text, AND | BIND, 0, 1, 0, AND | DESCRIBE, 0, 0, AND | EXECUTE, 0, 0, SYNC]
}

/// For [`crate::chain`].
#[must_use]
pub fn chain() -> Vec<Vec<u8>> {
    let durable = [RECORDED, 1];
    let mut seeds = vec![
        // Nobody is let in: no token, another token, garbage, a question for TLS first.
        vec![0, 0, 1, 2, START, 0, QUERY, 0],
        vec![0, 0, 1, 2, START, 0, TOKEN, 1, QUERY, 0],
        [&[0, 0, 1, 2, RAW, 0, 12], &b"GET / HTTP/1"[..]].concat(),
        vec![0, 0, 1, 3, SSL, START, 0, TOKEN, 0, REPLY, 0, REPLY, 0, QUERY, 0],
        // Other ways to log in at the target.
        vec![0, 1, 0, START, 1, SAYS, 1, TOKEN, 0, REPLY, 0, REPLY, 0, SAYS, 0, QUERY, 0],
        vec![0, 1, 0, START, 2, SAYS, 2, TOKEN, 0, REPLY, 0, REPLY, 0, SAYS, 0, QUERY, 0],
        vec![0, 1, 0, START, 3, SAYS, 3, SAYS, 4, 0, TOKEN, 0, REPLY, 0, REPLY, 0, SAYS, 5, 0],
    ];
    for settings in [0, 1, 2, 3, 6] {
        for text in [0, 3, 4, 6, 9, 12, 13, 18] {
            let wait: &[u8] = if settings & 1 == 1 { &durable } else { &[] };
            seeds.push(
                [&login(settings, true)[..], &[QUERY, text], wait, &[REPLY, 0, REPLY, 0, QUERY, 0]].concat(),
            );
            seeds.push(
                [&login(settings, true)[..], &batch(text), &wait.repeat(5), &[REPLY, 0, REPLY, 0]].concat(),
            );
        }
    }
    // A masked column, and what is asked of the catalogue before.
    seeds.push([&login(0, false)[..], &[QUERY, 1, SAYS, 6, SAYS, 7, QUERY, 1, SAYS, 7]].concat());
    seeds.push(
        [&login(0, false)[..], &batch(1), &[SAYS, 6, SAYS, 8, SAYS, 14, SAYS, 15, SAYS, 16, SAYS, 17, 0]]
            .concat(),
    );
    seeds.push([&login(0, false)[..], &[QUERY, 1, SAYS, 6, SAYS, 18, SAYS, 19, SAYS, 17, 0]].concat());
    // COPY, and a policy that changes while a command is held.
    seeds.push([&login(2, true)[..], &[QUERY, 9, COPY_DATA, 2, b'1', b'\n', COPY_DONE, SYNC]].concat());
    seeds.push(
        [&login(2, true)[..], &[QUERY, 4, POLICY, 6, TICK, 200, QUERY, 5, REPLY, 0, TICK, 255, REPLY, 1]]
            .concat(),
    );
    // A result that is cut, what is refused for it, and a cut batch with a Query behind.
    let rows = [SAYS, 14, SAYS, 15, SAYS, 15, SAYS, 15, SAYS, 16, SAYS, 17, 0];
    seeds.push(
        [&login(6, false)[..], &[QUERY, 0], &rows, &[QUERY, 5, SAYS, 16, SAYS, 17, 0, QUERY, 0]].concat(),
    );
    let answer = [SAYS, 8, SAYS, 14, SAYS, 15, SAYS, 15, SAYS, 16, SAYS, 17, 0];
    seeds.push([&login(6, false)[..], &batch(0), &answer, &[QUERY, 6, SAYS, 16, SAYS, 17, 0]].concat());
    seeds.push(
        [&login(6, false)[..], &batch(0), &batch(5), &answer, &[SAYS, 8, SAYS, 12, SAYS, 16, SAYS, 17, 0]]
            .concat(),
    );
    seeds
}
