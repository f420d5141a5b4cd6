//! A PostgreSQL server as far as these tests need one. Its SCRAM is written here again, from RFC 5802.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chaperone_pgwire::client::{Password, SaslInitialResponse, SaslResponse};
use chaperone_pgwire::server::{ErrorFields, Severity, TransactionStatus, write};
use chaperone_pgwire::startup::StartupPacket;
use chaperone_pgwire::{Frame, FrameLimits, Framer, Item, tag};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::world::{ACCOUNT, PASSWORD};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Method {
    Md5,
    Password,
    Scram,
    /// SCRAM by somebody who does not know the password, and takes anything.
    ScramImpostor,
    Trust,
}

/// Where it stands.
#[derive(Debug)]
enum Stage {
    Startup,
    Secret,
    /// What was said in SCRAM: the client's bare first message, and ours.
    ScramFinal(String, String),
    Commands,
    Gone,
}

#[derive(Debug)]
pub(crate) struct Target {
    method: Method,
    password: String,
    stage: Stage,
    status: TransactionStatus,
    framer: Framer,
    /// With which it refuses instead: when, SQLSTATE and message.
    pub(crate) refuses: Option<(When, &'static str, String)>,
    /// The newest minor version that it speaks.
    pub(crate) minor: u16,
    /// The parameters of the StartupMessage.
    pub(crate) params: Vec<(String, String)>,
    /// The tags of what it got.
    pub(crate) got: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum When {
    AtOnce,
    AfterOk,
}

const SALT: &[u8] = b"0123456789abcdef";
const ITERATIONS: u32 = 4_096;
const MD5_SALT: [u8; 4] = [1, 2, 3, 4];

impl Target {
    pub(crate) fn new(method: Method) -> Self {
        Self {
            method,
            password: PASSWORD.to_owned(),
            stage: Stage::Startup,
            status: TransactionStatus::Idle,
            framer: Framer::client(FrameLimits::default()),
            refuses: None,
            minor: 2,
            params: Vec::new(),
            got: Vec::new(),
        }
    }

    pub(crate) fn with_password(method: Method, password: &str) -> Self {
        Self { password: password.to_owned(), ..Self::new(method) }
    }

    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.stage, Stage::Gone)
    }

