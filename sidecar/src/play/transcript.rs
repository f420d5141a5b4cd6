//! From records to happenings: reads the protocol messages and pairs the server's with the client's.

mod client;
mod cut;
mod names;
mod server;
mod sql;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use chaperone_pgwire::exchange::Exchange;
use chaperone_pgwire::server::TransactionStatus;
use chaperone_pgwire::{Format, Frame, FrameLimits, Framer, Item, ReadError};
use chaperone_proto::{Body, Payload, Record};

use super::table::Grid;
use super::{Direction, Happening};

/// Most prepared statements and portals that are remembered; a session cannot have more at the gateway.
const MAX_NAMES: usize = 20_000;

/// What was recorded has passed the gateway's limits; these only bound a damaged record.
const LIMITS: FrameLimits =
    FrameLimits { startup_max: 1 << 20, copy_data_max: 1 << 30, message_max: 1 << 30 };

/// Reads a session from its beginning.
#[derive(Debug)]
pub(crate) struct Transcript {
    from_client: Framer,
    from_server: Framer,
    exchange: Exchange<Asked>,
    /// What the client means by its names …
    statements: HashMap<Vec<u8>, Rc<Statement>>,
    portals: HashMap<Vec<u8>, Rc<Portal>>,
    /// … and what the server has taken: a name that is taken keeps its meaning, whatever is sent.
    taken_statements: HashMap<Vec<u8>, Rc<Statement>>,
    taken_portals: HashMap<Vec<u8>, Rc<Portal>>,
    database: String,
    status: TransactionStatus,
    /// Parsed, and neither run nor answered yet: shown with its Execute, or alone when there is none.
    unshown: Option<Rc<Statement>>,
    rows: Option<Grid>,
    copied: Option<(Direction, u64)>,
    happenings: Vec<Happening>,
}

/// What is remembered of a request until its answer comes. The name may stand for something else by then.
#[derive(Debug)]
enum Asked {
    /// Of this name, which statement it means, and the portal as the client means it.
    Bind {
        name: Vec<u8>,
        statement: Vec<u8>,
        meant: Rc<Portal>,
    },
    CloseStatement(Vec<u8>),
    ClosePortal(Vec<u8>),
    Execute {
        name: Vec<u8>,
        meant: Rc<Portal>,
        told: bool,
        rows: Option<Grid>,
        text: String,
    },
    Nothing,
    Parse {
        name: Vec<u8>,
        meant: Rc<Statement>,
    },
    Portal(Rc<Portal>),
    /// Its text.
    Query(String),
    Statement(Rc<Statement>),
}

#[derive(Debug)]
struct Statement {
    text: String,
    /// The body of its RowDescription, once described.
    columns: RefCell<Option<Vec<u8>>>,
}

impl Statement {
    fn new(text: String) -> Rc<Self> {
        Rc::new(Self { text, columns: RefCell::default() })
    }

    /// One that the recording does not have.
    fn unknown() -> Rc<Self> {
        Self::new("(a statement of unknown text)".to_owned())
    }
}

#[derive(Debug)]
struct Portal {
    statement: Rc<Statement>,
    params: Vec<String>,
    formats: Vec<Format>,
    columns: RefCell<Option<Vec<u8>>>,
}

impl Portal {
    fn new(statement: Rc<Statement>, params: Vec<String>, formats: Vec<Format>) -> Rc<Self> {
        Rc::new(Self { statement, params, formats, columns: RefCell::default() })
    }
}

impl Transcript {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            from_client: Framer::tagged(LIMITS),
            from_server: Framer::server(LIMITS),
            exchange: Exchange::new(Exchange::<Asked>::DEFAULT_MOST),
            statements: HashMap::new(),
            portals: HashMap::new(),
            taken_statements: HashMap::new(),
            taken_portals: HashMap::new(),
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
            self.frames(&mut framer, payload, Self::client_message, Self::cut_client_message);
        }
        self.from_client = framer;
    }

    fn server(&mut self, payload: &Payload) {
        let mut framer = std::mem::replace(&mut self.from_server, Framer::tagged(FrameLimits::default()));
        self.frames(&mut framer, payload, Self::server_message, Self::cut_server_message);
        self.from_server = framer;
    }

    fn frames(
        &mut self,
        framer: &mut Framer,
        payload: &Payload,
        read: impl Fn(&mut Self, &Frame<'_>) -> Result<(), ReadError>,
        read_cut: impl Fn(&mut Self, u8, &[u8]),
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
            // The record ends in the middle of a message; the next one begins with another.
            *framer = Framer::tagged(LIMITS);
            if let Some((tag, part)) = cut::last(&payload.bytes) {
                read_cut(self, tag, part);
            }
            self.note(format!("{} more bytes were not recorded", payload.omitted));
        }
    }

    fn note(&mut self, text: String) {
        self.happenings.push(Happening::Note(text));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
