//! How a value is hidden, and by which detectors it is found.

use serde::{Deserialize, Serialize};

/// What is shown in the place of a value.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Transform {
    /// `h:` and the first 16 hexadecimal digits of the value's keyed SHA-256: equal values look equal within a policy.
    Hash,
    /// SQL NULL where the place allows it, else as [`Self::Redact`].
    Null,
    /// Letters and digits become `*`, but for the first and last few; separators stay.
    Partial {
        /// How many letters and digits stay readable at the start.
        #[serde(default)]
        keep_first: u8,
        /// How many letters and digits stay readable at the end.
        #[serde(default)]
        keep_last: u8,
    },
    /// `[redacted]`, or a fitting constant for types that hold no text (0 for numbers).
    Redact,
}

/// A detector finds values of one kind inside text.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Payment card numbers: 12 to 19 digits with separators, Luhn checked, known prefixes.
    Card,
    /// E-mail addresses.
    Email,
    /// International bank account numbers, checksum checked.
    Iban,
    /// IPv4 and IPv6 addresses.
    IpAddress,
    /// Telephone numbers in international or North American form.
    Phone,
    /// Keys and tokens: private keys, JWTs, cloud and vendor API keys with known prefixes.
    SecretKey,
    /// United States social security numbers.
    Ssn,
}
