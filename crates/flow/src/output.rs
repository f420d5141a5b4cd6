//! Puts one direction's output together, without a copy where everything passes as it came.

use crate::Buffer;

/// The output of one event in one direction.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    input: &'a [u8],
    /// INVARIANT: while `built` is none, the output is exactly `input[..verbatim]`.
    verbatim: usize,
    built: Option<Vec<u8>>,
}

impl<'a> Output<'a> {
    pub(crate) const fn new(input: &'a [u8]) -> Self {
        Self { input, verbatim: 0, built: None }
    }

    /// Adds a message. Where it is the next piece of the input itself, nothing is copied.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if let Some(built) = &mut self.built {
            built.extend_from_slice(bytes);
            return;
        }
        let rest = self.input.get(self.verbatim..).unwrap_or_default();
        if std::ptr::eq(rest.as_ptr(), bytes.as_ptr()) && bytes.len() <= rest.len() {
            self.verbatim += bytes.len();
            return;
        }
        let mut built = Vec::with_capacity(self.input.len().max(self.verbatim + bytes.len()));
        built.extend_from_slice(self.input.get(..self.verbatim).unwrap_or_default());
        built.extend_from_slice(bytes);
        self.built = Some(built);
    }

    pub(crate) fn finish(self) -> Buffer {
        match self.built {
            Some(built) => Buffer::Replace(built),
            None if self.verbatim == self.input.len() => Buffer::Keep,
            None => Buffer::Replace(self.input.get(..self.verbatim).unwrap_or_default().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_replaces_and_cuts() {
        let input = b"abcdef";
        let mut all = Output::new(input);
        all.push(&input[..2]);
        all.push(&input[2..]);
        assert_eq!(all.finish(), Buffer::Keep);

        let mut tail_missing = Output::new(input);
        tail_missing.push(&input[..4]);
        assert_eq!(tail_missing.finish(), Buffer::Replace(b"abcd".to_vec()));

        let mut middle_missing = Output::new(input);
        middle_missing.push(&input[..2]);
        middle_missing.push(&input[4..]);
        assert_eq!(middle_missing.finish(), Buffer::Replace(b"abef".to_vec()));

        let mut added = Output::new(input);
        added.push(&input[..2]);
        added.push(b"X");
        added.push(&input[2..]);
        assert_eq!(added.finish(), Buffer::Replace(b"abXcdef".to_vec()));

        assert_eq!(Output::new(b"").finish(), Buffer::Keep);
        assert_eq!(Output::new(input).finish(), Buffer::Replace(vec![]));
    }
}
