//! From records to happenings: reads the protocol messages and pairs the server's with the client's.

use std::collections::HashMap;

use chaperone_pgwire::exchange::{Answer, Exchange, Request};
use chaperone_pgwire::server::{self, Fields, TransactionStatus, field};
use chaperone_pgwire::{Format, Frame, FrameLimits, Framer, Item, ReadError, client, tag};
use chaperone_proto::{Body, Payload, Record};

use super::table::Grid;
use super::{Direction, Happening, Report};

/// Most prepared statements and portals that are remembered; a session cannot have more at the gateway.
const MAX_NAMES: usize = 20_000;

/// Reads a session from its beginning.
#[derive(Debug)]
pub(crate) struct Transcript {
    from_client: Framer,
    from_server: Framer,
    exchange: Exchange<Asked>,
    statements: HashMap<Vec<u8>, Statement>,
    portals: HashMap<Vec<u8>, Portal>,
    database: String,
    status: TransactionStatus,
    /// Parsed, and neither run nor answered yet: shown with its Execute, or alone when there is none.
    unshown: Option<Vec<u8>>,
    rows: Option<Grid>,
    copied: Option<(Direction, u64)>,
    happenings: Vec<Happening>,
}

/// What is remembered of a request until its answer comes.
#[derive(Debug)]
enum Asked {
    Execute { portal: Vec<u8>, rows: Option<Grid> },
    Nothing,
    Portal(Vec<u8>),
    Statement(Vec<u8>),
}

#[derive(Debug, Default)]
struct Statement {
    text: String,
    /// The body of its RowDescription, once described.
    columns: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Portal {
    statement: Vec<u8>,
    params: Vec<String>,
    formats: Vec<Format>,
    columns: Option<Vec<u8>>,
}

impl Transcript {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        // What was recorded has passed the gateway's limits; these only bound a damaged record.
        let limits = FrameLimits { startup_max: 1 << 20, copy_data_max: 1 << 30, message_max: 1 << 30 };
        Self {
            from_client: Framer::tagged(limits),
            from_server: Framer::server(limits),
            exchange: Exchange::new(Exchange::<Asked>::DEFAULT_MOST),
            statements: HashMap::new(),
            portals: HashMap::new(),
            database: String::new(),
            status: TransactionStatus::Idle,
            unshown: None,
            rows: None,
            copied: None,
            happenings: Vec::new(),
        }
    }

    /// Takes the next record; gives back what it shows.
    pub(crate) fn push(&mut self, record: &Record) -> Vec<Happening> {
        match &record.body {
            Some(Body::Client(payload)) => self.client(payload),
            Some(Body::Server(payload)) => self.server(payload),
            Some(Body::Authenticated(who)) => {
                self.database.clone_from(&who.database);
                self.happenings.push(Happening::Authenticated(who.clone()));
            }
            Some(Body::Opened(opened)) => self.happenings.push(Happening::Opened(opened.clone())),
            Some(Body::Verdict(verdict)) => {
                self.show_parsed();
                self.happenings.push(Happening::Verdict(verdict.clone()));
            }
            Some(Body::Approval(step)) => self.happenings.push(Happening::Approval(step.clone())),
            Some(Body::Gap(gap)) => {
                self.happenings.push(Happening::Gap(gap.missing, gap.why.clone()));
            }
            Some(Body::Closed(closed)) => {
                self.flush_rows();
                self.happenings.push(Happening::Closed(closed.by.clone()));
            }
            None => {}
        }
        std::mem::take(&mut self.happenings)
    }

    fn client(&mut self, payload: &Payload) {
        // A start-up packet begins with its length, whose first byte is 0, and not with a letter.
        let mut framer = std::mem::replace(&mut self.from_client, Framer::tagged(FrameLimits::default()));
        if payload.bytes.first() != Some(&0) {
            self.frames(&mut framer, payload, Self::client_message);
        }
        self.from_client = framer;
    }

    fn server(&mut self, payload: &Payload) {
        let mut framer = std::mem::replace(&mut self.from_server, Framer::tagged(FrameLimits::default()));
        self.frames(&mut framer, payload, Self::server_message);
        self.from_server = framer;
    }

