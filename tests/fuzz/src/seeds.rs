//! Inputs to start from: the vectors of the crates' own tests, in the shape that each target reads.

mod scripts;
mod structure;

use chaperone_flow::Session;
use chaperone_pgwire::client::{Target, write as client};
use chaperone_pgwire::server::{ErrorFields, Severity, TransactionStatus, write as server};
use chaperone_pgwire::startup::{Param, SSL_REQUEST, Startup, StartupPacket, Version};
use chaperone_pgwire::{Format, WriteError};
use chaperone_proto::{
    Body, Finding, Mark, Message as _, Note, NoteSet, Payload, Record, RecordAck, RecordBatch, Source,
};
use serde_json::{Value, json};

pub use scripts::chain;

use crate::token::{claims, key, published};

const SQL: [&str; 9] = [
    include_str!("../../../crates/sql/tests/vectors/bounded.json"),
    include_str!("../../../crates/sql/tests/vectors/effects.json"),
    include_str!("../../../crates/sql/tests/vectors/notations.json"),
    include_str!("../../../crates/sql/tests/vectors/one_read_many_spellings.json"),
    include_str!("../../../crates/sql/tests/vectors/outputs.json"),
    include_str!("../../../crates/sql/tests/vectors/statements.json"),
    include_str!("../../../crates/sql/tests/vectors/stored.json"),
    include_str!("../../../crates/sql/tests/vectors/text.json"),
    include_str!("../../../crates/sql/tests/vectors/unnamed.json"),
];

const POLICIES: [&str; 11] = [
    include_str!("../../../policies/agent-starter.yaml"),
    include_str!("../../../policies/no-destructive-ddl.yaml"),
    include_str!("../../../policies/pii.yaml"),
    include_str!("../../../policies/production-writes-need-approval.yaml"),
    include_str!("../../../policies/read-only.yaml"),
    include_str!("../../../crates/policy/tests/vectors/coverage.yaml"),
    include_str!("../../../crates/policy/tests/vectors/hold.yaml"),
    include_str!("../../../crates/policy/tests/vectors/identity.yaml"),
    include_str!("../../../crates/policy/tests/vectors/specials.yaml"),
    include_str!("../../../crates/policy/tests/vectors/who.yaml"),
    include_str!("../../clients/masking.yaml"),
];

const DETECTORS: &str = include_str!("../../../crates/redact/tests/vectors/detectors.json");

/// The strings under a name, anywhere in a list of vectors.
fn strings(vectors: &str, name: &str) -> Vec<String> {
    let vectors: Vec<Value> = serde_json::from_str(vectors).expect("a list of vectors");
    vectors.iter().filter_map(|vector| vector.get(name)?.as_str().map(str::to_owned)).collect()
}

/// For [`crate::sql`].
#[must_use]
pub fn sql() -> Vec<Vec<u8>> {
    let texts = SQL.iter().flat_map(|file| strings(file, "sql"));
    texts.map(|text| [&[5], text.as_bytes()].concat()).collect()
}

/// For [`crate::policy`]: texts, and the same as JSON and as `Struct`.
#[must_use]
pub fn policy() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for text in POLICIES {
        // The tests' own vectors have the policy under this key, and expectations beside it.
        let inner = text.split_once("\npolicy:\n").map(|(_, rest)| {
            let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
            lines.map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
        });
        seeds.push(inner.unwrap_or_else(|| text.to_owned()).into_bytes());
    }
    let document = document();
    seeds.push(document.to_string().into_bytes());
    seeds.push(structure::encode(&document));
    seeds
}

fn document() -> Value {
    json!({
        "version": 1, "name": "seed",
        "identity": { "issuers": [{ "issuer": "http://idp", "audiences": ["chaperone"], "jwks": { "cluster": "idp" } }] },
        "resources": [{
            "name": "shop", "protocol": "postgres", "databases": ["shop", "shop_*"], "search_path": ["public"],
            "roles": [{ "name": "agent", "groups": ["agents"], "upstream": { "user": "app", "auth": "trust" } }],
        }],
        "approvers": [{ "name": "dba", "groups": ["dbas"], "subjects": ["ann"] }],
        "rules": [
            { "id": "a", "effect": "deny", "match": { "verbs": ["drop"] }, "when": "statement.bounded || now.hour > 8" },
            { "id": "b", "effect": "hold", "match": { "tables": ["public.*"] }, "hold": { "approvers": ["dba"], "count": 2, "expires": "10m" } },
            { "id": "c", "effect": "allow", "match": { "any": true }, "when": "statement.tables.exists(t, t == 'orders')" },
        ],
        "masking": [{ "id": "m", "columns": ["public.customers.card"], "transform": { "kind": "partial", "keep_last": 4 } }],
        "recording": { "mode": "strict" },
    })
}

