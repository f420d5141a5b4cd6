//! The framer and every reader of messages.
//!
//! Laws: any split gives the same frames; what is kept is bounded; no byte is lost or made up; a message that is read and
//! written again is the same; nothing yielded lies outside the message.

mod messages;

use chaperone_pgwire::exchange::{Exchange, Request};
use chaperone_pgwire::startup::begins_session;
use chaperone_pgwire::{FrameError, FrameLimits, Framer, Item};

use crate::input::{Input, pieces};

const SMALL: FrameLimits = FrameLimits { startup_max: 60, copy_data_max: 12, message_max: 40 };

/// An [`Item`] that owns its bytes.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Fault(FrameError),
    Frame(u8, Vec<u8>),
    SingleByte(u8),
    TooLarge(u8, u64),
}

/// The target.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let plan = input.byte();
    let sizes = input.chunk();
    let bytes = input.rest();
    let limits = if plan & 4 == 0 { FrameLimits::default() } else { SMALL };
    let whole = cut(plan, limits, bytes, &[]);
    assert_eq!(whole, cut(plan, limits, bytes, sizes), "a split into {sizes:?} gives other frames");
    assert_eq!(whole, cut(plan, limits, bytes, &[1]), "byte by byte there are other frames");
    for seen in &whole {
        if let Seen::Frame(tag, bytes) = seen {
            let body = bytes.get(if *tag == 0 { 4 } else { 5 }..).unwrap_or_default();
            messages::of_client(*tag, bytes, body);
            messages::of_server(*tag, bytes, body);
        }
    }
    messages::every_reader(bytes);
    exchange(bytes);
}

/// What a framer sees in `bytes` that arrive in pieces of these sizes.
fn cut(plan: u8, limits: FrameLimits, bytes: &[u8], sizes: &[u8]) -> Vec<Seen> {
    let mut framer = match plan & 3 {
        0 => Framer::client(limits),
        1 => Framer::server(limits),
        2 => Framer::tagged(limits),
        _ => {
            let mut framer = Framer::server(limits);
            framer.expect_single_byte();
            framer
        }
    };
    let most = limits.message_max.max(limits.startup_max).max(limits.copy_data_max) as usize + 5;
    let mut seen = Vec::new();
    let mut framed = Vec::new();
    for piece in pieces(bytes, sizes) {
        let was_between = framer.is_between_messages();
        let mut here = 0;
        let mut frames = framer.split(piece);
        while let Some(item) = frames.next() {
            seen.push(match item {
                Ok(Item::Frame(frame)) => {
                    if begins_session(&frame) {
                        frames.enter_tagged();
                    }
                    here += frame.bytes.len();
                    framed.extend_from_slice(frame.bytes);
                    Seen::Frame(frame.tag, frame.bytes.to_vec())
                }
                Ok(Item::SingleByte(byte)) => {
                    here += 1;
                    framed.push(byte);
                    Seen::SingleByte(byte)
                }
                Ok(Item::TooLarge { tag, declared }) => Seen::TooLarge(tag, declared),
                Err(fault) => Seen::Fault(fault),
            });
        }
        let is_whole = frames.is_whole();
        assert!(framer.pending_bytes() < most, "kept {} of at most {most}", framer.pending_bytes());
        if is_whole {
            assert!(was_between && framer.is_between_messages() && here == piece.len(), "called whole");
        }
    }
    // A fault is told anew for every input.
    seen.dedup_by(|later, before| matches!(before, Seen::Fault(_)) && later == before);
    if seen.iter().all(|seen| matches!(seen, Seen::Frame(..) | Seen::SingleByte(_)))
        && framer.pending_bytes() > 0
        || framer.is_between_messages()
            && !seen.iter().any(|seen| matches!(seen, Seen::Fault(_) | Seen::TooLarge(..)))
    {
        assert!(bytes.starts_with(&framed), "frames are not what came");
        assert_eq!(framed.len() + framer.pending_bytes(), bytes.len(), "bytes are lost");
    }
    seen
}

/// Pairs requests with answers in any order: the bookkeeping never grows by itself.
fn exchange(bytes: &[u8]) {
    const MOST: usize = 16;
    let mut exchange = Exchange::<usize>::new(MOST);
    let mut asked = 0;
    for byte in bytes.iter().take(256) {
        let request = match byte {
            0 => Request::Bind,
            1 => Request::Close,
            2 => Request::Describe,
            3 => Request::Execute,
            4 => Request::FunctionCall,
            5 => Request::Parse,
            6 => Request::Query,
            7 => Request::Startup,
            8 => Request::Sync,
            9 => {
                exchange.copy_ended();
                continue;
            }
            tag => {
                let before = exchange.len();
                let _ = exchange.received(*tag);
                assert!(exchange.len() <= before, "an answer asks for more");
                continue;
            }
        };
        asked += usize::from(exchange.sent(request, asked).is_ok());
        assert!(exchange.len() <= MOST.min(asked), "more wait than asked");
    }
}
