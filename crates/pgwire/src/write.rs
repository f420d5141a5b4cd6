//! Writes messages: the length is set when the body is known, and a message that failed leaves nothing behind.

use std::fmt;

/// Why a message cannot be written. What was being written to is then as it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WriteError {
    /// More parts than a 16-bit count can say.
    Count,
    /// Longer than a 31-bit length can say.
    Length,
    /// A NUL inside a text: the reader would take what follows for something else.
    Nul,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "too many parts for one message",
            Self::Length => "message too long",
            Self::Nul => "NUL inside a text",
        })
    }
}

impl std::error::Error for WriteError {}

/// Appends one message: `tag` (none for a start-up packet), length, and what `body` appends.
pub(crate) fn message(
    out: &mut Vec<u8>,
    tag: Option<u8>,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let start = out.len();
    out.extend(tag);
    let word = out.len();
    out.extend([0; 4]);
    let written = body(out).and_then(|()| {
        let len = i32::try_from(out.len().saturating_sub(word)).map_err(|_| WriteError::Length)?;
        let place =
            out.get_mut(word..).and_then(|rest| rest.first_chunk_mut::<4>()).ok_or(WriteError::Length)?;
        *place = len.to_be_bytes();
        Ok(())
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends a message whose body is known to be short, so that nothing can go wrong.
pub(crate) fn fixed(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    let len = u32::try_from(body.len()).unwrap_or(0).saturating_add(4);
    out.extend(len.to_be_bytes());
    out.extend_from_slice(body);
}

/// Appends a text and its closing NUL.
pub(crate) fn text(out: &mut Vec<u8>, text: &[u8]) -> Result<(), WriteError> {
    if text.contains(&0) {
        return Err(WriteError::Nul);
    }
    out.extend_from_slice(text);
    out.push(0);
    Ok(())
}

/// Appends a 16-bit count and then each part.
pub(crate) fn counted<T>(
    out: &mut Vec<u8>,
    parts: impl IntoIterator<Item = T>,
    mut part: impl FnMut(&mut Vec<u8>, T) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let place = out.len();
    out.extend([0; 2]);
    let mut count = 0_u16;
    for each in parts {
        count = count.checked_add(1).ok_or(WriteError::Count)?;
        part(out, each)?;
    }
    if let Some(place) = out.get_mut(place..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *place = count.to_be_bytes();
    }
    Ok(())
}

/// Appends a value behind its length; NULL is -1.
pub(crate) fn value(out: &mut Vec<u8>, value: Option<&[u8]>) -> Result<(), WriteError> {
    let Some(value) = value else {
        out.extend((-1_i32).to_be_bytes());
        return Ok(());
    };
    let len = i32::try_from(value.len()).map_err(|_| WriteError::Length)?;
    out.extend(len.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}
