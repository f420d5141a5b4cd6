//! Bind: parameters for a prepared statement.

use crate::{
    format::Formats,
    read::{ReadError, Reader},
};

/// Binds values to a prepared statement's parameters, which makes a portal.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Bind<'a> {
    /// The portal to make; empty for the unnamed one.
    pub portal: &'a [u8],
    /// The prepared statement; empty for the unnamed one.
    pub statement: &'a [u8],
    /// The values' formats. INVARIANT: none, one, or as many as there are values.
    pub param_formats: Formats<'a>,
    /// The values.
    pub values: Values<'a>,
    /// The formats that the client wishes the result's columns in.
    pub result_formats: Formats<'a>,
}

/// Values behind their lengths.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Values<'a> {
    count: u16,
    /// INVARIANT: exactly `count` values, each within bounds.
    bytes: &'a [u8],
}

impl<'a> Bind<'a> {
    /// Reads the body of a Bind.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let bind = Self {
            portal: reader.text()?,
            statement: reader.text()?,
            param_formats: Formats::read(&mut reader)?,
            values: Values::read(&mut reader)?,
            result_formats: Formats::read(&mut reader)?,
        };
        reader.finish()?;
        if bind.param_formats.len() > 1 && bind.param_formats.len() != bind.values.len() {
            return Err(ReadError::Count);
        }
        Ok(bind)
    }
}

impl std::fmt::Debug for Bind<'_> {
    /// Leaves the values out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bind")
            .field("portal", &self.portal)
            .field("statement", &self.statement)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Values<'a> {
    /// Reads a count and as many values, and looks at each length.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        let count = reader.u16()?;
        let start = *reader;
        for _ in 0..count {
            reader.value()?;
        }
        Ok(Self { count, bytes: start.up_to(reader) })
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each value in order; `None` is NULL.
    pub fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || reader.value().ok())
    }
}

impl std::fmt::Debug for Values<'_> {
    /// Shows how many only: they may be anybody's secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Values({})", self.count)
    }
}
