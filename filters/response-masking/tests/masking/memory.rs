//! What is kept of commands that were put together for one message counts until they are answered.

use chaperone_flow::{Budget, Share};

use crate::session::{CARDS, Session, done, idle, letters, query};

/// The stand-in for sql-guard puts every command with this word together anew.
fn large(number: usize) -> Vec<u8> {
    query(&format!("select {number} /* put together {:x<50000} */", ""))
}

#[test]
fn commands_under_way_count_until_they_are_answered() {
    let budget = Budget::new(4 << 20);
    let mut session = Session::learnt(CARDS);
    session.line.set_memory(budget.share());
    for number in 0..30 {
        assert_eq!(letters(&session.client(&large(number))), "Q");
    }
    assert!((1_500_000..2 << 20).contains(&budget.used()), "{}", budget.used());
    let sent: Vec<_> = (0..30).map(|number| letters(&session.client(&large(number)))).collect();
    assert!(sent.iter().any(|sent| sent == "S"), "one is refused: a Sync goes in its place");
    assert!(budget.used() <= 2 << 20, "{}", budget.used());
    for _ in 0..30 {
        assert_eq!(letters(&session.server(&[done(), idle()].concat())), "C Z");
    }
    let mut refused = 0;
    for sent in sent {
        let answer = if sent == "S" { idle() } else { [done(), idle()].concat() };
        let shown = session.server(&answer);
        refused += usize::from(letters(&shown).starts_with('E'));
    }
    assert!(refused > 0);
    assert!(budget.used() < 10_000, "{}", budget.used());
    let mut other: Share = budget.share();
    assert!(other.take(1 << 20));
}
