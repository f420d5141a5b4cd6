//! A client that speaks the protocol by hand, rightly or wrongly.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use chaperone_pgwire::client::write;
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version};
use chaperone_pgwire::{FrameLimits, Framer, Item, tag};
use chaperone_stack::{Chain, Login, Stack};

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
        let mut client = Self::connect(stack, chain);
        client.send(&startup(&login.user, &login.database));
        client.until(tag::server::AUTHENTICATION);
        let mut password = Vec::new();
        write::password(&mut password, login.password.as_bytes()).unwrap();
        client.send(&password);
        client.until(tag::server::READY_FOR_QUERY);
        client.shown.clear();
        client
    }

    /// Sends bytes, as far as the other end takes them.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
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
        let deadline = Instant::now() + Duration::from_secs(20);
        let from = self.shown.len();
        while !self.shown.iter().skip(from).any(|(tag, _)| *tag == letter) {
            assert!(Instant::now() < deadline, "`{}` did not come: {}", char::from(letter), self.words());
            assert!(self.read(), "closed before `{}`: {}", char::from(letter), self.words());
        }
    }

    /// Reads until the other end closes.
    pub fn until_closed(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(20);
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

/// A start-up packet.
fn startup(user: &str, database: &str) -> Vec<u8> {
    let params = vec![
        Param { name: b"user", value: user.as_bytes() },
        Param { name: b"database", value: database.as_bytes() },
    ];
    let mut out = Vec::new();
    StartupPacket::Startup(Startup { version: Version::V3_0, params }).write(&mut out).unwrap();
    out
}
