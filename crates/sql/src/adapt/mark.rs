//! Tokens further on that are left out, or become others.

use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::Adapter;

/// What becomes of a token further on.
#[derive(Debug)]
pub(super) struct Mark {
    /// How many tokens are left behind it.
    left: usize,
    becomes: Vec<Token>,
}

/// What becomes of which of the tokens that come next, in order.
pub(super) type Changes = Vec<(usize, Vec<Token>)>;

impl Adapter {
    /// Whether the token at hand was marked; it is dealt with then.
    pub(super) fn marked(&mut self, token: &Token) -> bool {
        let left = self.rest.len();
        // Some were passed over with what they stood in.
        while self.marks.last().is_some_and(|mark| mark.left > left) {
            self.marks.pop();
        }
        let here = self.marks.last().is_some_and(|mark| mark.left == left);
        let Some(mark) = here.then(|| self.marks.pop()).flatten() else { return false };
        self.targets.see(token);
        self.done.extend(mark.becomes.into_iter().map(TokenWithSpan::wrap));
        true
    }

    /// Marks tokens; false where another mark lies between them, which no text that the server takes has.
    pub(super) fn mark(&mut self, changes: Changes) -> bool {
        let length = self.rest.len();
        while self.marks.last().is_some_and(|mark| mark.left >= length) {
            self.marks.pop();
        }
        let left = |at: usize| length.saturating_sub(at).saturating_sub(1);
        let marks: Vec<_> =
            changes.into_iter().rev().map(|(at, becomes)| Mark { left: left(at), becomes }).collect();
        // What is marked further inside comes first, and goes on top.
        let inside = match (self.marks.last(), marks.first()) {
            (Some(outer), Some(farthest)) => farthest.left > outer.left,
            _ => true,
        };
        if inside {
            self.marks.extend(marks);
        }
        inside
    }
}
