//! Rows and their description.

use std::fmt;

use crate::{
    client::Values,
    format::Format,
    read::{ReadError, Reader},
};

/// One column of a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Column<'a> {
    /// Its name in the result.
    pub name: &'a [u8],
    /// The table that it comes from unchanged, else 0.
    pub table_oid: u32,
    /// Its number in that table, else 0.
    pub attnum: i16,
    /// Its type.
    pub type_oid: u32,
    /// The type's length; negative for variable ones.
    pub type_len: i16,
    /// The type's modifier, or -1.
    pub typmod: i32,
    /// How its values are written. In the answer to Describe of a statement always text, since not yet known.
    pub format: Format,
}

/// The columns of the rows that follow.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct RowDescription<'a> {
    count: u16,
    /// INVARIANT: exactly `count` columns.
    bytes: &'a [u8],
}

/// One row.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct DataRow<'a> {
    values: Values<'a>,
}

// === impl Column ===

impl<'a> Column<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, ReadError> {
        Ok(Self {
            name: reader.text()?,
            table_oid: reader.u32()?,
            attnum: reader.i16()?,
            type_oid: reader.u32()?,
            type_len: reader.i16()?,
            typmod: reader.i32()?,
            format: Format::from_code(reader.i16()?)?,
        })
    }
}

// === impl RowDescription ===

impl<'a> RowDescription<'a> {
    /// Reads the body of a `RowDescription`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let count = reader.u16()?;
        let start = reader;
        for _ in 0..count {
            Column::read(&mut reader)?;
        }
        reader.finish().map(|()| Self { count, bytes: start.up_to(&reader) })
    }

    /// How many columns there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each column, in order.
    pub fn columns(&self) -> impl Iterator<Item = Column<'a>> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || Column::read(&mut reader).ok())
    }
}

impl fmt::Debug for RowDescription<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.columns()).finish()
    }
}

// === impl DataRow ===

impl<'a> DataRow<'a> {
    /// Reads the body of a `DataRow`.
    ///
    /// # Errors
    ///
    /// When a value reaches over the end, or the count does not match.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let values = Values::read(&mut reader)?;
        reader.finish().map(|()| Self { values })
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Each value in order; `None` is NULL.
    pub fn values(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        self.values.iter()
    }
}

impl fmt::Debug for DataRow<'_> {
    /// Shows how many values only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataRow({})", self.len())
    }
}
