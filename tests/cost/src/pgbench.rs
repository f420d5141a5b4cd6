//! The messages of pgbench's select-only script, and what PostgreSQL answers.

use chaperone_pgwire::Format;
use chaperone_pgwire::client::{Target, write};
use chaperone_pgwire::server::write as answer;
use chaperone_pgwire::server::{Column, TransactionStatus};
use chaperone_pgwire::startup::{Param, Startup, StartupPacket, Version};

use crate::Session;

const TEXT: &[u8] = b"SELECT abalance FROM pgbench_accounts WHERE aid = $1;";

pub(crate) fn startup() -> Vec<u8> {
    let params =
        vec![Param { name: b"user", value: b"analyst" }, Param { name: b"database", value: b"shop" }];
    let mut out = Vec::new();
    StartupPacket::Startup(Startup { version: Version::V3_0, params }).write(&mut out).unwrap();
    out
}

pub(crate) fn ready() -> Vec<u8> {
    let mut out = Vec::new();
    answer::authentication_ok(&mut out);
    answer::ready_for_query(&mut out, TransactionStatus::Idle);
    out
}

fn result(out: &mut Vec<u8>, number: u32) {
    let column = Column {
        name: b"abalance",
        table_oid: 16_400,
        attnum: 3,
        type_oid: 23,
        type_len: 4,
        typmod: -1,
        format: Format::Text,
    };
    answer::row_description(out, [column]).unwrap();
    answer::data_row(out, [Some(number.to_string().as_bytes())]).unwrap();
    answer::command_complete(out, b"SELECT 1").unwrap();
    answer::ready_for_query(out, TransactionStatus::Idle);
}

/// The masking's question is answered, and what is prepared is prepared.
pub(crate) fn warm_up(session: &mut Session, mode: &str) {
    let mut query = Vec::new();
    write::query(&mut query, b"SELECT abalance FROM pgbench_accounts WHERE aid = 1;").unwrap();
    session.client(&query);
    let mut out = Vec::new();
    let newest: [Option<&[u8]>; 8] =
        ["20000", "0", "0", "", "", "", "0", "t"].map(|text| Some(text.as_bytes()));
    answer::data_row(&mut out, newest).unwrap();
    answer::command_complete(&mut out, b"SELECT 1").unwrap();
    answer::ready_for_query(&mut out, TransactionStatus::Idle);
    result(&mut out, 1);
    session.server(&out);
    if mode == "prepared" {
        let mut parse = Vec::new();
        write::parse(&mut parse, b"P_0", TEXT, &[]).unwrap();
        write::sync(&mut parse);
        session.client(&parse);
        let mut out = Vec::new();
        answer::empty(&mut out, b'1');
        answer::ready_for_query(&mut out, TransactionStatus::Idle);
        session.server(&out);
    }
}

pub(crate) fn transaction(session: &mut Session, mode: &str, number: u32) {
    let aid = (number.wrapping_mul(7_919) % 100_000).to_string();
    let (mut asked, mut out) = (Vec::new(), Vec::new());
    if mode == "prepared" {
        write::bind(&mut asked, b"", b"P_0", [Some(aid.as_bytes())], Format::Text).unwrap();
        write::describe(&mut asked, Target::Portal(b"")).unwrap();
        write::execute(&mut asked, b"", 0).unwrap();
        write::sync(&mut asked);
        answer::empty(&mut out, b'2');
    } else {
        let text = format!("SELECT abalance FROM pgbench_accounts WHERE aid = {aid};");
        write::query(&mut asked, text.as_bytes()).unwrap();
    }
    result(&mut out, number);
    assert_eq!(session.client(&asked), asked.len(), "it goes on as it is");
    assert_eq!(session.server(&out), out.len(), "it is shown as it is");
}
