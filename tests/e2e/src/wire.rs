//! A client that speaks the protocol by hand, rightly or wrongly.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use chaperone_pgwire::{FrameLimits, Framer, Item, tag};
use chaperone_stack::{Chain, Login, Stack};

use crate::say;

/// How long anything may take that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    framer: Option<Framer>,
    /// Messages that have come: letter and body.
    pub shown: Vec<(u8, Vec<u8>)>,
}

impl Client {
    /// Connects and says nothing.
    #[must_use]
    pub fn connect(stack: &Stack, chain: Chain) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", stack.pg_port(chain))).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, framer: Some(Framer::server(FrameLimits::default())), shown: Vec::new() }
    }

    /// Connects and logs in.
    #[must_use]
    pub fn log_in(stack: &Stack, chain: Chain, login: &Login) -> Self {
        let mut client = Self::greet(stack, chain, login);
        client.send(&say::password(&login.password));
        client.until(tag::server::READY_FOR_QUERY);
        client.shown.clear();
        client
    }

    /// Connects as somebody whom the target asks no password.
    #[must_use]
    pub fn walk_in(stack: &Stack, chain: Chain, user: &str, database: &str) -> Self {
        let mut client = Self::connect(stack, chain);
        client.send(&say::startup(user, database));
        client.until(tag::server::READY_FOR_QUERY);
        client.shown.clear();
        client
    }

    /// Connects and goes as far as the question for the token.
    #[must_use]
    pub fn greet(stack: &Stack, chain: Chain, login: &Login) -> Self {
        let mut client = Self::connect(stack, chain);
        client.send(&say::startup(&login.user, &login.database));
        client.until(tag::server::AUTHENTICATION);
        client.shown.clear();
        client
    }

    /// Sends, waits for the server to be ready again or for the end, and gives what was shown.
    pub fn ask(&mut self, bytes: &[u8]) -> String {
        self.shown.clear();
        self.send(bytes);
        self.settle();
        self.words()
    }

    /// Says that nothing more will be sent, and listens on.
    pub fn send_no_more(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Reads until ReadyForQuery was the last word (true), or the other end closes (false).
    pub fn settle(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.shown.last().is_some_and(|(tag, _)| *tag == tag::server::READY_FOR_QUERY) {
                return true;
            }
            if !self.read() {
                return false;
            }
            assert!(Instant::now() < deadline, "neither ready nor closed: {}", self.words());
        }
    }

    /// Reads what comes within the time; false when the other end has closed.
    pub fn listen(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if !self.read() {
                return false;
            }
        }
        true
    }

    /// Whether a message with this letter was shown.
    #[must_use]
    pub fn was_shown(&self, letter: u8) -> bool {
        self.shown.iter().any(|(tag, _)| *tag == letter)
    }

    /// Sends bytes, as far as the other end takes them.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Sends as much as the other end takes within a moment; how many bytes those were.
    pub fn offer(&mut self, bytes: &[u8]) -> usize {
        let _ = self.stream.set_write_timeout(Some(Duration::from_millis(200)));
        self.stream.write(bytes).unwrap_or(0)
    }

    /// Reads once; false at the end of the stream.
    fn read(&mut self) -> bool {
        let mut buffer = vec![0; 64 << 10];
        let size = match self.stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(size) => size,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return true,
            Err(_) => return false,
        };
        let mut framer = self.framer.take().expect("not re-entered");
        for item in framer.split(buffer.get(..size).unwrap_or_default()) {
            match item {
                Ok(Item::Frame(frame)) => self.shown.push((frame.tag, frame.body().to_vec())),
                other => panic!("the client was shown {other:?}"),
            }
        }
        self.framer = Some(framer);
        true
    }

    /// Reads until a message with this letter has come.
    pub fn until(&mut self, letter: u8) {
        assert!(self.comes(letter), "closed before `{}`: {}", char::from(letter), self.words());
    }

    /// Reads until a message with this letter has come (true), or the other end closes (false).
    pub fn comes(&mut self, letter: u8) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut from = self.shown.len();
        loop {
            if !self.read() {
                return false;
            }
            if self.shown.iter().skip(from).any(|(tag, _)| *tag == letter) {
                return true;
            }
            from = self.shown.len();
            assert!(Instant::now() < deadline, "`{}` did not come: {}", char::from(letter), self.words());
        }
    }

    /// Reads until the other end closes.
    pub fn until_closed(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.read() {
            assert!(Instant::now() < deadline, "it stays open: {}", self.words());
        }
    }

    /// What came, as text.
    #[must_use]
    pub fn words(&self) -> String {
        let of = |(tag, body): &(u8, Vec<u8>)| {
            format!("{} {}", char::from(*tag), String::from_utf8_lossy(body).replace('\0', " "))
        };
        self.shown.iter().map(of).collect::<Vec<_>>().join("\n")
    }
}
