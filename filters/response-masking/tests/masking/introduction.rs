//! What the target is told of the caller, and that no session begins without it.

use std::rc::Rc;

use chaperone_flow::{Buffer, Effect, Env, Limits, Line, Live, Session as Known, Time};
use chaperone_model::SessionId;
use chaperone_pgwire::server::write;
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version};
use chaperone_response_masking::{ResponseMasking, Shared};

use crate::session::*;

const ALL: &str = ", session: { role: readers, application_name: subject, \
                   settings: { App.Subject: subject, app.groups: groups, app.session: session_id } }";

/// A line with nothing but masking, and what comes out at its ends.
struct Wire {
    line: Line,
    to_target: Vec<u8>,
    to_client: Vec<u8>,
    closed: bool,
}

impl Wire {
    fn new(more: &str) -> Self {
        let settings = Live::new(settings_telling(more, ""));
        let masking = ResponseMasking::new(settings, Shared::new([7; 32]));
        let line = Line::new(vec![Box::new(masking)], Limits::default(), false);
        Self { line, to_target: Vec::new(), to_client: Vec::new(), closed: false }
    }

    fn client(&mut self, bytes: &[u8]) {
        let mut random = Zeros;
        let time = Time::at(now(1_000));
        let outcome = self.line.client_data(&mut Env { time: &time, random: &mut random }, bytes, None);
        match outcome.buffer {
            Buffer::Keep => self.to_target.extend_from_slice(bytes),
            Buffer::Replace(bytes) => self.to_target.extend(bytes),
        }
        self.closed |= outcome.effects.contains(&Effect::Close);
    }

    fn server(&mut self, bytes: &[u8]) {
        let mut random = Zeros;
        let time = Time::at(now(1_000));
        let outcome = self.line.server_data(&mut Env { time: &time, random: &mut random }, bytes);
        match outcome.buffer {
            Buffer::Keep => self.to_client.extend_from_slice(bytes),
            Buffer::Replace(bytes) => self.to_client.extend(bytes),
        }
        self.to_target.extend(outcome.late);
        self.closed |= outcome.effects.contains(&Effect::Close);
    }

    fn start(&mut self) {
        let params = vec![Param { name: b"user", value: b"analyst" }];
        let mut startup = Vec::new();
        StartupPacket::Startup(Startup { version: Version::V3_0, params }).write(&mut startup).unwrap();
        self.client(&startup);
        self.to_target.clear();
    }

    /// The target lets somebody in and is ready.
    fn let_in(&mut self) {
        let mut answer = Vec::new();
        write::authentication_ok(&mut answer);
        answer.extend(idle());
        self.server(&answer);
    }
}

fn caller(subject: &str, groups: &[&str]) -> Known {
    let mut known = known("analysts");
    let mut identity = chaperone_model::Identity::clone(known.identity.as_ref().unwrap());
    identity.subject = subject.to_owned();
    identity.groups = groups.iter().map(|&group| group.to_owned()).collect();
    known.identity = Some(Rc::new(identity));
    known.id = Some(SessionId("s-1".to_owned()));
    known
}

fn told() -> Vec<u8> {
    [description(&[computed("set_config")]), row(&[Some(b"x")]), done(), idle()].concat()
}

