//! A cursor over a message's body. Every step is checked; nothing is copied.

use std::{ffi::CStr, fmt};

/// Why a message's body cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReadError {
    /// A number of things that cannot be (too many, negative, or not matching another number).
    Count,
    /// A name that may stand once stands twice.
    Duplicate,
    /// Bytes are left over at the end.
    Trailing,
    /// The body ends too early.
    Truncated,
    /// A text without its closing NUL.
    Unterminated,
    /// A value that has no meaning here.
    Value,
    /// A protocol version other than 3.
    Version,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "impossible count in message",
            Self::Duplicate => "duplicate name in message",
            Self::Trailing => "bytes left over at the end of message",
            Self::Truncated => "insufficient data left in message",
            Self::Unterminated => "text without a closing NUL in message",
            Self::Value => "invalid value in message",
            Self::Version => "unsupported protocol version",
        })
    }
}

impl std::error::Error for ReadError {}

/// The unread part of a body.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(body: &'a [u8]) -> Self {
        Self(body)
    }

    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let (chunk, rest) = self.0.split_first_chunk::<N>().ok_or(ReadError::Truncated)?;
        self.0 = rest;
        Ok(*chunk)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ReadError> {
        self.chunk::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, ReadError> {
        self.chunk().map(u16::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, ReadError> {
        self.chunk().map(i16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ReadError> {
        self.chunk().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, ReadError> {
        self.chunk().map(i32::from_be_bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        self.chunk()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], ReadError> {
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(ReadError::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A text that a NUL closes, without the NUL.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], ReadError> {
        let text = CStr::from_bytes_until_nul(self.0).map_err(|_| ReadError::Unterminated)?;
        self.0 = self.0.get(text.to_bytes_with_nul().len()..).unwrap_or_default();
        Ok(text.to_bytes())
    }

    /// A value behind its length; -1 is NULL.
    pub(crate) fn value(&mut self) -> Result<Option<&'a [u8]>, ReadError> {
        match self.i32()? {
            -1 => Ok(None),
            len => self.bytes(usize::try_from(len).map_err(|_| ReadError::Value)?).map(Some),
        }
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// What lies between here and where `later` has got to. `later` began as a copy of `self`.
    pub(crate) fn up_to(&self, later: &Self) -> &'a [u8] {
        self.0.get(..self.0.len().saturating_sub(later.0.len())).unwrap_or_default()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) const fn finish(&self) -> Result<(), ReadError> {
        if self.0.is_empty() { Ok(()) } else { Err(ReadError::Trailing) }
    }
}

/// Object ids of types.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Oids<'a>(&'a [u8]);

impl<'a> Oids<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let count = reader.u16()?;
        reader.bytes(usize::from(count) * 4).map(Self)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len() / 4
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        let mut reader = Reader(self.0);
        std::iter::from_fn(move || reader.u32().ok())
    }
}
