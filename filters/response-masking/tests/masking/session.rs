//! One session: a stand-in for sql-guard, response-masking, and the test at both ends.

use std::collections::HashMap;
use std::rc::Rc;

use chaperone_flow::{
    Buffer, Command, Cx, Effect, Env, Flow, Limits, Line, Live, Note, Now, Random, Session as Shared, Step,
    Time,
};
use chaperone_model::{Decision, Digest, Identity, Reason, UnixSeconds, Verdict};
use chaperone_pgwire::client::{Bind, Execute, Parse, Query, write as ask};
use chaperone_pgwire::server::{Column, DataRow, Fields, TransactionStatus, write};
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version};
use chaperone_pgwire::{Format, Frame, FrameLimits, Framer, Item, tag};
use chaperone_response_masking::{ResponseMasking, Shared as MaskingShared};
use chaperone_settings::{Environment, Settings};

/// The table of most tests: OID 16400 with id, name, card and email as columns 1 to 4.
pub(crate) const CUSTOMERS: u32 = 16_400;
/// A view of it.
pub(crate) const VIEW: u32 = 16_410;
/// The highest OID that the catalogue tells.
pub(crate) const NEWEST: u32 = 16_500;
pub(crate) const TEXT: u32 = 25;
pub(crate) const INT4: u32 = 23;
/// What must never be shown.
pub(crate) const SECRET: &str = "4111111111111234";

pub(crate) const CARDS: &str = "
masking:
  - id: cards
    columns: [public.customers.card]
    except_groups: [owners]
    transform: { kind: partial, keep_last: 4 }
";
pub(crate) const FINDS: &str = "
masking:
  - id: finds
    detectors: [card, email]
    except_groups: [owners]
    transform: { kind: redact }
";

/// Stands for sql-guard: allows everything, with the facts. A text with `unjudged` has no verdict, and a command whose text
/// has `put together` was made for its one message.
#[derive(Debug, Default)]
struct Guard {
    statements: HashMap<Vec<u8>, Rc<Command>>,
    portals: HashMap<Vec<u8>, Rc<Command>>,
}

fn note(command: &Rc<Command>) -> Option<Note> {
    let verdict = Verdict {
        decision: Decision::Allow,
        reason: Reason::Allowed,
        rule: None,
        message: String::new(),
        hint: String::new(),
        hold: None,
        shadow: None,
    };
    (!command.text().contains("unjudged")).then(|| Note {
        verdict: Rc::new(verdict),
        command: Rc::clone(command),
        policy: Digest([1; 32]),
        facts_wanted: true,
    })
}

fn command(text: &[u8]) -> Rc<Command> {
    let facts = Rc::new(chaperone_sql::read(text, &chaperone_sql::Limits::default()));
    let command = Command::new(text, facts);
    Rc::new(if command.text().contains("put together") { command.made_for_one() } else { command })
}

impl Flow for Guard {
    fn client(&mut self, _cx: &mut Cx<'_>, frame: Frame<'_>, into: &mut Option<Note>) -> Step {
        *into = match frame.tag {
            tag::client::QUERY => note(&command(Query::read(frame.body()).unwrap().text)),
            tag::client::PARSE => {
                let parse = Parse::read(frame.body()).unwrap();
                let command = command(parse.text);
                self.statements.insert(parse.name.to_vec(), Rc::clone(&command));
                note(&command)
            }
            tag::client::BIND => {
                let bind = Bind::read(frame.body()).unwrap();
                let command = self.statements.get(bind.statement).cloned();
                command.and_then(|command| {
                    self.portals.insert(bind.portal.to_vec(), Rc::clone(&command));
                    note(&command)
                })
            }
            tag::client::EXECUTE => {
                self.portals.get(Execute::read(frame.body()).unwrap().portal).and_then(note)
            }
            _ => None,
        };
        Step::Pass
    }

    fn server(&mut self, _cx: &mut Cx<'_>, _frame: Frame<'_>) -> Step {
        Step::Pass
    }
}

#[derive(Debug)]
struct Nothing;

impl Environment for Nothing {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

#[derive(Debug)]
pub(crate) struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

pub(crate) fn settings(masking: &str) -> Settings {
    settings_telling("", masking)
}

/// With more of `upstream` behind a comma.
pub(crate) fn settings_telling(more: &str, masking: &str) -> Settings {
    let policy = format!(
        "version: 1
name: shop
resources:
  - name: shop
    protocol: postgres
    databases: [shop]
    roles:
      - name: analyst
        groups: [analysts, owners]
        upstream: {{ user: shop, auth: trust{more} }}
rules: []
{masking}"
    );
    let policy = policy.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let text = format!("resource: shop\nsidecar: {{ cluster: side }}\npolicy:\n{policy}");
    Settings::read(text.as_bytes(), Rc::new(Nothing)).unwrap()
}

/// A session behind its start-up.
pub(crate) struct Session {
    pub(crate) line: Line,
    pub(crate) settings: Live<Settings>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) millis: u64,
    /// How many bytes go in one read; 0 for all at once.
    pub(crate) chunk: usize,
    /// Whether every buffer of the server passed as it came.
    pub(crate) kept: bool,
}

