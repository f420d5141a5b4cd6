//! The framer: the chunking law, its limits, and hostile lengths.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use chaperone_pgwire::{
    FrameError, FrameLimits, Framer, Item, Phase, client,
    startup::{Param, SSL_REQUEST, Startup, StartupPacket, Version},
    tag,
};
use proptest::prelude::*;

const SMALL: FrameLimits = FrameLimits { startup_max: 40, copy_data_max: 12, message_max: 24 };

/// An [`Item`] that owns its bytes.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Frame(u8, Vec<u8>),
    SingleByte(u8),
    TooLarge(u8, u64),
    Fault(FrameError),
}

/// Feeds `chunks`, behaving as a client's side does: a start-up packet that asks for no encryption ends the
/// start-up phase. Says what was seen, and the largest number of bytes that were kept.
fn feed<'a>(framer: &mut Framer, chunks: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Seen>, usize) {
    let mut seen = Vec::new();
    let mut kept = 0;
    for chunk in chunks {
        let mut frames = framer.split(chunk);
        while let Some(item) = frames.next() {
            seen.push(match item {
                Ok(Item::Frame(frame)) => {
                    if frame.tag == 0 && frame.body()[..4] != SSL_REQUEST.to_be_bytes() {
                        frames.enter_tagged();
                    }
                    Seen::Frame(frame.tag, frame.bytes.to_vec())
                }
                Ok(Item::SingleByte(byte)) => Seen::SingleByte(byte),
                Ok(Item::TooLarge { tag, declared }) => Seen::TooLarge(tag, declared),
                Err(fault) => Seen::Fault(fault),
            });
        }
        kept = kept.max(framer.pending_bytes());
    }
    // A fault is told anew for every input; once is enough to compare.
    seen.dedup_by(|a, b| matches!(a, Seen::Fault(_)) && a == b);
    (seen, kept)
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

fn startup() -> Vec<u8> {
    let mut bytes = Vec::new();
    let params = vec![Param { name: b"user", value: b"ann" }];
    StartupPacket::Startup(Startup { version: Version::V3_0, params }).write(&mut bytes).unwrap();
    bytes
}

fn ssl_request() -> Vec<u8> {
    let mut bytes = Vec::new();
    StartupPacket::SslRequest.write(&mut bytes).unwrap();
    bytes
}

/// A client's direction: perhaps an `SSLRequest`, a start-up packet, messages within and over the limits, and
/// perhaps garbage. With what must be seen of it.
fn conversation() -> impl Strategy<Value = (Vec<u8>, Vec<Seen>)> {
    let one = (1_u8.., prop::collection::vec(any::<u8>(), 0..40));
    let end = prop_oneof![Just(None), Just(Some(0)), Just(Some(3)), Just(Some(-1)), Just(Some(i32::MIN))];
    (any::<bool>(), prop::collection::vec(one, 0..12), end).prop_map(|(ssl, messages, end)| {
        let mut bytes = Vec::new();
        let mut seen = Vec::new();
        if ssl {
            bytes.extend(ssl_request());
            seen.push(Seen::Frame(0, ssl_request()));
        }
        bytes.extend(startup());
        seen.push(Seen::Frame(0, startup()));
        for (tag, body) in messages {
            let limit = if tag == b'd' { 12 } else { 24 };
            seen.push(if body.len() > limit {
                Seen::TooLarge(tag, body.len() as u64 + 4)
            } else {
                Seen::Frame(tag, message(tag, &body))
            });
            bytes.extend(message(tag, &body));
        }
        if let Some(declared) = end {
            bytes.push(b'Q');
            bytes.extend(i32::to_be_bytes(declared));
            bytes.extend(b"whatever");
            seen.push(Seen::Fault(FrameError::Length { tag: b'Q', declared }));
        }
        (bytes, seen)
    })
}

proptest! {
    /// The chunking law: however the bytes arrive, the same is seen, and no more than a message is ever kept.
    #[test]
    fn any_chunks_give_the_same_frames(
        (bytes, expected) in conversation(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let chunks = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        let (seen, kept) = feed(&mut Framer::client(SMALL), chunks);
        prop_assert_eq!(&seen, &expected);
        prop_assert!(kept < 44, "kept {}", kept);
        let (bytewise, _) = feed(&mut Framer::client(SMALL), bytes.chunks(1));
        prop_assert_eq!(&bytewise, &expected);
    }

    /// Garbage in any phase: no panic, no endless loop, and bounded memory.
    #[test]
    fn garbage_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..200), tagged: bool, size in 1_usize..9) {
        let mut framer = if tagged { Framer::tagged(SMALL) } else { Framer::client(SMALL) };
        framer.expect_single_byte();
        let (seen, kept) = feed(&mut framer, bytes.chunks(size));
        prop_assert!(kept <= 44);
        prop_assert!(seen.len() <= bytes.len());
    }
}

