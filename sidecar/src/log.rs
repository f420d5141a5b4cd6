//! One line a happening, to standard error: time, level, message, then `key=value` with fixed keys.

use std::fmt::{Display, Write as _};
use std::io::Write as _;

use crate::clock::{Clock, SystemClock};

/// Something that somebody asked for has happened.
pub(crate) fn info(message: &str, fields: &[(&str, &dyn Display)]) {
    line("info", message, fields);
}

/// Something is not as it should be, but goes on.
pub(crate) fn warn(message: &str, fields: &[(&str, &dyn Display)]) {
    line("warn", message, fields);
}

/// Something failed.
pub(crate) fn error(message: &str, fields: &[(&str, &dyn Display)]) {
    line("error", message, fields);
}

fn line(level: &str, message: &str, fields: &[(&str, &dyn Display)]) {
    let mut text = format!("{} {level} {message}", SystemClock.now().precise());
    for (key, value) in fields {
        // Debug form: quotes, and nothing in a value can begin a new line or drive a terminal.
        let _infallible = write!(text, " {key}={:?}", value.to_string());
    }
    text.push('\n');
    // A log that cannot be written must not stop the service.
    let _lost = std::io::stderr().write_all(text.as_bytes());
}