impl Session {
    /// A member of `analysts`.
    pub(crate) fn new(masking: &str) -> Self {
        Self::of(masking, "analysts")
    }

    pub(crate) fn of(masking: &str, group: &str) -> Self {
        let mut session = Self::unknown(masking);
        session.line.set_session(known(group));
        session
    }

    /// A member of `analysts`, in the VM of the sessions that have `shared`.
    pub(crate) fn beside(masking: &str, shared: &MaskingShared) -> Self {
        let mut session = Self::in_vm(masking, shared.clone());
        session.line.set_session(known("analysts"));
        session
    }

    /// Nobody is known.
    pub(crate) fn unknown(masking: &str) -> Self {
        Self::in_vm(masking, MaskingShared::new([7; 32]))
    }

    fn in_vm(masking: &str, shared: MaskingShared) -> Self {
        let settings = Live::new(settings(masking));
        let masking = ResponseMasking::new(settings.clone(), shared);
        let line = Line::new(vec![Box::new(Guard::default()), Box::new(masking)], Limits::default(), false);
        let mut session =
            Self { line, settings, effects: Vec::new(), millis: 1_000_000, chunk: 0, kept: true };
        let params = vec![Param { name: b"user", value: b"analyst" }];
        let mut startup = Vec::new();
        StartupPacket::Startup(Startup { version: Version::V3_0, params }).write(&mut startup).unwrap();
        session.client(&startup);
        let mut answer = Vec::new();
        write::authentication_ok(&mut answer);
        answer.extend(ready(TransactionStatus::Idle));
        assert_eq!(session.server(&answer), answer);
        session
    }

    /// A session whose first question to the catalogue was answered with the columns of most tests.
    pub(crate) fn learnt(masking: &str) -> Self {
        let mut session = Self::new(masking);
        let sent = session.client(&query("select 1"));
        assert_eq!(letters(&sent), "Q Q");
        assert_eq!(session.server(&catalogue(&usual())), b"");
        let answer =
            [description(&[column("?column?", 0, 0, INT4)]), row(&[Some(b"1")]), done(), idle()].concat();
        assert_eq!(session.server(&answer), answer);
        session
    }

    /// The client sends; what reaches the server.
    pub(crate) fn client(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut sent = Vec::new();
        for piece in chunks(bytes, self.chunk) {
            let mut random = Zeros;
            let time = Time::at(now(self.millis));
            let mut env = Env { time: &time, random: &mut random };
            let outcome = self.line.client_data(&mut env, piece, None);
            match outcome.buffer {
                Buffer::Keep => sent.extend_from_slice(piece),
                Buffer::Replace(bytes) => sent.extend_from_slice(&bytes),
            }
            self.effects.extend(outcome.effects);
        }
        sent
    }

    /// The server sends; what the client is shown.
    pub(crate) fn server(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::new();
        for piece in chunks(bytes, self.chunk) {
            let mut random = Zeros;
            let time = Time::at(now(self.millis));
            let mut env = Env { time: &time, random: &mut random };
            let outcome = self.line.server_data(&mut env, piece);
            match outcome.buffer {
                Buffer::Keep => shown.extend_from_slice(piece),
                Buffer::Replace(bytes) => {
                    self.kept = false;
                    shown.extend_from_slice(&bytes);
                }
            }
            assert_eq!(outcome.late, b"", "the write path never sends");
            self.effects.extend(outcome.effects);
        }
        shown
    }

    /// Runs a query in one go.
    pub(crate) fn run(&mut self, sql: &str, answer: &[u8]) -> Vec<u8> {
        let sent = self.client(&query(sql));
        assert_eq!(letters(&sent), "Q", "{sql}");
        self.server(answer)
    }

    /// The SQLSTATE-and-code that refuses a query whose result has these columns and one row of secrets; or what
    /// the row shows.
    pub(crate) fn result(&mut self, sql: &str, columns: &[Column<'_>]) -> String {
        let values: Vec<_> = columns.iter().map(|_| Some(SECRET.as_bytes())).collect();
        let shown = self.run(sql, &[description(columns), row(&values), done(), idle()].concat());
        match letters(&shown).as_str() {
            "T D C Z" => rows(&shown).concat().join("|"),
            "E Z" => reason(&shown),
            other => panic!("{other}"),
        }
    }
}

pub(crate) fn known(group: &str) -> Shared {
    Shared {
        identity: Some(Rc::new(Identity {
            subject: "agent".to_owned(),
            groups: vec![group.to_owned()],
            issuer: "http://idp".to_owned(),
            token_id: "t".to_owned(),
            expires_at: UnixSeconds(u64::MAX),
        })),
        role: "analyst".to_owned(),
        database: "shop".to_owned(),
        ..Shared::default()
    }
}

pub(crate) fn now(millis: u64) -> Now {
    Now { unix_nanos: millis * 1_000_000 }
}

fn chunks(bytes: &[u8], size: usize) -> std::slice::Chunks<'_, u8> {
    bytes.chunks(if size == 0 { bytes.len().max(1) } else { size })
}

