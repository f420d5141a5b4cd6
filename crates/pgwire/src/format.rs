//! Format codes: text or binary.

use crate::read::{ReadError, Reader};

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// Code 1: the type's own binary form.
    Binary,
    /// Code 0: text.
    Text,
}

impl Format {
    /// The format with this code.
    ///
    /// # Errors
    ///
    /// [`ReadError::Value`] when the code is neither 0 nor 1.
    pub const fn from_code(code: i16) -> Result<Self, ReadError> {
        match code {
            0 => Ok(Self::Text),
            1 => Ok(Self::Binary),
            _ => Err(ReadError::Value),
        }
    }

    /// The format's code.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Self::Binary => 1,
            Self::Text => 0,
        }
    }
}

/// A list of format codes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Formats<'a>(&'a [u8]);

impl<'a> Formats<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let count = reader.u16()?;
        let formats = Self(reader.bytes(usize::from(count) * 2)?);
        let mut codes = Reader::new(formats.0);
        while !codes.is_empty() {
            Format::from_code(codes.i16()?)?;
        }
        Ok(formats)
    }

    /// How many codes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len() / 2
    }

    /// Whether there are none, which means: all text.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each code, in order.
    pub fn iter(&self) -> impl Iterator<Item = Format> + use<'a> {
        let mut codes = Reader::new(self.0);
        std::iter::from_fn(move || Format::from_code(codes.i16().ok()?).ok())
    }

    /// The format of the value at `index` under Bind's rule: no code means text for all, one code is for all.
    /// `None` when there are several codes but none for `index`.
    #[must_use]
    pub fn of(&self, index: usize) -> Option<Format> {
        match self.len() {
            0 => Some(Format::Text),
            1 => self.iter().next(),
            _ => {
                let start = index.checked_mul(2)?;
                let code = self.0.get(start..)?.first_chunk::<2>()?;
                Format::from_code(i16::from_be_bytes(*code)).ok()
            }
        }
    }
}
