//! What the sessions of a VM keep is bounded together, and it is the greedy one that is refused.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use chaperone_flow::testing::{Counting, Wire};
use chaperone_flow::{Budget, Effect, Env, Limits, Line, Time};
use chaperone_pgwire::client::write;

/// A session without flows but the door, which shares `budget`.
fn wire(budget: &Budget) -> Wire {
    let mut line = Line::new(Vec::new(), Limits::default(), false);
    line.set_memory(budget.share());
    let mut wire = Wire::with_line(line);
    wire.begin();
    wire
}

fn query(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::query(&mut out, text.as_bytes()).unwrap();
    out
}

/// A Bind of so many bytes, of which half is sent.
fn half_a_bind(bytes: usize) -> Vec<u8> {
    let mut out = vec![b'B'];
    out.extend_from_slice(&u32::try_from(bytes).unwrap().to_be_bytes());
    out.resize(bytes / 2, b'x');
    out
}

#[test]
fn many_half_messages_take_no_more_than_the_budget_and_others_go_on() {
    let budget = Budget::new(16 << 20);
    let mut modest = wire(&budget);
    let mut greedy: Vec<Wire> = (0..60).map(|_| wire(&budget)).collect();
    for _ in 0..2 {
        for wire in &mut greedy {
            wire.client(&half_a_bind(15 << 20));
            assert!(budget.used() <= 16 << 20, "{}", budget.used());
        }
    }
    let wanted = budget.take_wanted();
    modest.client(&query("select 1"));
    assert_eq!(modest.look(), "T D C Z(I)");
    // The host ends the largest for whoever lacks a little.
    assert!(wanted.is_some());
    let largest = greedy.iter_mut().max_by_key(|wire| wire.line.memory()).unwrap();
    largest.event(|line, env| line.overfull(env));
    assert!(largest.look().ends_with("E(FATAL 53200)"));
}

#[test]
fn what_there_is_no_memory_for_is_refused_and_the_session_goes_on() {
    let budget = Budget::new(4 << 20);
    let mut wire = wire(&budget);
    let whole = {
        let mut out = Vec::new();
        write::query(&mut out, "x".repeat(5 << 20).as_bytes()).unwrap();
        out
    };
    let (first, rest) = whole.split_at(3 << 20);
    wire.client(first);
    assert_eq!(budget.used(), 0, "it is let go of");
    wire.client(rest);
    assert_eq!(wire.look(), "E(53200) Z(I)");
    wire.client(&query("select 1"));
    assert_eq!(wire.look(), "T D C Z(I)");
}

#[test]
fn a_message_of_the_server_that_there_is_no_memory_for_ends_the_session() {
    let budget = Budget::new(4 << 20);
    let mut wire = wire(&budget);
    wire.client(&query("select 1"));
    wire.look();
    let mut row = vec![b'D'];
    row.extend_from_slice(&(10_u32 << 20).to_be_bytes());
    row.resize(3 << 20, 0);
    wire.from_server(&row);
    assert_eq!(wire.look(), "E(FATAL 53200)");
    assert_eq!(budget.used(), 0);
    wire.from_server(&vec![0; 8 << 20]);
    assert_eq!(wire.look(), "");
}

#[test]
fn requests_that_wait_for_answers_count() {
    let budget = Budget::new(1 << 20);
    let mut wire = wire(&budget);
    let mut syncs = Vec::new();
    for _ in 0..50_000 {
        write::sync(&mut syncs);
    }
    wire.client(&syncs);
    assert!(wire.look().ends_with("E(FATAL 53200)"), "50,000 requests take more than 1 MiB");
    assert!(budget.used() < 1 << 20);
}

#[test]
fn who_goes_on_writing_while_the_session_ends_is_cut_off() {
    let budget = Budget::new(16 << 20);
    for last_words in [b"?\0\0\0\x04".to_vec(), b"Q\0\0\0\0".to_vec()] {
        let mut wire = wire(&budget);
        // The server has a long answer to give, and says nothing yet.
        let time = Time::at(wire.now);
        let mut send = |bytes: &[u8]| {
            let mut env = Env { time: &time, random: &mut Counting::default() };
            let outcome = wire.line.client_data(&mut env, bytes, None);
            assert!(wire.line.memory() < 1 << 20, "nothing of it is kept");
            outcome.effects.contains(&Effect::Close)
        };
        assert!(!send(&query("select pg_sleep(1000)")));
        assert!(!send(&last_words));
        let piece = query(&"x".repeat(1 << 20));
        let most = 40;
        let closed: Vec<usize> = (0..most).filter(|_| send(&piece)).collect();
        assert_eq!(closed.len(), 1, "once, and not at once");
        assert!((1..most).contains(&closed[0]), "{closed:?}");
    }
}
