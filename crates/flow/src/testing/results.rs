//! What the stand-in answers to a statement that has a result.

use chaperone_pgwire::Format;
use chaperone_pgwire::server::{Column, write};
use chaperone_pgwire::tag::server;

/// A result of so many rows, of which so many went already.
#[derive(Clone, Debug)]
pub(super) struct Portal {
    pub(super) name: Vec<u8>,
    pub(super) text: Vec<u8>,
    pub(super) fetched: usize,
}

/// The number behind a word in the text.
fn number(text: &[u8], word: &str) -> Option<usize> {
    let text = String::from_utf8_lossy(text).into_owned();
    let (_, behind) = text.split_once(word)?;
    behind.trim_start().split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Whether it is COPY to the client: `copy out 5`.
pub(super) fn copied(text: &[u8]) -> Option<usize> {
    number(text, "copy out")
}

/// The lines of a COPY to the client, and its end.
pub(super) fn copy_out(lines: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&[server::COPY_OUT_RESPONSE, 0, 0, 0, 7, 0, 0, 0]);
    for line in 0..lines {
        let line = format!("{line}\n");
        let length = u32::try_from(line.len() + 4).unwrap();
        out.push(server::COPY_DATA);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(line.as_bytes());
    }
    write::empty(out, server::COPY_DONE);
    write::command_complete(out, format!("COPY {lines}").as_bytes()).unwrap();
}

pub(super) fn description(out: &mut Vec<u8>) {
    let column = Column {
        name: b"text",
        table_oid: 0,
        attnum: 0,
        type_oid: 25,
        type_len: -1,
        typmod: -1,
        format: Format::Text,
    };
    write::row_description(out, [column]).unwrap();
}

/// At most `most` rows (0: all) of a result behind the first `fetched`; how many those were.
pub(super) fn rows(text: &[u8], fetched: usize, most: usize, out: &mut Vec<u8>) -> usize {
    let all = number(text, "rows").unwrap_or(1);
    let left = all.saturating_sub(fetched);
    let shown = if most == 0 { left } else { left.min(most) };
    for _ in 0..shown {
        write::data_row(out, [Some(text)]).unwrap();
    }
    if most > 0 && shown == most {
        write::empty(out, server::PORTAL_SUSPENDED);
    } else {
        write::command_complete(out, format!("SELECT {shown}").as_bytes()).unwrap();
    }
    shown
}
