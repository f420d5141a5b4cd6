//! From the fuzzer's bytes to a script: what client, target, sidecar and clock do, in order.

use std::sync::OnceLock;

use chaperone_pgwire::Format;
use chaperone_pgwire::client::{Target, write};
use chaperone_pgwire::startup::{Cancel, Param, Startup, StartupPacket, Version};

use serde_json::json;

use super::world::{ROLES, says};
use crate::input::Input;
use crate::token::{NOW, claims, key};

/// How many steps a script has at most.
const STEPS_MOST: usize = 64;

/// A script.
#[derive(Debug)]
pub(super) struct Script<'a> {
    /// The settings to begin with.
    pub(super) settings: u8,
    /// Whether a stand-in for PostgreSQL answers, or the script itself speaks for the target.
    pub(super) has_server: bool,
    /// The sizes of the pieces that bytes arrive in.
    pub(super) sizes: &'a [u8],
    pub(super) steps: Vec<Step>,
    /// Bytes of the fuzzer's own are in it, from the client.
    pub(super) raw_client: bool,
    /// The same, from the target.
    pub(super) raw_server: bool,
    /// A good token is in it.
    pub(super) has_token: bool,
    /// Approvals are in it.
    pub(super) has_approval: bool,
}

/// One step.
#[derive(Debug)]
pub(super) enum Step {
    Client(Vec<u8>),
    Policy(u8),
    Recorded(bool),
    Reply { newest: bool, plan: u8 },
    Server(Vec<u8>),
    Tick(u64),
}

/// Texts that are hard to guess.
const TEXTS: &[&str] = &[
    "select 1",
    "select id, card from customers",
    "select upper(card) from public.customers",
    "drop table customers",
    "update accounts set balance = 0 where id = 1",
    "delete from orders where id = 1",
    "begin",
    "commit",
    "rollback",
    "copy t from stdin -- copy in",
    "copy customers to stdout",
    "select 'it will fail'",
    "select 1; drop table customers",
    "prepare p as update accounts set balance = 0 where id = 1",
    "execute p",
    "deallocate p",
    "set search_path to x",
    "",
    "select 4111111111111111, 'ada@example.com'",
    "insert into t values (1)",
    "execute s",
    "fetch all from c",
    "declare c cursor for select card from customers",
    "truncate customers",
];

fn text<'a>(input: &mut Input<'a>) -> &'a [u8] {
    match input.byte() {
        0xff => input.chunk(),
        index => TEXTS.get(usize::from(index) % TEXTS.len()).map_or(b"", |text| text.as_bytes()),
    }
}

fn name(input: &mut Input<'_>) -> &'static [u8] {
    input.pick(&[&b""[..], b"s", b"p", b"_chaperone_none"]).unwrap_or(b"")
}

fn startup(input: &mut Input<'_>) -> Vec<u8> {
    let plan = input.byte();
    let role = ROLES.get(usize::from(plan & 3)).unwrap_or(&"analyst");
    let mut params = vec![
        Param { name: b"user", value: role.as_bytes() },
        Param { name: b"database", value: if plan & 4 == 0 { b"shop" } else { b"other" } },
    ];
    if plan & 8 != 0 {
        params.push(Param { name: b"application_name", value: b"psql" });
    }
    if plan & 16 != 0 {
        params.push(Param { name: b"search_path", value: b"x" });
    }
    let version = if plan & 32 == 0 { Version::V3_0 } else { Version::V3_2 };
    let mut out = Vec::new();
    StartupPacket::Startup(Startup { version, params }).write(&mut out).expect("short parameters");
    out
}

/// Tokens: the first is good, each other is wrong in one way.
pub(super) fn tokens() -> &'static [Vec<u8>; 5] {
    static TOKENS: OnceLock<[Vec<u8>; 5]> = OnceLock::new();
    TOKENS.get_or_init(|| {
        let wrong = [
            ("typ", json!("JWT")),
            ("exp", json!(NOW.0 - 300)),
            ("aud", json!("somebody")),
            ("groups", json!(["others"])),
            ("iss", json!("http://other")),
        ];
        wrong.map(|(name, value)| {
            let mut claims = claims();
            claims[name] = value;
            key().sign(&claims).expect("claims that can be signed").into_bytes()
        })
    })
}

