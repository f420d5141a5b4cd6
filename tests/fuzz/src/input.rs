//! The fuzzer's bytes as a list of choices. When they run out every choice is zero.

/// What is left of an input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    /// One of `of`.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        of.get(usize::from(self.byte()).checked_rem(of.len())?).copied()
    }

    /// Bytes behind their length of one byte.
    pub(crate) fn chunk(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte());
        self.take(len)
    }

    /// Bytes behind their length of two bytes.
    pub(crate) fn long_chunk(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()) << 8 | usize::from(self.byte());
        self.take(len)
    }

    fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at_checked(len).unwrap_or((self.0, &[]));
        self.0 = rest;
        taken
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Cuts `bytes` into pieces of these sizes, over and over; no sizes leave it whole. Nothing gives one empty piece.
pub(crate) fn pieces<'a>(bytes: &'a [u8], sizes: &[u8]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    let mut sizes = sizes.iter().cycle();
    loop {
        let size = sizes.next().map_or(rest.len(), |size| usize::from(*size).max(1));
        let Some((piece, more)) = rest.split_at_checked(size).filter(|(_, more)| !more.is_empty()) else {
            pieces.push(rest);
            return pieces;
        };
        pieces.push(piece);
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole() {
        for sizes in [&[][..], &[1], &[3, 0, 2], &[255]] {
            for len in 0..20 {
                let bytes: Vec<u8> = (0..len).collect();
                assert_eq!(pieces(&bytes, sizes).concat(), bytes);
            }
        }
        assert_eq!(pieces(b"abcdef", &[1, 2]), [&b"a"[..], b"bc", b"d", b"ef"]);
        assert_eq!(pieces(b"abc", &[]), [b"abc"]);
    }

    #[test]
    fn an_input_ends_in_zeros() {
        let mut input = Input::new(&[1, 2, b'a', b'b', 9, b'c']);
        assert_eq!((input.byte(), input.chunk(), input.chunk()), (1, &b"ab"[..], &b"c"[..]));
        assert_eq!((input.byte(), input.chunk(), input.is_empty()), (0, &b""[..], true));
        assert_eq!(input.pick(&[7, 8]), Some(7));
    }
}