pub(crate) fn query(sql: &str) -> Vec<u8> {
    let mut out = Vec::new();
    ask::query(&mut out, sql.as_bytes()).unwrap();
    out
}

pub(crate) fn column(name: &str, table_oid: u32, attnum: i16, type_oid: u32) -> Column<'_> {
    Column {
        name: name.as_bytes(),
        table_oid,
        attnum,
        type_oid,
        type_len: -1,
        typmod: -1,
        format: Format::Text,
    }
}

/// A column for which the server names no table.
pub(crate) fn computed(name: &str) -> Column<'_> {
    column(name, 0, 0, TEXT)
}

pub(crate) fn card() -> Column<'static> {
    column("card", CUSTOMERS, 3, TEXT)
}

pub(crate) fn description(columns: &[Column<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    write::row_description(&mut out, columns.iter().copied()).unwrap();
    out
}

pub(crate) fn row(values: &[Option<&[u8]>]) -> Vec<u8> {
    let mut out = Vec::new();
    write::data_row(&mut out, values.iter().copied()).unwrap();
    out
}

pub(crate) fn done() -> Vec<u8> {
    let mut out = Vec::new();
    write::command_complete(&mut out, b"SELECT 1").unwrap();
    out
}

pub(crate) fn ready(status: TransactionStatus) -> Vec<u8> {
    let mut out = Vec::new();
    write::ready_for_query(&mut out, status);
    out
}

pub(crate) fn idle() -> Vec<u8> {
    ready(TransactionStatus::Idle)
}

pub(crate) fn empty(tag: u8) -> Vec<u8> {
    let mut out = Vec::new();
    write::empty(&mut out, tag);
    out
}

pub(crate) fn error(fields: &[(u8, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    write::error_response(&mut out, fields.iter().map(|(letter, text)| (*letter, text.as_bytes()))).unwrap();
    out
}

/// A row of the catalogue's answer: OID, number, mask, schema, table, column (with `~` where it is only made of the
/// masked one), count of columns.
pub(crate) type Learnt = (u32, i16, usize, &'static str, &'static str, &'static str, i16);

pub(crate) fn usual() -> Vec<Learnt> {
    vec![
        (CUSTOMERS, 3, 0, "public", "customers", "card", 4),
        (VIEW, 2, 0, "public", "contacts", "c", 2),
        (NEWEST, 0, 0, "", "", "", 0),
    ]
}

pub(crate) fn catalogue(learnt: &[Learnt]) -> Vec<u8> {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut out = description(&[computed("rel")]);
    for (oid, number, mask, schema, table, column, count) in learnt {
        let (exact, column) = column.strip_prefix('~').map_or(("t", *column), |column| ("f", column));
        let values = [
            oid.to_string(),
            number.to_string(),
            mask.to_string(),
            hex(schema),
            hex(table),
            hex(column),
            count.to_string(),
            exact.to_string(),
        ];
        let values: Vec<_> = values.iter().map(|value| Some(value.as_bytes())).collect();
        out.extend(row(&values));
    }
    out.extend(done());
    out.extend(idle());
    out
}

fn frames(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut framer = Framer::tagged(FrameLimits::default());
    let frames = framer
        .split(bytes)
        .map(|item| match item {
            Ok(Item::Frame(frame)) => (frame.tag, frame.body().to_vec()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(framer.pending_bytes(), 0, "half a message");
    frames
}

pub(crate) fn letters(bytes: &[u8]) -> String {
    let letters: Vec<_> = frames(bytes).iter().map(|(tag, _)| char::from(*tag).to_string()).collect();
    letters.join(" ")
}

pub(crate) fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let rows = frames(bytes).into_iter().filter(|(tag, _)| *tag == tag::server::DATA_ROW);
    rows.map(|(_, body)| {
        let row = DataRow::read(&body).unwrap();
        let shown =
            |value: Option<&[u8]>| value.map_or("NULL".to_owned(), |v| String::from_utf8_lossy(v).into());
        row.values().map(shown).collect()
    })
    .collect()
}

/// A field of the only error or notice.
pub(crate) fn field(bytes: &[u8], letter: u8) -> Option<String> {
    let frames = frames(bytes);
    let found: Vec<_> = frames.iter().filter(|(tag, _)| matches!(tag, b'E' | b'N')).collect();
    let [(_, body)] = found.as_slice() else { panic!("{} errors and notices", found.len()) };
    Fields::read(body).unwrap().find(letter).map(|text| String::from_utf8_lossy(text).into_owned())
}

/// The reason code of the only error.
pub(crate) fn reason(bytes: &[u8]) -> String {
    let detail = field(bytes, b'D').unwrap();
    detail.strip_prefix("Reason ").unwrap().split(':').next().unwrap().to_owned()
}
