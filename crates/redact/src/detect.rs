//! One module for each kind of value, and what they share: a text, and where words and numbers begin and end in it.

pub(crate) mod card;
pub(crate) mod email;
pub(crate) mod iban;
pub(crate) mod ip;
pub(crate) mod phone;
pub(crate) mod secret;
pub(crate) mod ssn;

/// A text being searched.
#[derive(Clone, Copy)]
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    /// The end of the last find: what lies before is out of sight, so that a find hides nothing from the next.
    floor: usize,
}

impl<'a> Text<'a> {
    pub(crate) const fn new(bytes: &'a [u8], floor: usize) -> Self {
        Self { bytes, floor }
    }

    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The byte before `at`, if it is in sight.
    pub(crate) fn before(&self, at: usize) -> Option<u8> {
        let before = at.checked_sub(1)?;
        if before < self.floor { None } else { self.byte(before) }
    }

    pub(crate) fn is_digit(&self, at: usize) -> bool {
        self.byte(at).is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Where the digits that begin at `at` end.
    pub(crate) fn digits_end(&self, at: usize) -> usize {
        self.run_end(at, |byte| byte.is_ascii_digit())
    }

    /// Where the bytes of a kind that begin at `at` end.
    pub(crate) fn run_end(&self, at: usize, kind: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().position(|byte| !kind(*byte)).unwrap_or(rest.len())
    }

    /// Whether the letter before `at` belongs to an escape such as `\n`, as JSON and COPY write it.
    pub(crate) fn is_after_escape(&self, at: usize) -> bool {
        matches!(self.before(at), Some(b'b' | b'f' | b'n' | b'r' | b't' | b'v'))
            && at.checked_sub(1).and_then(|letter| self.before(letter)) == Some(b'\\')
    }

    /// Whether a word can begin at `at`: no letter or digit before it.
    pub(crate) fn starts_word(&self, at: usize) -> bool {
        !self.before(at).is_some_and(|byte| byte.is_ascii_alphanumeric()) || self.is_after_escape(at)
    }

    /// Whether a word can end before `end`.
    pub(crate) fn ends_word(&self, end: usize) -> bool {
        !self.byte(end).is_some_and(|byte| byte.is_ascii_alphanumeric())
    }

    /// Whether a number can begin at `at`: it does not go on from digits with a dot or hyphen between (decimals,
    /// dates, ids).
    pub(crate) fn starts_number(&self, at: usize) -> bool {
        let joined = matches!(self.before(at), Some(b'.' | b'-'))
            && at
                .checked_sub(1)
                .and_then(|joint| self.before(joint))
                .is_some_and(|byte| byte.is_ascii_digit());
        self.starts_word(at) && !joined
    }

    /// Whether a number can end before `end`: no fraction follows.
    pub(crate) fn ends_number(&self, end: usize) -> bool {
        self.ends_word(end) && !(self.byte(end) == Some(b'.') && self.is_digit(end + 1))
    }
}