#[test]
fn frames_that_lie_whole_in_the_input_are_not_copied() {
    let bytes = [message(b'Q', b"one\0"), message(b'S', b"")].concat();
    let range = bytes.as_ptr_range();
    let mut framer = Framer::tagged(FrameLimits::default());
    let mut frames = framer.split(&bytes);
    for item in frames.by_ref() {
        let Ok(Item::Frame(frame)) = item else { panic!("{item:?}") };
        assert!(range.contains(&frame.bytes.as_ptr()));
    }
    assert!(frames.is_whole());
    assert!(framer.is_between_messages());
}

#[test]
fn an_input_is_whole_only_without_head_and_tail() {
    let bytes = [message(b'Q', b"one\0"), message(b'S', b"")].concat();
    let mut framer = Framer::tagged(FrameLimits::default());
    for (part, whole, pending) in [(&bytes[..12], false, 3), (&bytes[12..], false, 0), (&bytes[..], true, 0)]
    {
        let mut frames = framer.split(part);
        frames.by_ref().for_each(drop);
        assert_eq!(frames.is_whole(), whole);
        assert_eq!(framer.pending_bytes(), pending);
    }
}

#[test]
fn impossible_lengths_are_fatal_and_stay_so() {
    for declared in [0, 3, -1, i32::MIN] {
        let mut bytes = vec![b'Q'];
        bytes.extend(declared.to_be_bytes());
        let mut framer = Framer::tagged(FrameLimits::default());
        let fault = FrameError::Length { tag: b'Q', declared };
        for input in [&bytes[..], &message(b'S', b""), b""] {
            let mut frames = framer.split(input);
            assert_eq!(frames.next(), Some(Err(fault)));
            assert_eq!(frames.next(), None);
            assert!(!frames.is_whole());
        }
    }
}

#[test]
fn the_largest_length_is_told_once_and_its_body_dropped_without_a_buffer() {
    for chunk in [1, 5, 6, 1000] {
        let mut bytes = message(b'Q', b"");
        bytes[1..].copy_from_slice(&i32::MAX.to_be_bytes());
        bytes.extend([b'x'; 500]);
        let mut framer = Framer::tagged(FrameLimits::default());
        let (seen, kept) = feed(&mut framer, bytes.chunks(chunk));
        assert_eq!(seen, [Seen::TooLarge(b'Q', 0x7fff_ffff)]);
        assert!(kept < 5);
        assert!(!framer.is_between_messages());
    }
}

#[test]
fn the_session_goes_on_after_a_message_over_the_limit() {
    // 100 MB of query arrive in pieces of 64 KiB; memory must not grow with them.
    let size = 100_000_000_usize;
    let mut framer = Framer::tagged(FrameLimits::default());
    let mut head = vec![b'Q'];
    head.extend((size as u32 + 4).to_be_bytes());
    let piece = vec![b' '; 1 << 16];
    let (seen, _) = feed(&mut framer, [&head[..]]);
    assert_eq!(seen, [Seen::TooLarge(b'Q', size as u64 + 4)]);
    let mut left = size;
    while left > 0 {
        let len = left.min(piece.len());
        assert_eq!(feed(&mut framer, [&piece[..len]]), (vec![], 0));
        left -= len;
    }
    let sync = message(b'S', b"");
    assert_eq!(feed(&mut framer, [&sync[..]]).0, [Seen::Frame(b'S', sync.clone())]);
}

#[test]
fn each_limit_is_inclusive() {
    for (tag, max) in [(tag::client::QUERY, 24), (tag::client::COPY_DATA, 12)] {
        let fits = message(tag, &vec![1; max]);
        let over = message(tag, &vec![1; max + 1]);
        let (seen, _) = feed(&mut Framer::tagged(SMALL), [&fits[..], &over[..]]);
        assert_eq!(seen, [Seen::Frame(tag, fits), Seen::TooLarge(tag, max as u64 + 5)]);
    }
    for (len, good) in [(7, false), (8, true), (44, true), (45, false)] {
        let mut packet = (len as i32).to_be_bytes().to_vec();
        packet.resize(len, 0);
        let (seen, _) = feed(&mut Framer::client(SMALL), [&packet[..]]);
        if good {
            assert_eq!(seen, [Seen::Frame(0, packet)]);
        } else {
            assert_eq!(seen, [Seen::Fault(FrameError::StartupLength { declared: len as i32 })]);
        }
    }
}

