//! Reading what the server sends: comma-separated attributes, in a fixed order, nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, ServerError};

/// The fewest iterations that are accepted (RFC 7677, 4): with fewer, whoever poses as the server learns something
/// that gives the password away to guessing.
pub const MIN_ITERATIONS: u32 = 4_096;
/// The most iterations that are accepted: they are work for us that the server orders.
pub const MAX_ITERATIONS: u32 = 1_000_000;
/// The longest message that is read.
pub const MAX_MESSAGE_BYTES: usize = 4_096;
/// The longest salt, decoded.
pub const MAX_SALT_BYTES: usize = 1_024;

/// The server's first message.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Challenge<'a> {
    /// The message itself, which the proof covers.
    pub(crate) text: &'a str,
    /// Our nonce and the server's.
    pub(crate) nonce: &'a str,
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
}

impl<'a> Challenge<'a> {
    pub(crate) fn read(message: &'a [u8], client_nonce: &str) -> Result<Self, Error> {
        let text = text(message)?;
        // SPEC: RFC 5802, 7, server-first-message. An extension that must be understood (`m=`) would stand
        // first; optional ones at the end are refused too, as libpq does.
        let mut attributes = text.split(',');
        let nonce = attribute(attributes.next(), "r=")?;
        let salt = attribute(attributes.next(), "s=")?;
        let iterations = attribute(attributes.next(), "i=")?;
        if attributes.next().is_some() || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::Malformed);
        }
        let iterations = count(iterations)?;
        let salt = STANDARD.decode(salt).map_err(|_| Error::Malformed)?;
        if salt.is_empty() {
            return Err(Error::Malformed);
        }
        if salt.len() > MAX_SALT_BYTES {
            return Err(Error::TooLarge);
        }
        match nonce.strip_prefix(client_nonce) {
            Some(own) if !own.is_empty() => {}
            Some(_) | None => return Err(Error::Nonce),
        }
        if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            return Err(Error::Iterations(iterations));
        }
        Ok(Self { text, nonce, salt, iterations })
    }
}

/// Reads the server's last message: its signature.
pub(crate) fn read_signature(message: &[u8]) -> Result<Vec<u8>, Error> {
    let text = text(message)?;
    if let Some(value) = text.strip_prefix("e=") {
        return Err(Error::Refused(ServerError::from_value(value)));
    }
    STANDARD.decode(attribute(Some(text), "v=")?).map_err(|_| Error::Malformed)
}

fn text(message: &[u8]) -> Result<&str, Error> {
    if message.len() > MAX_MESSAGE_BYTES {
        return Err(Error::TooLarge);
    }
    std::str::from_utf8(message).map_err(|_| Error::Malformed)
}

fn attribute<'a>(attribute: Option<&'a str>, name: &str) -> Result<&'a str, Error> {
    attribute.and_then(|text| text.strip_prefix(name)).ok_or(Error::Malformed)
}

/// Reads a `posit-number`: digits, the first of them not 0. More than fits is as good as the most that fits.
fn count(digits: &str) -> Result<u32, Error> {
    if digits.starts_with('0') || digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::Malformed);
    }
    Ok(digits.parse().unwrap_or(u32::MAX))
}
