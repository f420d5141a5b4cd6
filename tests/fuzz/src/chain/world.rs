//! What is around the chain: settings, the identity provider, the sidecar, and what an honest target says.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use chaperone_flow::{Call, Line, Live};
use chaperone_host::Module as _;
use chaperone_pgwire::server::{Column, ErrorFields, Severity, TransactionStatus, write};
use chaperone_pgwire::{Format, tag};
use chaperone_settings::{Environment, Settings};
use serde_json::json;

use crate::input::Input;
use crate::token::{ISSUER, published};

/// The target's password, which only the target may see.
pub(super) const PASSWORD: &str = "t0p-s3cret-of-the-target";
/// A value of the column that every policy here masks.
pub(super) const CELL: &str = "pl4nted-cell";
/// The roles, each with another way to log in at the target.
pub(super) const ROLES: [&str; 4] = ["analyst", "plain", "digested", "salted"];

/// The table whose third column is masked.
const CUSTOMERS: u32 = 16_400;
/// The highest OID that the catalogue tells.
const NEWEST: u32 = 16_500;

#[derive(Debug)]
struct Variables;

impl Environment for Variables {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "SHOP_PASSWORD").then(|| PASSWORD.to_owned())
    }
}

/// The settings of this number: strict or relaxed recording, with a mask or without, a rule and budgets more or less. The stand-in
/// for PostgreSQL knows no way to log in but to be trusted.
pub(super) fn settings(number: u8, has_server: bool) -> Settings {
    thread_local!(static KNOWN: RefCell<HashMap<(u8, bool), Settings>> = RefCell::default());
    let key = (number & 7, has_server);
    KNOWN.with_borrow_mut(|known| known.entry(key).or_insert_with(|| compiled(number, has_server)).clone())
}

fn compiled(number: u8, has_server: bool) -> Settings {
    let role = |name: &str, auth: &str| {
        let auth = if has_server { "trust" } else { auth };
        let mut upstream = json!({ "user": "shop_account", "auth": auth });
        if auth != "trust" {
            upstream["password_env"] = json!("SHOP_PASSWORD");
        }
        json!({ "name": name, "groups": ["analysts"], "upstream": upstream })
    };
    let mut rules = vec![
        json!({ "id": "no-drop", "effect": "deny", "match": { "verbs": ["drop", "truncate"] } }),
        json!({
            "id": "held", "effect": "hold", "match": { "verbs": ["update"] },
            "hold": { "approvers": ["dba"], "expires": "60s" },
        }),
        json!({
            "id": "most", "effect": "allow",
            "match": {
                "verbs": ["read", "insert", "delete", "copy", "transaction", "session", "prepare"],
                "tables": ["*.*"], "effects": ["copy_in", "copy_out", "setting"],
            },
        }),
    ];
    if number & 4 != 0 {
        rules.insert(0, json!({ "id": "no-delete", "effect": "deny", "match": { "verbs": ["delete"] } }));
    }
    let mut policy = json!({
        "version": 1,
        "name": "shop",
        "identity": { "issuers": [{
            "issuer": ISSUER, "audiences": ["chaperone"], "jwks": { "cluster": "idp" },
        }] },
        "resources": [{
            "name": "shop", "protocol": "postgres", "databases": ["shop"],
            "roles": [
                role("analyst", "trust"), role("plain", "password"), role("digested", "md5"),
                role("salted", "scram-sha-256"),
            ],
        }],
        "approvers": [{ "name": "dba", "groups": ["dbas"] }],
        "rules": rules,
        "recording": { "mode": if number & 1 == 0 { "relaxed" } else { "strict" } },
    });
    if number & 4 != 0 {
        // What is refused before it runs depends on what was shown by then, and that on when a target that answers by itself
        // was asked: so rows are counted of one that says what the script says.
        let mut session = json!({ "id": "few", "per": "session", "statements": 3, "writes": 1 });
        let mut subject = json!({ "id": "all", "per": "subject", "window": "1m", "statements": 4 });
        if !has_server {
            session["rows"] = json!(1);
            subject["bytes"] = json!(60);
        }
        policy["budgets"] = json!([session, subject]);
    }
    if number & 2 == 0 {
        policy["masking"] = json!([
            { "id": "cards", "columns": ["public.customers.card"], "transform": { "kind": "redact" } },
            { "id": "finds", "detectors": ["card", "email"], "transform": { "kind": "hash" } },
        ]);
    }
    let text = json!({
        "resource": "shop", "sidecar": { "cluster": "sidecar" }, "policy": policy,
        "limits": { "client_message": 20_000, "server_message": 20_000 },
    });
    Settings::read(text.to_string().as_bytes(), Rc::new(Variables)).expect("settings of this file")
}

/// A new connection through all five filters.
pub(super) fn line(live: &Live<Settings>) -> Line {
    let settings = live.get();
    let shared = chaperone_fused::Module::shared(&settings, [7; 32]);
    Line::new(chaperone_fused::Module::flows(&shared, live), settings.limits, false)
}

