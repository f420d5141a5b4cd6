//! The messages that share the letter `p`. Which one it is depends on what the server asked for.

use std::fmt;

use crate::read::{ReadError, Reader};

/// A password, in clear or as an MD5 response.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Password<'a> {
    /// The password.
    pub text: &'a [u8],
}

/// The choice of a SASL mechanism and the client's first message.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SaslInitialResponse<'a> {
    /// The mechanism's name.
    pub mechanism: &'a [u8],
    /// The first message, if the client has one.
    pub response: Option<&'a [u8]>,
}

/// A later SASL message of the client.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SaslResponse<'a> {
    /// The message.
    pub data: &'a [u8],
}

impl<'a> Password<'a> {
    /// Reads the body of a `PasswordMessage`.
    ///
    /// # Errors
    ///
    /// When the text is not closed by the body's last byte.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let password = Self { text: reader.text()? };
        reader.finish().map(|()| password)
    }
}

impl<'a> SaslInitialResponse<'a> {
    /// Reads the body of a `SASLInitialResponse`.
    ///
    /// # Errors
    ///
    /// When it is not laid out as one.
    pub fn read(body: &'a [u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::new(body);
        let initial = Self { mechanism: reader.text()?, response: reader.value()? };
        reader.finish().map(|()| initial)
    }
}

impl<'a> SaslResponse<'a> {
    /// Takes the body of a `SASLResponse`, all of which is the message.
    #[must_use]
    pub const fn read(body: &'a [u8]) -> Self {
        Self { data: body }
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").finish_non_exhaustive()
    }
}

impl fmt::Debug for SaslInitialResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslInitialResponse").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

impl fmt::Debug for SaslResponse<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslResponse").finish_non_exhaustive()
    }
}
