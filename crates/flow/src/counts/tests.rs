//! Counts that are shared: by threads, by too many, through a host that fails.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use chaperone_model::{Amounts, Measure};

use super::*;

const MOST: Amounts = Amounts { rows: 1_000, ..Amounts::UNLIMITED };
const ONE: Ask =
    Ask { takes: Amounts { bytes: 0, rows: 1, statements: 0, writes: 0 }, leaves: NOTHING, ahead: NOTHING };
const NOTHING: Amounts = Amounts { bytes: 0, rows: 0, statements: 0, writes: 0 };

fn key(name: &str) -> CountKey {
    CountKey::new(Digest([7; 32]), &[name])
}

/// As Envoy's shared data: a map behind a lock.
#[derive(Clone, Debug, Default)]
struct Host(Arc<Mutex<Values>>);

#[derive(Debug, Default)]
struct Values(HashMap<u16, (Vec<u8>, u32)>);

impl Cells for Host {
    fn read(&self, cell: u16) -> Read {
        match self.0.lock().unwrap().0.get(&cell) {
            Some((value, version)) => Read::Value(value.clone(), *version),
            None => Read::Nothing,
        }
    }

    fn write(&self, cell: u16, value: &[u8], version: u32) -> Written {
        let cells = &mut self.0.lock().unwrap().0;
        let next = match cells.get(&cell) {
            Some((_, is)) if *is != version => return Written::Outdated,
            Some((_, is)) => is + 1,
            None => 1,
        };
        cells.insert(cell, (value.to_vec(), next));
        Written::Done
    }
}

#[test]
fn workers_that_count_at_the_same_time_take_no_more_than_there_is() {
    let host = Host::default();
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let host = host.clone();
            std::thread::spawn(move || {
                let counts = Counts::new(Rc::new(host));
                let take = |count: &mut Count| count.take(&MOST, &ONE).is_ok();
                let tries = || counts.update(key("agent"), 1, 1_000, take);
                // Where others are always quicker it is not counted, and so not done.
                (0..500).filter(|_| tries() == Ok(true)).count()
            })
        })
        .collect();
    let taken: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    assert_eq!(taken, 1_000);
}

#[test]
fn keys_are_counted_apart_and_a_window_for_itself() {
    let counts = Counts::default();
    let take = |name: &str, now| {
        counts.update(key(name), now, 1_000, |count| count.take(&MOST, &ONE).map(|_| count.used.rows))
    };
    assert_eq!(take("a", 5), Ok(Ok(1)));
    assert_eq!(take("a", 1_004), Ok(Ok(2)));
    assert_eq!(take("b", 1_004), Ok(Ok(1)));
    assert_eq!(take("a", 1_005), Ok(Ok(1)), "begins anew");
    let least = Amounts { rows: 1, ..Amounts::UNLIMITED };
    let refused = counts.update(key("a"), 1_006, 1_000, |count| count.take(&least, &ONE));
    assert_eq!(refused, Ok(Err(Measure::Rows)));
}

#[test]
fn names_that_hang_together_are_not_one_key() {
    assert_ne!(CountKey::new(Digest([7; 32]), &["ab", "c"]), CountKey::new(Digest([7; 32]), &["a", "bc"]));
    assert_ne!(CountKey::new(Digest([7; 32]), &["a"]), CountKey::new(Digest([8; 32]), &["a"]));
}

#[test]
fn what_finds_no_room_is_not_counted_until_others_are_over() {
    let counts = Counts::default();
    let of_cell = |number: &u32| key(&number.to_string()).cell() == 3;
    let mut numbers = (0..).filter(of_cell);
    let mut next = || key(&numbers.next().unwrap().to_string());
    let take = |key, now| counts.update(key, now, 1_000, |count| count.take(&MOST, &ONE).is_ok());
    let first = next();
    assert_eq!(take(first, 0), Ok(true));
    for _ in 1..ENTRIES_MOST {
        assert_eq!(take(next(), 500), Ok(true));
    }
    let more = next();
    assert_eq!(take(more, 600), Err(Uncounted));
    assert_eq!(take(first, 600), Ok(true), "who has room keeps it");
    assert_eq!(take(more, 1_000), Ok(true), "the first one's window is over");
    assert_eq!(take(next(), 1_100), Err(Uncounted));
}

/// A host that fails when it is told to.
#[derive(Debug, Default)]
struct Broken {
    reads: Cell<bool>,
}

impl Cells for Broken {
    fn read(&self, _cell: u16) -> Read {
        if self.reads.get() { Read::Value(vec![1, 2, 3], 1) } else { Read::Failed }
    }

    fn write(&self, _cell: u16, _value: &[u8], _version: u32) -> Written {
        Written::Failed
    }
}

#[test]
fn a_host_that_fails_counts_nothing() {
    let broken = Rc::new(Broken::default());
    let counts = Counts::new(Rc::clone(&broken) as Rc<dyn Cells>);
    let take = |count: &mut Count| count.take(&MOST, &ONE).is_ok();
    assert_eq!(counts.update(key("a"), 0, 1_000, take), Err(Uncounted));
    broken.reads.set(true);
    assert_eq!(counts.update(key("a"), 0, 1_000, take), Err(Uncounted), "what it has is no count");
}

/// A host on which everybody else is quicker.
#[derive(Debug, Default)]
struct Busy(Cell<usize>);

impl Cells for Busy {
    fn read(&self, _cell: u16) -> Read {
        Read::Nothing
    }

    fn write(&self, _cell: u16, _value: &[u8], version: u32) -> Written {
        assert_eq!(version, UNWRITTEN);
        self.0.set(self.0.get() + 1);
        Written::Outdated
    }
}

#[test]
fn nobody_tries_for_ever() {
    let busy = Rc::new(Busy::default());
    let counts = Counts::new(Rc::clone(&busy) as Rc<dyn Cells>);
    let taken = counts.update(key("a"), 0, 1_000, |count| count.take(&MOST, &ONE).is_ok());
    assert_eq!((taken, busy.0.get()), (Err(Uncounted), ATTEMPTS));
}