/// What the one who is called says; `digest` is that of the command which the sidecar was last asked about.
pub(super) fn reply(call: &Call, plan: u8, digest: &str) -> (Option<u16>, Vec<u8>) {
    match plan {
        250.. => return (None, Vec::new()),
        240..250 => return (Some(500), b"{}".to_vec()),
        230..240 => return (Some(200), b"{\"state\":".to_vec()),
        _ => {}
    }
    let body = match (call.cluster.as_str(), call.path.as_str()) {
        ("idp", "/.well-known/openid-configuration") => {
            json!({ "issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys") })
        }
        ("idp", _) => published(),
        _ => {
            let state = ["approved", "pending", "rejected", "expired", "cancelled"];
            let state = state.get(usize::from(plan) % state.len()).unwrap_or(&"pending");
            json!({ "state": state, "digest": digest, "decided_by": "dora", "reason": "no" })
        }
    };
    (Some(200), body.to_string().into_bytes())
}

/// A message, or a few, that an honest target says at some time.
pub(super) fn says(input: &mut Input<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let done = match input.byte() % 24 {
        0 => {
            write::authentication_ok(&mut out);
            write::ready_for_query(&mut out, TransactionStatus::Idle);
            Ok(())
        }
        1 => {
            write::authentication_cleartext_password(&mut out);
            Ok(())
        }
        2 => {
            write::authentication_md5_password(&mut out, *b"salt");
            Ok(())
        }
        3 => write::authentication_sasl(&mut out, [&b"SCRAM-SHA-256"[..]]),
        4 => write::authentication_sasl_continue(&mut out, input.chunk()),
        5 => write::authentication_sasl_final(&mut out, input.chunk()),
        6 => return catalogue(),
        7 => return result(),
        8 => return [empty(b'1'), empty(b'2')].concat(),
        9 => return empty(b'1'),
        10 => return empty(b'2'),
        11 => return empty(b'3'),
        12 => return empty(b'n'),
        13 => return [empty(b't'), description()].concat(),
        14 => return description(),
        15 => return row(),
        16 => write::command_complete(&mut out, b"SELECT 1"),
        17 => {
            let status =
                [TransactionStatus::Idle, TransactionStatus::InTransaction, TransactionStatus::Failed];
            write::ready_for_query(&mut out, input.pick(&status).unwrap_or(TransactionStatus::Idle));
            Ok(())
        }
        18 => return spoken(true),
        19 => return spoken(false),
        20 => write::parameter_status(&mut out, b"TimeZone", b"UTC"),
        21 => return vec![tag::server::COPY_IN_RESPONSE, 0, 0, 0, 7, 0, 0, 0],
        22 => return b"N".to_vec(),
        _ => write::backend_key_data(&mut out, 7, b"key!"),
    };
    done.expect("short messages");
    out
}

fn empty(letter: u8) -> Vec<u8> {
    let mut out = Vec::new();
    write::empty(&mut out, letter);
    out
}

fn spoken(error: bool) -> Vec<u8> {
    let fields = ErrorFields {
        severity: if error { Severity::Error } else { Severity::Notice },
        code: if error { "22P02" } else { "00000" },
        message: "value x is not what it should be",
        detail: None,
        hint: None,
    };
    if error { fields.to_error() } else { fields.to_notice() }
}

fn column(name: &str, attnum: i16) -> Column<'_> {
    let name = name.as_bytes();
    Column {
        name,
        table_oid: CUSTOMERS,
        attnum,
        type_oid: 25,
        type_len: -1,
        typmod: -1,
        format: Format::Text,
    }
}

fn description() -> Vec<u8> {
    let mut out = Vec::new();
    write::row_description(&mut out, [column("id", 1), column("card", 3)]).expect("two columns");
    out
}

fn row() -> Vec<u8> {
    let mut out = Vec::new();
    write::data_row(&mut out, [Some(&b"7"[..]), Some(CELL.as_bytes())]).expect("two values");
    out
}

/// The whole answer to a Query for the masked column.
fn result() -> Vec<u8> {
    let mut out = [description(), row()].concat();
    write::command_complete(&mut out, b"SELECT 1").expect("a short tag");
    write::ready_for_query(&mut out, TransactionStatus::Idle);
    out
}

/// The answer to response-masking's question: where the masked column is.
fn catalogue() -> Vec<u8> {
    let mut out = Vec::new();
    let column = Column { table_oid: 0, attnum: 0, ..column("rel", 0) };
    write::row_description(&mut out, [column]).expect("a column");
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let rows = [(CUSTOMERS, 3, "public", "customers", "card", 4), (NEWEST, 0, "", "", "", 0)];
    for (oid, number, schema, table, name, count) in rows {
        let values = [
            oid.to_string(),
            number.to_string(),
            "0".to_owned(),
            hex(schema),
            hex(table),
            hex(name),
            count.to_string(),
            "t".to_owned(),
        ];
        write::data_row(&mut out, values.iter().map(|value| Some(value.as_bytes()))).expect("eight values");
    }
    write::command_complete(&mut out, b"SELECT 2").expect("a short tag");
    write::ready_for_query(&mut out, TransactionStatus::Idle);
    out
}