#[test]
fn the_target_is_told_before_the_client_hears_that_it_is_ready() {
    let mut wire = Wire::new(ALL);
    wire.start();
    wire.line.set_session(caller("o'brien\\", &["a", "b\"c"]));
    wire.let_in();
    let set = |name, value| format!("pg_catalog.set_config(E'{name}', E'{value}', false)");
    let values = [
        set("application_name", "o''brien\\\\"),
        set("app.subject", "o''brien\\\\"),
        set("app.groups", r#"["a","b\\"c"]"#),
        set("app.session", "s-1"),
    ];
    assert_eq!(
        String::from_utf8_lossy(&wire.to_target),
        String::from_utf8_lossy(&query(&format!("SELECT {}", values.join(", "))))
    );
    assert_eq!(letters(&wire.to_client), "R", "not ready yet");
    wire.server(&told());
    assert_eq!(letters(&wire.to_client), "R Z", "and nothing of the answer");
    wire.to_target.clear();
    wire.client(&query("select 1"));
    assert_eq!(letters(&wire.to_target), "Q", "told once");
    wire.server(&[done(), idle()].concat());
    assert_eq!(letters(&wire.to_client), "R Z C Z");
}

/// It was ready before anybody knew who is calling: what makes it speak once more is not the client's.
#[test]
fn a_target_that_asks_nothing_is_told_in_front_of_the_first_message() {
    let mut wire = Wire::new(ALL);
    wire.start();
    wire.let_in();
    assert_eq!((letters(&wire.to_client).as_str(), wire.to_target.len()), ("R Z", 0));
    wire.line.set_session(caller("agent", &[]));
    wire.client(&[b'S', 0, 0, 0, 4]);
    assert_eq!(letters(&wire.to_target), "Q S");
    wire.server(&[told(), idle()].concat());
    assert_eq!(letters(&wire.to_client), "R Z Z");
}

#[test]
fn no_session_begins_where_the_target_is_not_told() {
    let refusal = error(&[(b'S', "ERROR"), (b'C', "42602"), (b'M', "invalid configuration parameter name")]);
    let mut wire = Wire::new(ALL);
    wire.start();
    wire.line.set_session(caller("agent", &[]));
    wire.let_in();
    wire.server(&[refusal, idle()].concat());
    wire.server(&idle());
    assert!(wire.closed && !letters(&wire.to_client).contains('Z'), "{}", letters(&wire.to_client));
    assert!(String::from_utf8_lossy(&wire.to_client).contains("ID135"));

    // Letters that no setting can hold.
    let mut wire = Wire::new(ALL);
    wire.start();
    wire.line.set_session(caller("a\0b", &[]));
    wire.let_in();
    wire.server(&idle());
    assert!(wire.closed && !letters(&wire.to_client).contains('Z'));
    assert_eq!(letters(&wire.to_target), "S", "only what makes the target speak");

    // As late as it may be: who is not known may not do anything either.
    let mut wire = Wire::new(ALL);
    wire.start();
    wire.let_in();
    wire.client(&query("select 1"));
    wire.server(&idle());
    assert_eq!((letters(&wire.to_target).as_str(), letters(&wire.to_client).as_str()), ("S", "R Z E Z"));
    wire.line.set_session(caller("agent", &[]));
    wire.client(&query("select 1"));
    assert_eq!(letters(&wire.to_target), "S Q Q");
}

#[test]
fn nothing_is_told_where_the_policy_does_not_say_so() {
    for more in ["", ", session: { role: readers }"] {
        let mut wire = Wire::new(more);
        wire.start();
        wire.line.set_session(caller("agent", &[]));
        wire.let_in();
        assert_eq!((letters(&wire.to_client).as_str(), wire.to_target.len()), ("R Z", 0), "{more}");
        wire.client(&query("select 1"));
        assert_eq!(letters(&wire.to_target), "Q");
    }
}

/// As the bytes come is as they are cut, in either way.
#[test]
fn any_split_tells_the_same() {
    let said = |size: usize, refused: bool| {
        let mut wire = Wire::new(ALL);
        wire.start();
        wire.line.set_session(caller("agent", &["a"]));
        let mut answer = Vec::new();
        write::authentication_ok(&mut answer);
        answer.extend(idle());
        for piece in answer.chunks(size) {
            wire.server(piece);
        }
        let refusal = error(&[(b'S', "ERROR"), (b'C', "42602"), (b'M', "invalid name")]);
        let answer = if refused { [refusal, idle(), idle()].concat() } else { told() };
        for piece in answer.chunks(size) {
            wire.server(piece);
        }
        for piece in query("select 1").chunks(size) {
            wire.client(piece);
        }
        (wire.to_target, wire.to_client, wire.closed)
    };
    for refused in [false, true] {
        let whole = said(usize::MAX, refused);
        assert_eq!(whole.2, refused);
        for size in [1, 2, 3, 7, 64] {
            assert_eq!(said(size, refused), whole, "{size} {refused}");
        }
    }
}
