//! What a client says, rightly or wrongly: the texts are not looked at.

use chaperone_pgwire::client::write;
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version};

/// A message of any letter and body, with the length that is true.
#[must_use]
pub fn message(letter: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[letter][..], &length, body].concat()
}

/// A simple query; the text may hold a NUL.
#[must_use]
pub fn query(text: &[u8]) -> Vec<u8> {
    message(b'Q', &[text, b"\0"].concat())
}

/// A start-up packet.
#[must_use]
pub fn startup(user: &str, database: &str) -> Vec<u8> {
    let params = vec![
        Param { name: b"user", value: user.as_bytes() },
        Param { name: b"database", value: database.as_bytes() },
    ];
    let mut out = Vec::new();
    StartupPacket::Startup(Startup { version: Version::V3_0, params }).write(&mut out).unwrap();
    out
}

/// A token in the place of a password.
#[must_use]
pub fn password(token: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::password(&mut out, token.as_bytes()).unwrap();
    out
}

/// Parse, Bind and Execute of a statement, and a Sync.
#[must_use]
pub fn batch(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    write::parse(&mut out, b"", text.as_bytes(), &[]).unwrap();
    write::bind(&mut out, b"", b"", [], chaperone_pgwire::Format::Text).unwrap();
    write::execute(&mut out, b"", 0).unwrap();
    write::sync(&mut out);
    out
}
