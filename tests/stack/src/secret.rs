//! Passwords and tokens that live as long as one stack.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::error::Error;

/// 24 random bytes in hexadecimal: safe to write anywhere without quoting.
pub(crate) fn secret() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 24];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(Error::file(source))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
