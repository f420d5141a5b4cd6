//! Laws that hold whatever comes, and however it is cut into reads.

use std::sync::OnceLock;

use chaperone_pgwire::Format;
use chaperone_pgwire::client::write;
use proptest::prelude::*;

use crate::target::{Method, Target};
use crate::wire::Wire;
use crate::world::World;

const ROLES: [(&str, Method); 4] = [
    ("analyst", Method::Scram),
    ("digested", Method::Md5),
    ("plain", Method::Password),
    ("trusted", Method::Trust),
];

fn token(good: bool) -> &'static str {
    static TOKENS: OnceLock<[String; 2]> = OnceLock::new();
    let tokens = TOKENS.get_or_init(|| {
        let world = World::new();
        [world.signed(&crate::world::new_key(), |_| {}), world.token()]
    });
    &tokens[usize::from(good)]
}

/// Everything that a whole session said, with these sizes of reads.
fn transcript(role: usize, good: bool, pieces: Vec<usize>) -> (Vec<u8>, Vec<u8>, String) {
    let (role, method) = ROLES[role];
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(method));
    world.tokens.borrow_mut().push(token(good).to_owned());
    wire.may_say_password = method == Method::Password;
    wire.pieces = pieces;
    wire.start(role);
    wire.token(token(good));
    wire.query("select 1");
    let mut batch = Vec::new();
    write::parse(&mut batch, b"s", b"select 1", &[]).unwrap();
    write::bind(&mut batch, b"", b"s", [], Format::Text).unwrap();
    write::execute(&mut batch, b"", 0).unwrap();
    write::sync(&mut batch);
    wire.say(&batch);
    world.wait(1_000_000);
    wire.query("select 2");
    wire.say(b"X\0\0\0\x04");
    let effects = format!("{:?}", wire.effects);
    (wire.to_client, wire.to_target, effects)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_cut_of_the_input_gives_the_same_output(
        role in 0_usize..4,
        good in any::<bool>(),
        pieces in prop::collection::vec(1_usize..40, 1..8),
    ) {
        prop_assert_eq!(transcript(role, good, pieces), transcript(role, good, Vec::new()));
    }

    #[test]
    fn no_bytes_let_anybody_in_or_panic(
        role in 0_usize..4,
        first in prop::collection::vec(any::<u8>(), 0..64),
        start in any::<bool>(),
        rest in prop::collection::vec(any::<u8>(), 0..200),
        pieces in prop::collection::vec(1_usize..40, 1..4),
    ) {
        let (name, method) = ROLES[role];
        let world = World::new();
        let mut wire = Wire::open(&world, Target::new(method));
        wire.pieces = pieces;
        if start {
            wire.start(name);
        } else if !first.is_empty() {
            wire.say(&first);
        }
        wire.say(&rest);
        let mut message = vec![b'p', 0, 0, 0, 4 + u8::try_from(rest.len()).unwrap()];
        message.extend(&rest);
        wire.say(&message);
        prop_assert_eq!(&wire.session().identity, &None);
        prop_assert!(!wire.to_client.ends_with(b"Z\0\0\0\x05I"));
    }

    #[test]
    fn no_words_of_a_target_let_anybody_in_or_panic(
        role in 0_usize..4,
        words in prop::collection::vec((prop::sample::select(b"RRRREvNSKZZ1C".to_vec()), 0_u8..13, prop::collection::vec(any::<u8>(), 0..24)), 0..12),
        sent in any::<bool>(),
    ) {
        let (name, method) = ROLES[role];
        let world = World::new();
        let mut wire = Wire::open(&world, Target::new(method));
        wire.may_say_password = true;
        wire.start(name);
        if sent {
            wire.token(token(false));
        }
        for (tag, code, body) in words {
            let mut message = vec![tag, 0, 0, 0, u8::try_from(body.len()).unwrap() + 8, 0, 0, 0, code];
            message.extend(body);
            wire.target_says(&message);
        }
        prop_assert_eq!(&wire.session().identity, &None);
        prop_assert!(!wire.shown().contains('K'), "nothing of the session is shown");
    }
}

#[test]
#[should_panic(expected = "a token in target")]
fn the_search_for_secrets_finds_one() {
    let world = World::new();
    let mut wire = Wire::open(&world, Target::new(Method::Scram));
    let token = world.token();
    wire.start_with("analyst", &[("database", "shop"), ("application_name", &token)], 0);
}
