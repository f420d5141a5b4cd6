//! Messages of which only the first part was recorded: what is there is shown, and the answers still find their requests.

use chaperone_pgwire::exchange::Request;
use chaperone_pgwire::tag;

use super::{Asked, Portal, Statement, Transcript, text};
use crate::play::Direction;
use crate::play::table::Grid;

/// The letter and the recorded part of the body of the message in whose middle these bytes end.
pub(super) fn last(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes;
    loop {
        let (tag, behind) = rest.split_first()?;
        let (length, body) = behind.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_sub(4)?;
        match body.get(length..) {
            Some(next) => rest = next,
            None => return Some((*tag, body)),
        }
    }
}

/// A string with its end, and what stands behind it; where the end is not there, all.
fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
        None => (bytes, &[]),
    }
}

impl Transcript {
    pub(super) fn cut_client_message(&mut self, letter: u8, part: &[u8]) {
        let begins = |bytes: &[u8]| format!("{} …", text(bytes));
        match letter {
            tag::client::QUERY => {
                self.statement(begins(part));
                self.asked(Request::Query, Asked::Nothing);
            }
            tag::client::PARSE => {
                let (name, rest) = string(part);
                self.parsed(name, begins(string(rest).0));
            }
            tag::client::BIND => {
                let (portal, rest) = string(part);
                let name = string(rest).0;
                let statement = self.statements.get(name).cloned();
                let params = vec!["… (not recorded whole)".to_owned()];
                let made = Portal::new(statement.unwrap_or_else(Statement::unknown), params, Vec::new());
                self.bound(portal, name, made);
            }
            tag::client::FUNCTION_CALL => self.asked(Request::FunctionCall, Asked::Nothing),
            tag::client::COPY_DATA => self.copy(Direction::In, part.len()),
            _ => {}
        }
    }

    pub(super) fn cut_server_message(&mut self, letter: u8, part: &[u8]) {
        match letter {
            tag::server::DATA_ROW => self.with_rows(Grid::push_cut),
            tag::server::COPY_DATA => self.copy(Direction::Out, part.len()),
            other => {
                let _pair = self.exchange.received(other);
            }
        }
    }
}
