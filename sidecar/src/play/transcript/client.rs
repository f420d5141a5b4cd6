//! What the client sends.

use chaperone_pgwire::exchange::Request;
use chaperone_pgwire::server::TransactionStatus;
use chaperone_pgwire::{Format, Frame, ReadError, client, tag};

use super::{Asked, MAX_NAMES, Portal, Statement, Transcript, text};
use crate::play::{Direction, Happening, value};

impl Transcript {
    pub(super) fn client_message(&mut self, frame: &Frame<'_>) -> Result<(), ReadError> {
        let body = frame.body();
        match frame.tag {
            tag::client::QUERY => {
                let text = text(client::Query::read(body)?.text);
                self.statement(text);
                self.asked(Request::Query, Asked::Nothing);
            }
            tag::client::PARSE => self.parse(&client::Parse::read(body)?),
            tag::client::BIND => self.bind(&client::Bind::read(body)?),
            tag::client::DESCRIBE => {
                let asked = match client::Target::read(body)? {
                    client::Target::Portal(name) => Asked::Portal(name.to_vec()),
                    client::Target::Statement(name) => Asked::Statement(name.to_vec()),
                };
                self.asked(Request::Describe, asked);
            }
            tag::client::EXECUTE => self.execute(client::Execute::read(body)?.portal),
            tag::client::CLOSE => self.asked(Request::Close, Asked::Nothing),
            tag::client::SYNC => {
                self.show_parsed();
                self.asked(Request::Sync, Asked::Nothing);
            }
            tag::client::FLUSH => self.show_parsed(),
            tag::client::COPY_DATA => self.copy(Direction::In, body.len()),
            tag::client::COPY_DONE | tag::client::COPY_FAIL => {
                self.exchange.copy_ended();
                self.flush_copy();
            }
            tag::client::FUNCTION_CALL => {
                self.note("the client calls a function by its number".to_owned());
                self.asked(Request::FunctionCall, Asked::Nothing);
            }
            // Goodbyes are told by the record of the end; passwords are not recorded.
            _ => {}
        }
        Ok(())
    }

    fn parse(&mut self, parse: &client::Parse<'_>) {
        self.show_parsed();
        if self.statements.len() < MAX_NAMES || self.statements.contains_key(parse.name) {
            let statement = Statement { text: text(parse.text), columns: None };
            self.statements.insert(parse.name.to_vec(), statement);
        }
        self.unshown = Some(parse.name.to_vec());
        self.asked(Request::Parse, Asked::Nothing);
    }

    fn bind(&mut self, bind: &client::Bind<'_>) {
        let param = |(index, value): (usize, Option<&[u8]>)| match value {
            None => "NULL".to_owned(),
            Some(value) => {
                let format = bind.param_formats.of(index).unwrap_or(Format::Text);
                // The type is the server's secret: show text as text, and bytes as bytes.
                let shown = value::text(value, 0, format);
                if format == Format::Text { format!("'{shown}'") } else { shown }
            }
        };
        let portal = Portal {
            statement: bind.statement.to_vec(),
            params: bind.values.iter().enumerate().map(param).collect(),
            formats: bind.result_formats.iter().collect(),
            columns: None,
        };
        if self.portals.len() < MAX_NAMES || self.portals.contains_key(bind.portal) {
            self.portals.insert(bind.portal.to_vec(), portal);
        }
        self.asked(Request::Bind, Asked::Nothing);
    }

    fn execute(&mut self, name: &[u8]) {
        let portal = self.portals.get(name);
        let statement = portal.and_then(|portal| self.statements.get(&portal.statement));
        let mut text =
            statement.map_or_else(|| "(a statement of unknown text)".to_owned(), |s| s.text.clone());
        if let Some(params) = portal.map(|portal| &portal.params).filter(|params| !params.is_empty()) {
            let pairs = params.iter().enumerate().map(|(index, value)| format!("${} = {value}", index + 1));
            text.push_str(&format!("\n  with {}", pairs.collect::<Vec<_>>().join(", ")));
        }
        if portal.map(|portal| &portal.statement) == self.unshown.as_ref() {
            self.unshown = None;
        }
        self.show_parsed();
        self.statement(text.clone());
        self.asked(Request::Execute, Asked::Execute { portal: name.to_vec(), text, rows: None });
    }

    pub(super) fn show_parsed(&mut self) {
        if let Some(statement) = self.unshown.take().and_then(|name| self.statements.get(&name)) {
            self.happenings.push(Happening::Note(format!("prepares: {}", statement.text)));
        }
    }

    fn statement(&mut self, text: String) {
        let mark = match self.status {
            TransactionStatus::Failed => "!",
            TransactionStatus::Idle => "",
            TransactionStatus::InTransaction => "*",
        };
        let prompt = format!("{}={mark}>", self.database);
        self.happenings.push(Happening::Statement { prompt, text });
    }

    fn asked(&mut self, request: Request, asked: Asked) {
        if self.exchange.sent(request, asked).is_err() {
            self.note("too many requests wait for answers; some answers may be shown wrongly".to_owned());
        }
    }
}