/// For [`crate::redact`].
#[must_use]
pub fn redact() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (place, text) in strings(DETECTORS, "text").into_iter().enumerate() {
        let text: String = text.chars().filter(|letter| !matches!(letter, '⟦' | '⟧' | '·')).collect();
        let text = text.as_bytes();
        let Ok(len) = u8::try_from(text.len()) else { continue };
        let place = u8::try_from(place % 256).unwrap_or(0);
        // Transform; which secret, type, plan; before; nothing after.
        seeds.push([&[place, place, place / 7, place & 3, len], text, &[0]].concat());
    }
    seeds
}

/// For [`crate::proto`].
#[must_use]
pub fn proto() -> Vec<Vec<u8>> {
    let finding = Finding {
        decision: 2,
        rule: "held".into(),
        policy: vec![2; 32],
        approvers: vec!["dba".into()],
        count: 1,
        expires_in: 60,
        hint: "wait".into(),
        message: "waits".into(),
        facts: "{\"statements\":[],\"opaque\":null}".into(),
    };
    let note = Note {
        ordinal: 3,
        statement: "update t set a = 1".into(),
        digest: vec![1; 32],
        finding: 0,
        told: Some(finding),
    };
    let record = |body| Record {
        session: "s-1".into(),
        source: Source::Tap as i32,
        seq: 1,
        time: 2,
        body: Some(body),
    };
    let payload = Payload { bytes: b"Q\0\0\0\x04".to_vec(), omitted: 0 };
    let batch = RecordBatch {
        records: vec![record(Body::Client(payload.clone())), record(Body::Server(payload))],
        ended: Vec::new(),
    };
    let mark = Mark { session: "s-1".into(), source: Source::Tap as i32, seq: 1 };
    let settings = json!({
        "resource": "shop", "sidecar": { "cluster": "sidecar", "token_env": "T", "timeout_ms": 10 },
        "limits": { "client_message": 1000 }, "policy": document(), "revision": "1",
    });
    vec![
        NoteSet { notes: vec![note.clone(), Note { ordinal: 4, digest: Vec::new(), told: None, ..note }] }.encode_to_vec(),
        batch.encode_to_vec(),
        RecordAck { marks: vec![mark] }.encode_to_vec(),
        Session::default().to_json().into_bytes(),
        settings.to_string().into_bytes(),
        structure::encode(&settings),
        b"resource: shop\nsidecar: { cluster: s }\npolicy: |\n  { version: 1, name: x, resources: [], rules: [] }\n".to_vec(),
    ]
}

/// For [`crate::scram`].
#[must_use]
pub fn scram() -> Vec<Vec<u8>> {
    let challenges: [&[u8]; 4] = [
        b"Server+Nonce/1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        b"x,s=c2FsdA==,i=4096,m=1",
        b"x,s=,i=1",
        b"\xff",
    ];
    let last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    let of = |challenge: &&[u8]| {
        let len = u8::try_from(challenge.len()).unwrap_or(0);
        [&[7; 18][..], &[6], b"pencil", &[1, 0, len], challenge, last].concat()
    };
    challenges.iter().map(of).collect()
}