    /// Takes what came and says what follows.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut framer = std::mem::replace(&mut self.framer, Framer::tagged(FrameLimits::default()));
        let mut frames = framer.split(bytes);
        while let Some(item) = frames.next() {
            let Ok(Item::Frame(frame)) = item else { panic!("{item:?}") };
            if chaperone_pgwire::startup::begins_session(&frame) {
                frames.enter_tagged();
            }
            if !self.is_gone() {
                self.got.push(frame.tag);
                self.message(&frame, &mut out);
            }
        }
        drop(frames);
        self.framer = framer;
        out
    }

    fn message(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        match std::mem::replace(&mut self.stage, Stage::Gone) {
            Stage::Startup => self.startup(frame, out),
            Stage::Secret if frame.tag == tag::client::PASSWORD => self.secret(frame, out),
            Stage::ScramFinal(first, own) if frame.tag == tag::client::PASSWORD => {
                let data = std::str::from_utf8(SaslResponse::read(frame.body()).data).unwrap().to_owned();
                self.scram_final(&first, &own, &data, out);
            }
            Stage::Secret | Stage::ScramFinal(..) => {
                self.fail(out, "08P01", "expected password response, got message type 88");
            }
            Stage::Commands => self.command(frame, out),
            Stage::Gone => unreachable!(),
        }
    }

    fn fail(&mut self, out: &mut Vec<u8>, code: &str, message: &str) {
        let error = ErrorFields { severity: Severity::Fatal, code, message, detail: None, hint: None };
        error.write_error(out);
        self.stage = Stage::Gone;
    }

    fn startup(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let startup = match StartupPacket::read(frame.body()) {
            Ok(StartupPacket::Startup(startup)) => startup,
            Ok(StartupPacket::SslRequest | StartupPacket::GssEncRequest) => {
                out.push(b'N');
                self.stage = Stage::Startup;
                return;
            }
            Ok(StartupPacket::Cancel(_)) => return,
            Err(_) => {
                return self.fail(
                    out,
                    "0A000",
                    "unsupported frontend protocol 4.0: server supports 3.0 to 3.2",
                );
            }
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        self.params = startup.params.iter().map(|param| (text(param.name), text(param.value))).collect();
        if startup.version.minor > self.minor {
            out.extend([b'v', 0, 0, 0, 12, 0, 3, 0, self.minor.to_be_bytes()[1], 0, 0, 0, 0]);
        }
        if let Some((When::AtOnce, code, message)) = self.refuses.clone() {
            return self.fail(out, code, &message);
        }
        assert_eq!(startup.user(), Some(ACCOUNT.as_bytes()));
        match self.method {
            Method::Md5 => write::authentication_md5_password(out, MD5_SALT),
            Method::Password => write::authentication_cleartext_password(out),
            Method::Scram | Method::ScramImpostor => {
                let names = [&b"SCRAM-SHA-256-PLUS"[..], b"SCRAM-SHA-256"];
                write::authentication_sasl(out, names).unwrap();
            }
            Method::Trust => return self.let_in(out),
        }
        self.stage = Stage::Secret;
    }

    fn secret(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let expected = match self.method {
            Method::Md5 => chaperone_scram::md5_password(ACCOUNT, &self.password, MD5_SALT),
            Method::Password => self.password.clone(),
            Method::Scram | Method::ScramImpostor => return self.scram_first(frame, out),
            Method::Trust => unreachable!(),
        };
        let said = Password::read(frame.body()).map(|message| message.text.to_vec()).unwrap_or_default();
        if said == expected.as_bytes() { self.let_in(out) } else { self.refuse_password(out) }
    }

    fn refuse_password(&mut self, out: &mut Vec<u8>) {
        let message = format!("password authentication failed for user \"{ACCOUNT}\"");
        self.fail(out, "28P01", &message);
    }

    fn scram_first(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        let initial = SaslInitialResponse::read(frame.body()).unwrap();
        assert_eq!(initial.mechanism, b"SCRAM-SHA-256");
        let first = std::str::from_utf8(initial.response.unwrap()).unwrap();
        let bare = first.strip_prefix("n,,").unwrap().to_owned();
        let nonce = bare.split_once(",r=").unwrap().1;
        let own = format!("r={nonce}server-part,s={},i={ITERATIONS}", STANDARD.encode(SALT));
        write::authentication_sasl_continue(out, own.as_bytes()).unwrap();
        self.stage = Stage::ScramFinal(bare, own);
    }

    fn scram_final(&mut self, bare: &str, own: &str, data: &str, out: &mut Vec<u8>) {
        let (without_proof, proof) = data.rsplit_once(",p=").unwrap();
        let nonce = own.split_once(',').unwrap().0;
        assert_eq!(without_proof, format!("c=biws,{nonce}"));
        let text = format!("{bare},{own},{without_proof}");
        let salted = salted(self.password.as_bytes());
        let client_key = sign(&salted, b"Client Key");
        let stored_key: [u8; 32] = Sha256::digest(client_key).into();
        let mut expected = sign(&stored_key, text.as_bytes());
        for (byte, other) in expected.iter_mut().zip(client_key) {
            *byte ^= other;
        }
        let is_right = STANDARD.decode(proof).unwrap() == expected;
        if !is_right && self.method != Method::ScramImpostor {
            return self.refuse_password(out);
        }
        let signature = sign(&sign(&salted, b"Server Key"), text.as_bytes());
        write::authentication_sasl_final(out, format!("v={}", STANDARD.encode(signature)).as_bytes())
            .unwrap();
        self.let_in(out);
    }

    fn let_in(&mut self, out: &mut Vec<u8>) {
        write::authentication_ok(out);
        if let Some((When::AfterOk, code, message)) = self.refuses.clone() {
            return self.fail(out, code, &message);
        }
        write::parameter_status(out, b"client_encoding", b"UTF8").unwrap();
        write::backend_key_data(out, 4711, &[9; 4]).unwrap();
        write::ready_for_query(out, TransactionStatus::Idle);
        self.stage = Stage::Commands;
    }

    fn command(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) {
        self.stage = Stage::Commands;
        match frame.tag {
            tag::client::QUERY => {
                let text = frame.body();
                if text.ends_with(b"to stdout\0") {
                    out.extend([b'H', 0, 0, 0, 7, 0, 0, 0]);
                    return;
                }
                if text.starts_with(b"begin") {
                    self.status = TransactionStatus::InTransaction;
                }
                if text.starts_with(b"copy") {
                    out.extend([b'G', 0, 0, 0, 7, 0, 0, 0]);
                    return;
                }
                write::command_complete(out, b"SELECT 0").unwrap();
                write::ready_for_query(out, self.status);
            }
            tag::client::COPY_DONE => {
                write::command_complete(out, b"COPY 1").unwrap();
                write::ready_for_query(out, self.status);
            }
            tag::client::COPY_DATA | tag::client::FLUSH => {}
            tag::client::COPY_FAIL => {
                let severity = Severity::Error;
                let message = "COPY from stdin failed";
                let error = ErrorFields { severity, code: "57014", message, detail: None, hint: None };
                error.write_error(out);
                write::ready_for_query(out, self.status);
            }
            tag::client::PARSE => write::empty(out, tag::server::PARSE_COMPLETE),
            tag::client::BIND => write::empty(out, tag::server::BIND_COMPLETE),
            tag::client::CLOSE => write::empty(out, tag::server::CLOSE_COMPLETE),
            tag::client::DESCRIBE => write::empty(out, tag::server::NO_DATA),
            tag::client::EXECUTE => write::command_complete(out, b"SELECT 0").unwrap(),
            tag::client::SYNC => write::ready_for_query(out, self.status),
            tag::client::TERMINATE => self.stage = Stage::Gone,
            other => {
                let message = format!("invalid frontend message type {other}");
                self.fail(out, "08P01", &message);
            }
        }
    }
}

fn sign(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

fn salted(password: &[u8]) -> [u8; 32] {
    static USUAL: OnceLock<[u8; 32]> = OnceLock::new();
    if password == PASSWORD.as_bytes() {
        return *USUAL.get_or_init(|| derive(password));
    }
    derive(password)
}

fn derive(password: &[u8]) -> [u8; 32] {
    let mut round = sign(password, &[SALT, &[0, 0, 0, 1]].concat());
    let mut key = round;
    for _ in 1..ITERATIONS {
        round = sign(password, &round);
        for (byte, other) in key.iter_mut().zip(round) {
            *byte ^= other;
        }
    }
    key
}
