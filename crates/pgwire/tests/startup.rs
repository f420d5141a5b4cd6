//! Start-up packets.
#![expect(clippy::panic, reason = "tests")]

use chaperone_pgwire::{
    ReadError, WriteError,
    startup::{Cancel, PARAMS_MAX, Param, Startup, StartupPacket, Version},
};
use proptest::prelude::*;

fn packet(params: &[(&str, &str)]) -> Vec<u8> {
    let mut body = Version::V3_0.code().to_be_bytes().to_vec();
    for (name, value) in params {
        body.extend([name.as_bytes(), &[0], value.as_bytes(), &[0]].concat());
    }
    body.push(0);
    body
}

fn startup<'a>(body: &'a [u8]) -> Startup<'a> {
    let Ok(StartupPacket::Startup(startup)) = StartupPacket::read(body) else { panic!("{body:?}") };
    startup
}

proptest! {
    #[test]
    fn packets_round_trip(
        params in prop::collection::btree_map("[a-z_.]{1,8}", "[^\\x00]{0,8}", 0..PARAMS_MAX),
        minor: u16, pid: u32, secret in prop::collection::vec(any::<u8>(), 4..=256),
    ) {
        let params = params.iter().map(|(name, value)| Param { name: name.as_bytes(), value: value.as_bytes() }).collect();
        let cancel = Cancel { pid, secret: &secret };
        for packet in [
            StartupPacket::Startup(Startup { version: Version { minor }, params }),
            StartupPacket::Cancel(cancel), StartupPacket::SslRequest, StartupPacket::GssEncRequest,
        ] {
            let mut out = Vec::new();
            packet.write(&mut out).unwrap();
            prop_assert_eq!(out[..4].to_vec(), (out.len() as u32).to_be_bytes());
            prop_assert_eq!(StartupPacket::read(&out[4..]).unwrap(), packet);
        }
    }
}

#[test]
fn names_are_found_and_the_database_defaults_to_the_role() {
    let body = packet(&[("user", "ann"), ("database", "shop"), ("replication", "false")]);
    let packet_ = startup(&body);
    assert_eq!((packet_.user(), packet_.database()), (Some(&b"ann"[..]), Some(&b"shop"[..])));
    assert!(!packet_.wants_replication());
    assert_eq!(startup(&packet(&[("user", "ann")])).database(), Some(&b"ann"[..]));
    assert_eq!(startup(&packet(&[("user", "ann"), ("database", "")])).database(), Some(&b"ann"[..]));
    assert_eq!(startup(&packet(&[])).user(), None);
}

#[test]
fn every_way_to_ask_for_replication_counts() {
    for value in ["true", "on", "database", "1", "yes", "DATABASE", "", "nonsense"] {
        assert!(startup(&packet(&[("replication", value)])).wants_replication(), "{value}");
    }
    for value in ["false", "OFF", "no", "0", "f", "n"] {
        assert!(!startup(&packet(&[("replication", value)])).wants_replication(), "{value}");
    }
}

#[test]
fn ambiguous_or_broken_layouts_are_refused() {
    let good = packet(&[("user", "ann")]);
    let mut seventeen = good.clone();
    seventeen[1] = 17;
    let mut two = good.clone();
    two[1] = 2;
    let cases: [(&str, Vec<u8>, ReadError); 10] = [
        (
            "a role twice: which one counts?",
            packet(&[("user", "ann"), ("user", "root")]),
            ReadError::Duplicate,
        ),
        ("any name twice", packet(&[("user", "a"), ("x", "1"), ("x", "1")]), ReadError::Duplicate),
        ("bytes after the terminator", [&good[..], b"user\0root\0\0"].concat(), ReadError::Trailing),
        ("no terminator", good[..good.len() - 1].to_vec(), ReadError::Unterminated),
        ("a name without a value", [&good[..good.len() - 1], b"x\0"].concat(), ReadError::Unterminated),
        ("nothing at all", vec![], ReadError::Truncated),
        ("protocol 17", seventeen, ReadError::Version),
        ("protocol 2", two, ReadError::Version),
        ("an SSLRequest with more", [&80_877_103_u32.to_be_bytes()[..], b"x"].concat(), ReadError::Trailing),
        ("a cancellation without secret", [80_877_102_u32.to_be_bytes(), [0; 4]].concat(), ReadError::Count),
    ];
    for (why, body, expected) in cases {
        assert_eq!(StartupPacket::read(&body), Err(expected), "{why}");
    }
}

#[test]
fn parameters_are_bounded() {
    let names: Vec<String> = (0..=PARAMS_MAX).map(|number| format!("p{number}")).collect();
    let params: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert_eq!(startup(&packet(&params[..PARAMS_MAX])).params.len(), PARAMS_MAX);
    assert_eq!(StartupPacket::read(&packet(&params)), Err(ReadError::Count));
}

#[test]
fn secrets_have_the_lengths_of_protocol_3_2() {
    for (len, good) in [(3, false), (4, true), (256, true), (257, false)] {
        let body = [&80_877_102_u32.to_be_bytes()[..], &[0, 0, 0, 7], &vec![1; len]].concat();
        assert_eq!(StartupPacket::read(&body).is_ok(), good, "{len}");
    }
}

#[test]
fn what_could_not_be_read_is_not_written() {
    for (name, value) in [(&b""[..], &b"x"[..]), (b"a\0", b""), (b"a", b"\0")] {
        let params = vec![Param { name, value }];
        let mut out = b"before".to_vec();
        let packet = StartupPacket::Startup(Startup { version: Version::V3_2, params });
        assert_eq!(packet.write(&mut out), Err(WriteError::Nul));
        assert_eq!(out, b"before");
    }
}