/// For [`crate::token`].
#[must_use]
pub fn token() -> Vec<Vec<u8>> {
    let good = key().sign(&claims()).expect("claims that can be signed");
    let header = format!("{{\"alg\":\"EdDSA\",\"kid\":\"{}\"}}", key().key_id());
    let payload = claims().to_string();
    let mut parts = vec![3];
    for part in [header.as_bytes(), payload.as_bytes()] {
        parts.extend(u16::try_from(part.len()).unwrap_or(0).to_be_bytes());
        parts.extend_from_slice(part);
    }
    parts.extend([0; 64]);
    let others = json!({ "keys": [
        { "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "kid": "a" },
        { "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "b", "use": "sig" },
        { "kty": "oct", "k": "AA" },
    ] });
    vec![
        vec![0, 0, 9, 0, 1, 0, 200, 2, 3],
        [&[1], good.as_bytes()].concat(),
        [&[2], published().to_string().as_bytes()].concat(),
        [&[2], others.to_string().as_bytes()].concat(),
        parts,
    ]
}

/// For [`crate::pgwire`].
#[must_use]
pub fn pgwire() -> Vec<Vec<u8>> {
    let of = |plan: u8, messages: Vec<u8>| [&[plan, 2, 1, 7][..], &messages].concat();
    let of_client = messages_of_client().expect("short messages");
    let of_server = messages_of_server().expect("short messages");
    let whole = [startup(), of_client.concat()].concat();
    let mut seeds = vec![of(0, whole.clone()), of(4, whole), of(1, of_server.concat())];
    seeds.push(of(3, [b"N".to_vec(), of_server.concat()].concat()));
    seeds.push(of(0, [&[0, 0, 0, 8][..], &SSL_REQUEST.to_be_bytes(), &startup()].concat()));
    seeds.extend(of_client.into_iter().map(|message| of(2, message)));
    seeds.extend(of_server.into_iter().map(|message| of(1, message)));
    seeds
}

fn startup() -> Vec<u8> {
    let params = vec![Param { name: b"user", value: b"ann" }, Param { name: b"database", value: b"shop" }];
    let mut out = Vec::new();
    StartupPacket::Startup(Startup { version: Version::V3_0, params })
        .write(&mut out)
        .expect("short parameters");
    out
}

/// What one writer appends.
fn one(write: impl FnOnce(&mut Vec<u8>) -> Result<(), WriteError>) -> Result<Vec<u8>, WriteError> {
    let mut out = Vec::new();
    write(&mut out).map(|()| out)
}

fn messages_of_client() -> Result<Vec<Vec<u8>>, WriteError> {
    Ok(vec![
        one(|out| client::query(out, b"select 1"))?,
        one(|out| client::parse(out, b"s", b"select $1", &[23]))?,
        one(|out| client::bind(out, b"", b"s", [Some(&b"7"[..]), None], Format::Binary))?,
        one(|out| client::describe(out, Target::Portal(b"")))?,
        one(|out| client::close(out, Target::Statement(b"s")))?,
        one(|out| client::execute(out, b"", 1))?,
        one(|out| client::copy_data(out, b"1\t2\n"))?,
        one(|out| client::copy_fail(out, b"no"))?,
        one(|out| client::password(out, b"secret"))?,
        one(|out| client::sasl_initial_response(out, b"SCRAM-SHA-256", Some(b"n,,n=,r=x")))?,
    ])
}

fn messages_of_server() -> Result<Vec<Vec<u8>>, WriteError> {
    let column = chaperone_pgwire::server::Column {
        name: b"card",
        table_oid: 16_400,
        attnum: 3,
        type_oid: 25,
        type_len: -1,
        typmod: -1,
        format: Format::Text,
    };
    let error =
        ErrorFields { severity: Severity::Error, code: "42501", message: "no", detail: None, hint: None };
    let mut ready = Vec::new();
    server::ready_for_query(&mut ready, TransactionStatus::Idle);
    Ok(vec![
        one(|out| server::authentication_sasl(out, [&b"SCRAM-SHA-256"[..]]))?,
        one(|out| server::authentication_sasl_continue(out, b"r=x,s=eA==,i=4096"))?,
        one(|out| server::backend_key_data(out, 7, b"key!"))?,
        one(|out| server::parameter_status(out, b"TimeZone", b"UTC"))?,
        one(|out| server::row_description(out, [column]))?,
        one(|out| server::data_row(out, [Some(&b"x"[..]), None]))?,
        one(|out| server::command_complete(out, b"SELECT 1"))?,
        error.to_error(),
        error.to_notice(),
        ready,
        b"t\0\0\0\x0a\0\x01\0\0\0\x17".to_vec(),
        b"G\0\0\0\x09\0\0\x01\0\0".to_vec(),
        b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0".to_vec(),
        b"A\0\0\0\x0d\0\0\0\x07a\0b\0\0".to_vec(),
    ])
}
