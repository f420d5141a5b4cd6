//! One fetch of an issuer's keys, on behalf of all connections of the VM.

use chaperone_flow::{Cx, Effect, Reply};

use crate::Keyring;
use crate::counters;
use crate::provider::{Document, Failure, Next, Source};

/// The calls of one connection. At most one is under way.
#[derive(Debug, Default)]
pub(crate) struct Fetch {
    under_way: Option<(u32, Document, Source)>,
    last_id: u32,
}

impl Fetch {
    /// Makes the first call. The keyring has said that it is this connection's turn.
    pub(crate) fn begin(&mut self, cx: &mut Cx<'_>, keyring: &Keyring, source: Source) {
        let id = self.next_id();
        match source.first(id) {
            Ok((document, call)) => {
                cx.call(call);
                self.under_way = Some((id, document, source));
            }
            Err(failure) => failed(cx, keyring, &source, failure),
        }
    }

    /// Takes a reply; true where the fetch is done, well or badly, so that tokens can be judged again.
    pub(crate) fn reply(&mut self, cx: &mut Cx<'_>, keyring: &Keyring, reply: Reply<'_>) -> bool {
        let is_awaited = |under_way: &mut (u32, Document, Source)| under_way.0 == reply.id;
        let Some((_, document, source)) = self.under_way.take_if(is_awaited) else { return false };
        let id = self.next_id();
        match source.next(document, reply.status, reply.body, id) {
            Ok(Next::Call(document, call)) => {
                cx.call(call);
                self.under_way = Some((id, document, source));
                return false;
            }
            Ok(Next::Keys(keys)) => {
                cx.effect(Effect::Count(counters::FETCHED, 1));
                keyring.fetched(&source, cx.now(), keys, reply.body);
            }
            Err(failure) => failed(cx, keyring, &source, failure),
        }
        true
    }

    /// The connection goes, and its calls with it.
    pub(crate) fn abandon(&mut self, keyring: &Keyring) {
        if let Some((_, _, source)) = self.under_way.take() {
            keyring.fetch_abandoned(&source);
        }
    }

    const fn next_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }
}

fn failed(cx: &mut Cx<'_>, keyring: &Keyring, source: &Source, failure: Failure) {
    cx.effect(Effect::Count(
        match failure {
            Failure::Address => counters::ADDRESS,
            Failure::Content => counters::CONTENT,
            Failure::Reply => counters::REPLY,
        },
        1,
    ));
    keyring.fetch_failed(source, cx.now());
}
