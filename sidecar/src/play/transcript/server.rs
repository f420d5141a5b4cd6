//! What the server says, paired with what it was asked.

use chaperone_pgwire::exchange::{Answer, Waiting};
use chaperone_pgwire::server::{self, Fields, field};
use chaperone_pgwire::{Frame, ReadError, tag};

use super::{Asked, Portal, Transcript, names, text};
use crate::play::table::Grid;
use crate::play::{Direction, Happening, Report};

impl Transcript {
    pub(super) fn server_message(&mut self, frame: &Frame<'_>) -> Result<(), ReadError> {
        let body = frame.body();
        match frame.tag {
            tag::server::ROW_DESCRIPTION => self.columns(body)?,
            tag::server::DATA_ROW => {
                let row = server::DataRow::read(body)?;
                self.with_rows(|grid| grid.push(&row));
            }
            tag::server::COMMAND_COMPLETE => {
                let complete = server::CommandComplete::read(body)?;
                self.complete(frame.tag, text(complete.tag));
            }
            tag::server::EMPTY_QUERY_RESPONSE => self.complete(frame.tag, String::new()),
            tag::server::PORTAL_SUSPENDED => self.complete(frame.tag, "(more rows wait)".to_owned()),
            tag::server::ERROR_RESPONSE | tag::server::NOTICE_RESPONSE => {
                let report = report(&Fields::read(body)?);
                if frame.tag == tag::server::ERROR_RESPONSE {
                    self.flush_rows();
                }
                let _pair = self.exchange.received(frame.tag);
                self.happenings.push(Happening::Report(report));
            }
            tag::server::READY_FOR_QUERY => {
                self.flush_rows();
                self.status = server::ReadyForQuery::read(body)?.status;
                if let Answer::Ready { skipped, .. } = self.exchange.received(frame.tag) {
                    if !skipped.is_empty() {
                        self.forget_refused();
                    }
                    // The first of them is the one that failed.
                    self.never_ran(skipped.into_iter().skip(1).map(|waiting| waiting.payload));
                }
            }
            tag::server::COPY_DATA => self.copy(Direction::Out, body.len()),
            tag::server::COPY_DONE => self.flush_copy(),
            tag::server::NOTIFICATION_RESPONSE => {
                let notification = server::NotificationResponse::read(body)?;
                let (channel, payload) = (text(notification.channel), text(notification.payload));
                self.note(format!("notification on {channel}: {payload}"));
            }
            other => {
                if let Answer::Last(waiting) = self.exchange.received(other) {
                    self.done(&waiting.payload);
                }
            }
        }
        Ok(())
    }

    /// What the server skipped behind an error, up to the Sync: it was allowed, and yet it was not run.
    fn never_ran(&mut self, skipped: impl Iterator<Item = Asked>) {
        for asked in skipped {
            if let Asked::Execute { text, .. } = asked {
                self.note(format!("never ran, because of the error before it: {text}"));
            }
        }
    }

    fn columns(&mut self, body: &[u8]) -> Result<(), ReadError> {
        let description = server::RowDescription::read(body)?;
        match self.exchange.received(tag::server::ROW_DESCRIPTION) {
            Answer::Last(waiting) => match waiting.payload {
                Asked::Portal(portal) => *portal.columns.borrow_mut() = Some(body.to_vec()),
                Asked::Statement(statement) => *statement.columns.borrow_mut() = Some(body.to_vec()),
                _ => {}
            },
            Answer::Aside | Answer::Part(_) | Answer::Ready { .. } | Answer::Unexpected => {
                self.rows = Some(Grid::new(&description, &[]));
            }
        }
        Ok(())
    }

    /// A row of the answer at hand came.
    pub(super) fn with_rows(&mut self, add: impl FnOnce(&mut Grid)) {
        let mut other = None;
        match self.exchange.received(tag::server::DATA_ROW) {
            Answer::Part(Waiting { payload: Asked::Execute { name, meant, told, rows, .. }, .. }) => {
                let rows = rows.get_or_insert_with(|| {
                    other = names::other(&self.taken_portals, name, meant).cloned();
                    *told = true;
                    let columns = described(meant).or_else(|| other.as_deref().and_then(described));
                    columns.unwrap_or_else(|| Grid::undescribed(&meant.formats))
                });
                add(rows);
            }
            _ => add(self.rows.get_or_insert_with(Grid::default)),
        }
        self.tell_other(other.as_deref());
    }

    /// The name meant something else to the server.
    fn tell_other(&mut self, other: Option<&Portal>) {
        if let Some(other) = other {
            self.note(format!(
                "the name stood for another statement, and this was run: {}",
                other.statement.text
            ));
        }
    }

    fn complete(&mut self, letter: u8, tag: String) {
        let (asked, text) = match self.exchange.received(letter) {
            Answer::Last(waiting) => (waiting.payload, None),
            Answer::Part(Waiting { payload: Asked::Query(text), .. }) => {
                (Asked::Nothing, Some(std::mem::take(text)))
            }
            Answer::Aside | Answer::Part(_) | Answer::Ready { .. } | Answer::Unexpected => {
                (Asked::Nothing, None)
            }
        };
        self.flush_copy();
        let rows = match asked {
            Asked::Execute { name, meant, told, rows, .. } => {
                let other = names::other(&self.taken_portals, &name, &meant).filter(|_| !told).cloned();
                self.tell_other(other.as_deref());
                let ran = other.as_deref().unwrap_or(&meant);
                self.done_in_sql(&tag, &ran.statement.text);
                rows.or_else(|| described(&meant)).or_else(|| other.as_deref().and_then(described))
            }
            _ => {
                self.done_in_sql(&tag, &text.unwrap_or_default());
                self.rows.take()
            }
        };
        // As psql does: how a query with rows ended is told by their number.
        let counted = ["SELECT", "FETCH", "SHOW", "EXPLAIN"].iter().any(|verb| tag.starts_with(verb));
        let silent = tag.is_empty() || (counted && rows.is_some());
        self.happenings.extend(rows.map(Happening::Rows));
        if !silent {
            self.happenings.push(Happening::Tag(tag));
        }
    }

    pub(super) fn copy(&mut self, direction: Direction, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.copied.filter(|(known, _)| *known == direction).map_or(0, |(_, bytes)| bytes);
        self.copied = Some((direction, before.saturating_add(bytes)));
    }

    pub(super) fn flush_copy(&mut self) {
        if let Some((direction, bytes)) = self.copied.take() {
            self.happenings.push(Happening::Copied(direction, bytes));
        }
    }

    pub(super) fn flush_rows(&mut self) {
        self.show_parsed();
        self.flush_copy();
        let rows = self.rows.take();
        self.happenings.extend(rows.map(Happening::Rows));
    }
}

/// The columns of a portal that was described, or whose statement was.
fn described(portal: &Portal) -> Option<Grid> {
    let (of_portal, of_statement) = (portal.columns.borrow(), portal.statement.columns.borrow());
    let description = server::RowDescription::read(of_portal.as_ref().or(of_statement.as_ref())?).ok()?;
    Some(Grid::new(&description, &portal.formats))
}

fn report(fields: &Fields<'_>) -> Report {
    let find = |letter| fields.find(letter).map(text).unwrap_or_default();
    Report {
        severity: find(field::SEVERITY),
        code: find(field::CODE),
        message: find(field::MESSAGE),
        detail: find(field::DETAIL),
        hint: find(field::HINT),
    }
}
