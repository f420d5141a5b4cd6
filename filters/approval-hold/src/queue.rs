//! Client messages that wait: those of the held batch, and those that came behind it.

use std::collections::VecDeque;

use chaperone_flow::Note;
use chaperone_pgwire::Frame;

/// One message in memory.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) tag: u8,
    pub(crate) bytes: Vec<u8>,
    pub(crate) note: Option<Note>,
}

impl Kept {
    pub(crate) fn new(frame: &Frame<'_>, note: Option<Note>) -> Self {
        Self { tag: frame.tag, bytes: frame.bytes.to_vec(), note }
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + self.note.as_ref().map_or(0, |note| note.command.bytes())
    }

    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame { tag: self.tag, bytes: &self.bytes }
    }
}

/// Messages in order, bounded in number and bytes.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    messages: VecDeque<Kept>,
    bytes: usize,
    /// What all of them take in memory.
    kept: usize,
}

impl Queue {
    /// Bytes that may wait behind a held command.
    pub(crate) const BYTES_MOST: usize = 1 << 20;
    /// Messages that may wait behind a held command.
    pub(crate) const MESSAGES_MOST: usize = 10_000;

    /// False where there is no room.
    pub(crate) fn push(&mut self, kept: Kept) -> bool {
        if self.bytes + kept.bytes.len() > Self::BYTES_MOST || self.messages.len() >= Self::MESSAGES_MOST {
            return false;
        }
        self.bytes += kept.bytes.len();
        self.kept += kept.bytes();
        self.messages.push_back(kept);
        true
    }

    pub(crate) fn pop(&mut self) -> Option<Kept> {
        let kept = self.messages.pop_front()?;
        self.bytes -= kept.bytes.len();
        self.kept = self.kept.saturating_sub(kept.bytes());
        Some(kept)
    }

    /// Puts these before everything else.
    pub(crate) fn put_back(&mut self, messages: Vec<Kept>) {
        for kept in messages.into_iter().rev() {
            self.bytes += kept.bytes.len();
            self.kept += kept.bytes();
            self.messages.push_front(kept);
        }
    }

    pub(crate) fn take_all(&mut self) -> Vec<Kept> {
        self.bytes = 0;
        self.kept = 0;
        std::mem::take(&mut self.messages).into()
    }

    /// What all of them take in memory.
    pub(crate) const fn kept(&self) -> usize {
        self.kept
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.messages.iter()
    }
}