#[test]
fn a_startup_packet_of_a_megabyte_is_refused_from_its_length() {
    let declared = 1_i32 << 20;
    let mut framer = Framer::client(FrameLimits::default());
    let (seen, kept) = feed(&mut framer, [&declared.to_be_bytes()[..]]);
    assert_eq!(seen, [Seen::Fault(FrameError::StartupLength { declared })]);
    assert!(kept <= 4);
}

#[test]
fn other_protocols_are_refused_at_once() {
    for hello in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01\x00", b"SSH-2.0-x\r\n", b"\0\0\0\0"]
    {
        let (seen, _) = feed(&mut Framer::client(FrameLimits::default()), [hello]);
        assert!(matches!(seen[..], [Seen::Fault(_)]), "{hello:?}: {seen:?}");
    }
}

#[test]
fn a_nul_is_no_message_type() {
    let (seen, _) = feed(&mut Framer::tagged(SMALL), [&[0, 0, 0, 0, 4][..]]);
    assert_eq!(seen, [Seen::Fault(FrameError::Tag)]);
}

#[test]
fn the_answer_to_a_request_for_encryption_is_one_byte() {
    let auth = message(b'R', &[0, 0, 0, 3]);
    for answer in [b'N', b'S', b'G', b'?'] {
        let mut framer = Framer::server(SMALL);
        framer.expect_single_byte();
        let bytes = [&[answer][..], &auth].concat();
        let expected = [Seen::SingleByte(answer), Seen::Frame(b'R', auth.clone())];
        assert_eq!(feed(&mut framer, [&bytes[..]]).0, expected);
    }
    // A server of the last century answers with an error instead.
    let error = message(b'E', b"Mno\0\0");
    let mut framer = Framer::server(SMALL);
    framer.expect_single_byte();
    let bytes = [error.clone(), auth.clone()].concat();
    let (seen, _) = feed(&mut framer, bytes.chunks(1));
    assert_eq!(seen, [Seen::Frame(b'E', error), Seen::Frame(b'R', auth)]);
}

#[test]
fn what_follows_a_switch_is_given_back() {
    let mut framer = Framer::server(SMALL);
    framer.expect_single_byte();
    let mut frames = framer.split(b"S\x16\x03");
    assert_eq!(frames.next(), Some(Ok(Item::SingleByte(b'S'))));
    assert_eq!(frames.into_rest(), b"\x16\x03");
    assert!(framer.is_between_messages());
}

#[test]
fn abandoned_bytes_are_not_passed_over_in_silence() {
    let bytes = [message(b'Q', b"one\0"), message(b'S', b"")].concat();
    let mut framer = Framer::tagged(SMALL);
    assert!(framer.split(&bytes).next().unwrap().is_ok());
    assert_eq!(framer.split(&bytes).next(), Some(Err(FrameError::Undrained)));
}

#[test]
fn phases_and_limits_change_between_two_frames_of_one_input() {
    let mut query = Vec::new();
    client::write::query(&mut query, b"select 1 as a_rather_long_name").unwrap();
    let bytes = [startup(), query.clone()].concat();
    let mut framer = Framer::client(SMALL);
    let mut frames = framer.split(&bytes);
    assert_eq!(frames.phase(), Phase::Startup);
    assert!(frames.next().unwrap().is_ok());
    frames.enter_tagged();
    frames.set_limits(FrameLimits::default());
    let Some(Ok(Item::Frame(frame))) = frames.next() else { panic!() };
    assert_eq!(frame.bytes, query);
    assert_eq!(frames.next(), None);
    assert_eq!(framer.phase(), Phase::Tagged);
}

#[test]
fn debug_shows_no_contents() {
    let bytes = message(b'p', b"hunter2\0");
    let mut framer = Framer::tagged(SMALL);
    let shown = format!("{:?}", framer.split(&bytes).next());
    assert!(!shown.contains("hunter2") && !shown.contains("104"), "{shown}");
}
