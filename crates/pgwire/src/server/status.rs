//! What a server tells between results: that it is ready, that a command ended, settings, COPY, notifications.

use crate::{
    format::{Format, Formats},
    read::{Oids, ReadError, Reader},
};

/// Where the session stands.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum TransactionStatus {
    /// `E`: in a transaction that has failed.
    Failed,
    /// `I`: in no transaction.
    Idle,
    /// `T`: in a transaction.
    InTransaction,
}

/// The server waits for the next command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ReadyForQuery {
    /// Where the session stands.
    pub status: TransactionStatus,
}

/// A command has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CommandComplete<'a> {
    /// Which, and how many rows it touched: `UPDATE 3`.
    pub tag: &'a [u8],
}

/// The value of a setting.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParameterStatus<'a> {
    /// The setting.
    pub name: &'a [u8],
    /// Its value from now on.
    pub value: &'a [u8],
}

/// COPY begins: the same body under `G`, `H` and `W`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CopyResponse<'a> {
    /// Whether the whole is text (lines) or binary.
    pub overall: Format,
    /// The columns' formats.
    pub columns: Formats<'a>,
}

/// The types of a prepared statement's parameters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ParameterDescription<'a> {
    /// The types.
    pub types: Oids<'a>,
}

/// NOTIFY by some session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotificationResponse<'a> {
    /// The process id of that session.
    pub pid: u32,
    /// The channel.
    pub channel: &'a [u8],
    /// The text; may be empty.
    pub payload: &'a [u8],
}

/// The server speaks an older minor version, or does not know some `_pq_.` option.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NegotiateProtocolVersion<'a> {
    /// The newest minor version that the server speaks.
    pub minor: u32,
    /// How many options it does not know.
    pub unknown: u32,
    /// Their names, each closed by a NUL.
    pub options: &'a [u8],
}

impl TransactionStatus {
    /// The status with this letter.
    ///
    /// # Errors
    ///
    /// [`ReadError::Value`] when there is none.
    pub const fn from_letter(letter: u8) -> Result<Self, ReadError> {
        match letter {
            b'E' => Ok(Self::Failed),
            b'I' => Ok(Self::Idle),
            b'T' => Ok(Self::InTransaction),
            _ => Err(ReadError::Value),
        }
    }

    /// The status's letter.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Failed => b'E',
            Self::Idle => b'I',
            Self::InTransaction => b'T',
        }
    }
}

impl ReadyForQuery {
    /// Reads the body of a `ReadyForQuery`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &[u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let ready = Self { status: TransactionStatus::from_letter(reader.u8()?)? };
        reader.finish().map(|()| ready)
    }
}

impl<'a> CommandComplete<'a> {
    /// Reads the body of a `CommandComplete`.
    ///
    /// # Errors
    ///
    /// When the text is not closed by the body's last byte.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let complete = Self { tag: reader.text()? };
        reader.finish().map(|()| complete)
    }

    /// How many rows the command touched, when it says so.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        let last = self.tag.rsplit(|byte| *byte == b' ').next()?;
        std::str::from_utf8(last).ok()?.parse().ok()
    }
}

impl<'a> ParameterStatus<'a> {
    /// Reads the body of a `ParameterStatus`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let status = Self { name: reader.text()?, value: reader.text()? };
        reader.finish().map(|()| status)
    }
}

impl<'a> CopyResponse<'a> {
    /// Reads the body of a `CopyInResponse`, `CopyOutResponse` or `CopyBothResponse`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let overall = Format::from_code(i16::from(reader.u8()?))?;
        let copy = Self { overall, columns: Formats::read(&mut reader)? };
        reader.finish().map(|()| copy)
    }
}

impl<'a> ParameterDescription<'a> {
    /// Reads the body of a `ParameterDescription`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let description = Self { types: Oids::read(&mut reader)? };
        reader.finish().map(|()| description)
    }
}

impl<'a> NotificationResponse<'a> {
    /// Reads the body of a `NotificationResponse`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let notification = Self { pid: reader.u32()?, channel: reader.text()?, payload: reader.text()? };
        reader.finish().map(|()| notification)
    }
}

impl<'a> NegotiateProtocolVersion<'a> {
    /// Reads the body of a `NegotiateProtocolVersion`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let (minor, unknown) = (reader.u32()?, reader.u32()?);
        let start = reader;
        // Each name has at least its NUL, so that the body bounds the loop, whatever the count says.
        for _ in 0..unknown {
            reader.text()?;
        }
        reader.finish().map(|()| Self { minor, unknown, options: start.up_to(&reader) })
    }
}
