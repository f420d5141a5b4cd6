//! Statements and portals: Query, Parse, Describe, Close, Execute; and `CopyFail`.

use crate::read::{Oids, ReadError, Reader};

/// A simple query: a text of any number of statements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Query<'a> {
    /// The text.
    pub text: &'a [u8],
}

/// Prepares a statement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Parse<'a> {
    /// Its name; empty for the unnamed one.
    pub name: &'a [u8],
    /// The text.
    pub text: &'a [u8],
    /// The types of its first parameters; 0 for one to be inferred.
    pub param_types: Oids<'a>,
}

/// What Describe and Close speak of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Target<'a> {
    /// The portal of this name.
    Portal(&'a [u8]),
    /// The prepared statement of this name.
    Statement(&'a [u8]),
}

/// Runs a portal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Execute<'a> {
    /// Its name; empty for the unnamed one.
    pub portal: &'a [u8],
    /// How many rows to return at most; no limit when not positive.
    pub max_rows: i32,
}

/// The client gives COPY up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CopyFail<'a> {
    /// Why.
    pub message: &'a [u8],
}

// === impl Query ===

impl<'a> Query<'a> {
    /// Reads the body of a Query.
    ///
    /// # Errors
    ///
    /// When the text is not closed by the body's last byte.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let query = Self { text: reader.text()? };
        reader.finish().map(|()| query)
    }
}

// === impl Parse ===

impl<'a> Parse<'a> {
    /// Reads the body of a Parse.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let parse =
            Self { name: reader.text()?, text: reader.text()?, param_types: Oids::read(&mut reader)? };
        reader.finish().map(|()| parse)
    }
}

// === impl Target ===

impl<'a> Target<'a> {
    /// Reads the body of a Describe or Close.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let kind = reader.u8()?;
        let name = reader.text()?;
        reader.finish()?;
        match kind {
            b'P' => Ok(Self::Portal(name)),
            b'S' => Ok(Self::Statement(name)),
            _ => Err(ReadError::Value),
        }
    }
}

// === impl Execute ===

impl<'a> Execute<'a> {
    /// Reads the body of an Execute.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let execute = Self { portal: reader.text()?, max_rows: reader.i32()? };
        reader.finish().map(|()| execute)
    }
}

// === impl CopyFail ===

impl<'a> CopyFail<'a> {
    /// Reads the body of a `CopyFail`.
    ///
    /// # Errors
    ///
    /// When the text is not closed by the body's last byte.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let fail = Self { message: reader.text()? };
        reader.finish().map(|()| fail)
    }
}
