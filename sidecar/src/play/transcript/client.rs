//! What the client sends.

use std::rc::Rc;

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
                self.statement(text.clone());
                self.asked(Request::Query, Asked::Query(text));
            }
            tag::client::PARSE => {
                let parse = client::Parse::read(body)?;
                self.parsed(parse.name, text(parse.text));
            }
            tag::client::BIND => self.bind(&client::Bind::read(body)?),
            tag::client::DESCRIBE => {
                let asked = match client::Target::read(body)? {
                    client::Target::Portal(name) => self.portals.get(name).cloned().map(Asked::Portal),
                    client::Target::Statement(name) => {
                        self.statements.get(name).cloned().map(Asked::Statement)
                    }
                };
                self.asked(Request::Describe, asked.unwrap_or(Asked::Nothing));
            }
            tag::client::EXECUTE => self.execute(client::Execute::read(body)?.portal),
            tag::client::CLOSE => {
                let asked = match client::Target::read(body)? {
                    client::Target::Portal(name) => Asked::ClosePortal(name.to_vec()),
                    client::Target::Statement(name) => Asked::CloseStatement(name.to_vec()),
                };
                self.asked(Request::Close, asked);
            }
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

    pub(super) fn parsed(&mut self, name: &[u8], text: String) {
        self.show_parsed();
        let statement = Statement::new(text);
        if self.statements.len() < MAX_NAMES || self.statements.contains_key(name) {
            self.statements.insert(name.to_vec(), Rc::clone(&statement));
        }
        self.unshown = Some(Rc::clone(&statement));
        self.asked(Request::Parse, Asked::Parse { name: name.to_vec(), meant: statement });
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
        let statement = self.statements.get(bind.statement).cloned().unwrap_or_else(Statement::unknown);
        let params = bind.values.iter().enumerate().map(param).collect();
        let portal = Portal::new(statement, params, bind.result_formats.iter().collect());
        self.bound(bind.portal, bind.statement, portal);
    }

    pub(super) fn bound(&mut self, name: &[u8], statement: &[u8], portal: Rc<Portal>) {
        if self.portals.len() < MAX_NAMES || self.portals.contains_key(name) {
            self.portals.insert(name.to_vec(), Rc::clone(&portal));
        }
        let (name, statement) = (name.to_vec(), statement.to_vec());
        self.asked(Request::Bind, Asked::Bind { name, statement, meant: portal });
    }

    fn execute(&mut self, name: &[u8]) {
        let portal = self.portals.get(name).cloned();
        let portal = portal.unwrap_or_else(|| Portal::new(Statement::unknown(), Vec::new(), Vec::new()));
        let mut text = portal.statement.text.clone();
        if !portal.params.is_empty() {
            let pairs =
                portal.params.iter().enumerate().map(|(index, value)| format!("${} = {value}", index + 1));
            text.push_str(&format!("\n  with {}", pairs.collect::<Vec<_>>().join(", ")));
        }
        self.unshown.take_if(|unshown| Rc::ptr_eq(unshown, &portal.statement));
        self.show_parsed();
        self.statement(text.clone());
        let name = name.to_vec();
        self.asked(Request::Execute, Asked::Execute { name, meant: portal, told: false, rows: None, text });
    }

    pub(super) fn show_parsed(&mut self) {
        if let Some(statement) = self.unshown.take() {
            self.happenings.push(Happening::Note(format!("prepares: {}", statement.text)));
        }
    }

    pub(super) fn statement(&mut self, text: String) {
        let mark = match self.status {
            TransactionStatus::Failed => "!",
            TransactionStatus::Idle => "",
            TransactionStatus::InTransaction => "*",
        };
        let prompt = format!("{}={mark}>", self.database);
        self.happenings.push(Happening::Statement { prompt, text });
    }

    pub(super) fn asked(&mut self, request: Request, asked: Asked) {
        if self.exchange.sent(request, asked).is_err() {
            self.note("too many requests wait for answers; some answers may be shown wrongly".to_owned());
        }
    }
}
