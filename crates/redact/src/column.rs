//! Hides a value of a result by its PostgreSQL type, so that a driver can still read it: a number stays a number.

mod types;

use std::fmt;

use chaperone_model::mask::{Detector, Transform};

use crate::{
    detectors::{Detectors, Within},
    key::Key,
    transform::{Masked, apply, write},
};
use types::{Constant, Shape, shape};

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// The type's binary form.
    Binary,
    /// Text.
    Text,
}

/// A value of this type and format cannot be hidden; it must not be shown either.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unsupported {
    /// The type's OID.
    pub type_oid: u32,
    /// The value's format.
    pub format: Format,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match self.format {
            Format::Binary => "binary",
            Format::Text => "text",
        };
        write!(f, "cannot mask a value of type `{}` in {format} format", self.type_oid)
    }
}

impl std::error::Error for Unsupported {}

/// Hides a value of a column that must not be shown.
///
/// Texts, and types unknown here when in text format, are hidden by the transform; all other types by a constant that their
/// readers accept (0, `false`, 2000-01-01, the empty array), except that [`Transform::Hash`] gives UUIDs of
/// equal values that are equal. JSON becomes a JSON string.
///
/// # Errors
///
/// When the type is unknown and the format binary. [`Transform::Null`] never fails.
pub fn mask_value(
    transform: Transform,
    type_oid: u32,
    format: Format,
    value: &[u8],
    key: &Key,
) -> Result<Masked, Unsupported> {
    if transform == Transform::Null {
        return Ok(Masked::Null);
    }
    Ok(match (shape(type_oid), format) {
        (Some(Shape::Text), _) | (None, Format::Text) => apply(transform, value, key),
        (Some(Shape::Json), _) | (Some(Shape::Jsonb), Format::Text) => {
            Masked::Bytes(json_string(transform, value, key, Vec::new()))
        }
        (Some(Shape::Jsonb), Format::Binary) => {
            let (version, value) = jsonb(value).ok_or(Unsupported { type_oid, format })?;
            Masked::Bytes(json_string(transform, value, key, vec![version]))
        }
        (Some(Shape::Uuid), _) => Masked::Bytes(uuid(transform, format, value, key)),
        (Some(Shape::Array(element)), _) => Masked::Bytes(empty_array(element, format)),
        (Some(Shape::Bytes), _) => Masked::Bytes(Constant { text: "\\x", binary: b"" }.bytes(format)),
        (Some(Shape::Address(constant) | Shape::Number(constant) | Shape::Opaque(constant)), _) => {
            Masked::Bytes(constant.bytes(format))
        }
        (None, Format::Binary) => return Err(Unsupported { type_oid, format }),
    })
}

impl Detectors {
    /// Hides what is found in a value of a column that the policy does not name. None when nothing is found.
    ///
    /// Texts are searched and rewritten. A number, array or byte string in which something is found is replaced as a
    /// whole, as by [`mask_value`]. Times, booleans and the like are not looked at.
    ///
    /// # Errors
    ///
    /// When something is found in a binary value whose type is unknown.
    pub fn mask_value(
        &self,
        type_oid: u32,
        format: Format,
        value: &[u8],
    ) -> Result<Option<Vec<u8>>, Unsupported> {
        let constant = |constant: Constant, found: bool| found.then(|| constant.bytes(format));
        Ok(match (shape(type_oid), format) {
            (Some(Shape::Text), _) | (None, Format::Text) => self.mask_text(value),
            (Some(Shape::Json), _) | (Some(Shape::Jsonb), Format::Text) => self.mask_json(value),
            (Some(Shape::Jsonb), Format::Binary) => {
                let (version, json) = jsonb(value).ok_or(Unsupported { type_oid, format })?;
                self.mask_within(json, Within::Json).map(|json| [&[version], &json[..]].concat())
            }
            (Some(Shape::Array(element)), Format::Text) if matches!(shape(element), Some(Shape::Text)) => {
                self.mask_text(value)
            }
            (Some(Shape::Array(element)), _) => self.finds(value).then(|| empty_array(element, format)),
            (Some(Shape::Bytes), Format::Binary) => self.finds(value).then(Vec::new),
            (Some(Shape::Bytes), Format::Text) => {
                constant(Constant { text: "\\x", binary: b"" }, self.finds(&types::unhex(value)))
            }
            (Some(Shape::Address(address)), Format::Text) => constant(address, self.finds(value)),
            (Some(Shape::Address(address)), Format::Binary) => {
                constant(address, self.has(Detector::IpAddress))
            }
            (Some(Shape::Number(zero)), Format::Text) => constant(zero, self.finds(value)),
            (Some(Shape::Number(zero)), Format::Binary) => {
                constant(zero, types::decimal(type_oid, value).is_some_and(|digits| self.finds(&digits)))
            }
            (Some(Shape::Opaque(_) | Shape::Uuid), _) => None,
            (None, Format::Binary) if self.finds(value) => return Err(Unsupported { type_oid, format }),
            (None, Format::Binary) => None,
        })
    }
}

/// The version byte of a binary jsonb, and its text.
fn jsonb(value: &[u8]) -> Option<(u8, &[u8])> {
    value.split_first().filter(|(version, _)| **version == 1).map(|(version, json)| (*version, json))
}

/// Appends a JSON string that shows the hidden value; no transform writes what would need an escape.
fn json_string(transform: Transform, value: &[u8], key: &Key, mut out: Vec<u8>) -> Vec<u8> {
    out.push(b'"');
    write(transform, value, key, &mut out);
    out.push(b'"');
    out
}

/// All zeros, or for a hash version 8 of RFC 9562 (whose bits are the maker's own), the same for both formats.
fn uuid(transform: Transform, format: Format, value: &[u8], key: &Key) -> Vec<u8> {
    let mut bytes = [0_u8; 16];
    if transform == Transform::Hash {
        let digest = match format {
            Format::Binary => key.digest(value),
            Format::Text => key.digest(&types::unhex(value)),
        };
        for (place, byte) in bytes.iter_mut().zip(digest) {
            *place = byte;
        }
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = *version & 0x0f | 0x80;
        *variant = *variant & 0x3f | 0x80;
    }
    match format {
        Format::Binary => bytes.to_vec(),
        Format::Text => {
            let hyphens = [4, 6, 8, 10];
            let parts = bytes.iter().enumerate().map(|(place, byte)| {
                format!("{}{byte:02x}", if hyphens.contains(&place) { "-" } else { "" })
            });
            parts.collect::<String>().into_bytes()
        }
    }
}

fn empty_array(element: u32, format: Format) -> Vec<u8> {
    match format {
        // No dimensions, no NULLs, the elements' type.
        Format::Binary => [[0; 4], [0; 4], element.to_be_bytes()].concat(),
        Format::Text => b"{}".to_vec(),
    }
}
