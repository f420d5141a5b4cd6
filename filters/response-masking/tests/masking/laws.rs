//! Laws: chunking, and that a secret never shows.

use chaperone_pgwire::Format;
use chaperone_pgwire::client::{Target, write};
use chaperone_pgwire::server::Column;
use chaperone_pgwire::tag::server as tag;
use proptest::prelude::*;

use crate::session::*;

const BOTH: &str = "
masking:
  - { id: cards, columns: [public.customers.card], transform: { kind: hash } }
  - { id: finds, detectors: [card, email], transform: { kind: partial, keep_first: 1 } }
";

/// A conversation that uses everything: what reaches the server, and what the client is shown.
fn conversation(chunk: usize) -> (Vec<u8>, Vec<u8>) {
    let mut session = Session::new(BOTH);
    session.chunk = chunk;
    let mut client = query("select card, upper(card) from customers; select to_json(c) from customers c");
    write::parse(&mut client, b"s", b"select card from customers", &[]).unwrap();
    write::bind(&mut client, b"", b"s", [], Format::Text).unwrap();
    write::describe(&mut client, Target::Portal(b"")).unwrap();
    write::execute(&mut client, b"", 0).unwrap();
    write::bind(&mut client, b"", b"s", [], Format::Text).unwrap();
    write::execute(&mut client, b"", 0).unwrap();
    write::sync(&mut client);
    client.extend(query("copy customers to stdout"));
    let sent = session.client(&client);
    let secret = Some(SECRET.as_bytes());
    let extended = [
        empty(tag::PARSE_COMPLETE),
        empty(tag::BIND_COMPLETE),
        description(&[card()]),
        row(&[secret]),
        done(),
        empty(tag::BIND_COMPLETE),
        description(&[card()]),
        row(&[secret]),
        error(&[(b'S', "ERROR"), (b'C', "22P02"), (b'M', SECRET)]),
        idle(),
    ]
    .concat();
    let server = [
        catalogue(&usual()),
        description(&[card(), computed("upper")]),
        row(&[secret, secret]),
        row(&[None, None]),
        done(),
        description(&[computed("to_json")]),
        row(&[secret]),
        done(),
        idle(),
        extended,
        idle(),
    ]
    .concat();
    (sent, session.server(&server))
}

#[test]
fn the_conversation_is_what_it_should_be() {
    let (sent, shown) = conversation(0);
    assert_eq!(letters(&sent), "Q Q P B D E B D E S S");
    assert_eq!(letters(&shown), "T D D C E Z 1 2 T D C 2 D E Z E Z");
    assert!(!String::from_utf8_lossy(&shown).contains(SECRET));
}

proptest! {
    #[test]
    fn any_chunks_give_the_same(chunk in 1_usize..200) {
        prop_assert_eq!(conversation(chunk), conversation(0));
    }

    /// However the columns are laid out, the secret of the hidden column is never shown, and what is shown of the
    /// others is as it was.
    #[test]
    fn the_secret_never_shows(
        places in prop::collection::vec((0_u8..6, any::<bool>(), prop::sample::select(vec![25_u32, 23, 20, 1700, 16, 17, 114, 3802, 1009, 2950, 1043, 2249, 50_000])), 1..8),
        nulls in any::<u8>(),
    ) {
        let columns: Vec<Column<'_>> = places
            .iter()
            .map(|(place, binary, type_oid)| {
                let column = match place {
                    0 => column("x", CUSTOMERS, 3, *type_oid),
                    1 => column("card", VIEW, 2, *type_oid),
                    2 => column("c", CUSTOMERS, 9, *type_oid),
                    3 => column("card", NEWEST + 7, 1, *type_oid),
                    4 => column("whole", CUSTOMERS, 0, *type_oid),
                    _ => column("id", CUSTOMERS, 1, *type_oid),
                };
                Column { format: if *binary { Format::Binary } else { Format::Text }, ..column }
            })
            .collect();
        let values: Vec<Option<&[u8]>> = places
            .iter()
            .enumerate()
            .map(|(index, (place, ..))| match place {
                _ if nulls >> (index % 8) & 1 == 1 => None,
                5 => Some(b"as it was".as_slice()),
                _ => Some(SECRET.as_bytes()),
            })
            .collect();
        let mut session = Session::learnt(CARDS);
        let answer = [description(&columns), row(&values), done(), idle()].concat();
        let shown = session.run("select * from customers", &answer);
        prop_assert!(!String::from_utf8_lossy(&shown).contains(SECRET));
        if let Some(row) = rows(&shown).first() {
            for ((place, ..), (shown, value)) in places.iter().zip(row.iter().zip(&values)) {
                if *place == 5 && value.is_some() {
                    prop_assert_eq!(shown, "as it was");
                }
                prop_assert_eq!(value.is_none(), shown == "NULL");
            }
        } else {
            prop_assert!(letters(&shown).ends_with("E Z"));
        }
    }

    /// Whatever the server says, the filter neither panics nor shows half a message.
    #[test]
    fn stands_any_answer(messages in prop::collection::vec((prop::sample::select(b"TDCEZNASGHdcI123nst".to_vec()), prop::collection::vec(any::<u8>(), 0..40)), 0..12)) {
        let mut session = Session::learnt(BOTH.replace("hash", "\"null\"").as_str());
        session.client(&query("select card from customers"));
        let mut answer = Vec::new();
        for (letter, body) in messages {
            answer.push(letter);
            answer.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
            answer.extend(body);
        }
        letters(&session.server(&answer));
    }
}