/// What a client says, but bytes of the fuzzer's own.
fn client(input: &mut Input<'_>, kind: u8, out: &mut Vec<u8>) {
    let written = match kind {
        0 => {
            out.extend(startup(input));
            Ok(())
        }
        1 => {
            let tokens = tokens();
            write::password(
                out,
                tokens.get(usize::from(input.byte()) % tokens.len()).map_or(b"", |token| token),
            )
        }
        2 => write::query(out, text(input)),
        3 => write::parse(out, name(input), text(input), &[]),
        4 => {
            let (portal, statement) = (name(input), name(input));
            write::bind(
                out,
                portal,
                statement,
                [],
                if input.byte() & 1 == 0 { Format::Text } else { Format::Binary },
            )
        }
        5 => {
            let target = if input.byte() & 1 == 0 { Target::Portal } else { Target::Statement };
            write::describe(out, target(name(input)))
        }
        6 => {
            let target = if input.byte() & 1 == 0 { Target::Portal } else { Target::Statement };
            write::close(out, target(name(input)))
        }
        7 => write::execute(out, name(input), i32::from(input.byte() & 1)),
        8 => {
            write::sync(out);
            Ok(())
        }
        9 => {
            write::flush(out);
            Ok(())
        }
        10 => {
            write::terminate(out);
            Ok(())
        }
        11 => write::copy_data(out, input.chunk()),
        12 => {
            write::copy_done(out);
            Ok(())
        }
        13 => write::copy_fail(out, b"no"),
        14 => StartupPacket::SslRequest.write(out),
        _ => StartupPacket::Cancel(Cancel { pid: 7, secret: b"key!" }).write(out),
    };
    // A text of the fuzzer's own may hold a NUL, and is then not written.
    let _ = written;
}

impl<'a> Script<'a> {
    pub(super) fn read(mut input: Input<'a>) -> Self {
        let mut script = Script {
            settings: input.byte(),
            has_server: input.byte() & 1 == 0,
            sizes: input.chunk(),
            steps: Vec::new(),
            raw_client: false,
            raw_server: false,
            has_token: false,
            has_approval: false,
        };
        let mut said = Vec::new();
        while !input.is_empty() && script.steps.len() < STEPS_MOST {
            let op = input.byte();
            match op & 0x1f {
                kind @ 0..=15 => {
                    script.has_token |= kind == 1;
                    client(&mut input, kind, &mut said);
                    // What follows comes in the same read.
                    if op & 0x80 == 0 {
                        script.steps.push(Step::Client(std::mem::take(&mut said)));
                    }
                }
                16 | 17 => {
                    script.raw_client = true;
                    said.extend_from_slice(input.long_chunk());
                    if op & 0x80 == 0 {
                        script.steps.push(Step::Client(std::mem::take(&mut said)));
                    }
                }
                18..=21 if script.has_server => script.steps.push(Step::Tick(u64::from(input.byte()))),
                18..=20 => script.steps.push(Step::Server(says(&mut input))),
                21 => {
                    script.raw_server = true;
                    script.steps.push(Step::Server(input.long_chunk().to_vec()));
                }
                22..=25 => {
                    let plan = input.byte();
                    script.has_approval |= plan % 5 == 0;
                    script.steps.push(Step::Reply { newest: op & 0x80 == 0, plan });
                }
                26 | 27 => script.steps.push(Step::Recorded(input.byte() != 0xff)),
                28 => script.steps.push(Step::Policy(input.byte())),
                _ => script.steps.push(Step::Tick(u64::from(input.byte()) * 250)),
            }
        }
        script
    }
}