    fn frames(
        &mut self,
        framer: &mut Framer,
        payload: &Payload,
        read: impl Fn(&mut Self, &Frame<'_>) -> Result<(), ReadError>,
    ) {
        for item in framer.split(&payload.bytes) {
            match item {
                Ok(Item::Frame(frame)) => {
                    if read(self, &frame).is_err() {
                        let letter = char::from(frame.tag).escape_default();
                        self.note(format!("a message `{letter}` that cannot be read"));
                    }
                }
                Ok(Item::SingleByte(_)) => {}
                Ok(Item::TooLarge { .. }) => self.note("a message that is too large to show".to_owned()),
                Err(error) => self.note(format!("what follows cannot be read: {error}")),
            }
        }
        if payload.omitted > 0 {
            self.note(format!("{} more bytes were not recorded", payload.omitted));
        }
    }

    fn note(&mut self, text: String) {
        self.happenings.push(Happening::Note(text));
    }

    // === what the client sends ===

    fn client_message(&mut self, frame: &Frame<'_>) -> Result<(), ReadError> {
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
                let shown = super::value::text(value, 0, format);
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
        self.statement(text);
        self.asked(Request::Execute, Asked::Execute { portal: name.to_vec(), rows: None });
    }

    fn show_parsed(&mut self) {
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

    // === what the server says ===

    fn server_message(&mut self, frame: &Frame<'_>) -> Result<(), ReadError> {
        let body = frame.body();
        match frame.tag {
            tag::server::ROW_DESCRIPTION => self.columns(body)?,
            tag::server::DATA_ROW => self.row(&server::DataRow::read(body)?),
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
                let _pair = self.exchange.received(frame.tag);
            }
            tag::server::COPY_DATA => self.copy(Direction::Out, body.len()),
            tag::server::COPY_DONE => self.flush_copy(),
            tag::server::NOTIFICATION_RESPONSE => {
                let notification = server::NotificationResponse::read(body)?;
                let (channel, payload) = (text(notification.channel), text(notification.payload));
                self.note(format!("notification on {channel}: {payload}"));
            }
            other => {
                let _pair = self.exchange.received(other);
            }
        }
        Ok(())
    }

    fn columns(&mut self, body: &[u8]) -> Result<(), ReadError> {
        let description = server::RowDescription::read(body)?;
        match self.exchange.received(tag::server::ROW_DESCRIPTION) {
            Answer::Last(waiting) => match waiting.payload {
                Asked::Portal(name) => {
                    if let Some(portal) = self.portals.get_mut(&name) {
                        portal.columns = Some(body.to_vec());
                    }
                }
                Asked::Statement(name) => {
                    if let Some(statement) = self.statements.get_mut(&name) {
                        statement.columns = Some(body.to_vec());
                    }
                }
                Asked::Execute { .. } | Asked::Nothing => {}
            },
            Answer::Aside | Answer::Part(_) | Answer::Ready { .. } | Answer::Unexpected => {
                self.rows = Some(Grid::new(&description, &[]));
            }
        }
        Ok(())
    }

    fn row(&mut self, row: &server::DataRow<'_>) {
        if let Answer::Part(waiting) = self.exchange.received(tag::server::DATA_ROW) {
            if let Asked::Execute { portal, rows } = &mut waiting.payload {
                let described = || described(self.portals.get(portal), &self.statements);
                rows.get_or_insert_with(|| described().unwrap_or_default()).push(row);
                return;
            }
        }
        self.rows.get_or_insert_with(Grid::default).push(row);
    }

    fn complete(&mut self, letter: u8, tag: String) {
        let asked = match self.exchange.received(letter) {
            Answer::Last(waiting) => waiting.payload,
            Answer::Aside | Answer::Part(_) | Answer::Ready { .. } | Answer::Unexpected => Asked::Nothing,
        };
        self.flush_copy();
        let rows = match asked {
            Asked::Execute { rows: Some(rows), .. } => Some(rows),
            Asked::Execute { portal, rows: None } => described(self.portals.get(&portal), &self.statements),
            Asked::Nothing | Asked::Portal(_) | Asked::Statement(_) => self.rows.take(),
        };
        let fetched = ["SELECT", "FETCH", "SHOW", "EXPLAIN", ""].iter().any(|verb| tag.starts_with(verb));
        let shows_rows = rows.is_some();
        self.happenings.extend(rows.map(Happening::Rows));
        if !tag.is_empty() && !(shows_rows && fetched && !tag.starts_with('(')) {
            self.happenings.push(Happening::Tag(tag));
        }
    }

    fn copy(&mut self, direction: Direction, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.copied.filter(|(known, _)| *known == direction).map_or(0, |(_, bytes)| bytes);
        self.copied = Some((direction, before.saturating_add(bytes)));
    }

    fn flush_copy(&mut self) {
        if let Some((direction, bytes)) = self.copied.take() {
            self.happenings.push(Happening::Copied(direction, bytes));
        }
    }

    fn flush_rows(&mut self) {
        self.show_parsed();
        self.flush_copy();
        let rows = self.rows.take();
        self.happenings.extend(rows.map(Happening::Rows));
    }
}

/// The columns of a portal that was described, or whose statement was.
fn described(portal: Option<&Portal>, statements: &HashMap<Vec<u8>, Statement>) -> Option<Grid> {
    let portal = portal?;
    let columns = portal.columns.as_ref();
    let columns = columns.or_else(|| statements.get(&portal.statement)?.columns.as_ref())?;
    let description = server::RowDescription::read(columns).ok()?;
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

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
