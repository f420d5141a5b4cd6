//! Readers and writers: what is written is read again, what is cut short or too long is refused.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use chaperone_pgwire::{
    Format, ReadError, WriteError,
    client::{self, Bind, CopyFail, Execute, Parse, Password, Query, SaslInitialResponse, Target},
    server::{
        self, Authentication, BackendKeyData, Column, CommandComplete, CopyResponse, DataRow, ErrorFields,
        FIELD_MAX, Fields, NegotiateProtocolVersion, NotificationResponse, ParameterDescription,
        ParameterStatus, ReadyForQuery, RowDescription, Severity, TransactionStatus, field,
    },
};
use proptest::prelude::*;

/// The body of the only message in `bytes`, whose header is checked.
fn body(bytes: &[u8], tag: u8) -> &[u8] {
    assert_eq!(bytes[0], tag);
    assert_eq!(u32::from_be_bytes(bytes[1..5].try_into().unwrap()) as usize, bytes.len() - 1);
    &bytes[5..]
}

/// Every proper prefix of `body`, and `body` with a byte more, is refused.
fn exact<T>(body: &[u8], read: impl Fn(&[u8]) -> Result<T, ReadError>) {
    assert!(read(body).is_ok());
    for len in 0..body.len() {
        assert!(read(&body[..len]).is_err(), "{:?} read from a prefix of {len}", &body[..len]);
    }
    for more in [0, 1, b'x'] {
        assert!(read(&[body, &[more]].concat()).is_err(), "{body:?} with {more} more");
    }
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1_u8.., 0..20)
}

fn values() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..12)), 0..8)
}

prop_compose! {
    fn column()(
        name in text(), table_oid: u32, attnum: i16, type_oid: u32, type_len: i16, typmod: i32, binary: bool,
    ) -> (Vec<u8>, Column<'static>) {
        let format = if binary { Format::Binary } else { Format::Text };
        (name, Column { name: b"", table_oid, attnum, type_oid, type_len, typmod, format })
    }
}

proptest! {
    #[test]
    fn statements_round_trip(name in text(), query in text(), oids: Vec<u32>, max_rows: i32, portal: bool) {
        let mut out = Vec::new();
        client::write::query(&mut out, &query).unwrap();
        exact(body(&out, b'Q'), |body| Query::read(body).map(|_| ()));
        prop_assert_eq!(Query::read(body(&out, b'Q')).unwrap().text, &query);

        out.clear();
        client::write::parse(&mut out, &name, &query, &oids).unwrap();
        exact(body(&out, b'P'), |body| Parse::read(body).map(|_| ()));
        let parse = Parse::read(body(&out, b'P')).unwrap();
        prop_assert_eq!((parse.name, parse.text), (&name[..], &query[..]));
        prop_assert_eq!(parse.param_types.len(), oids.len());
        prop_assert_eq!(parse.param_types.iter().collect::<Vec<_>>(), oids);

        let target = if portal { Target::Portal(&name) } else { Target::Statement(&name) };
        out.clear();
        client::write::describe(&mut out, target).unwrap();
        exact(body(&out, b'D'), |body| Target::read(body).map(|_| ()));
        prop_assert_eq!(Target::read(body(&out, b'D')).unwrap(), target);
        out.clear();
        client::write::close(&mut out, target).unwrap();
        prop_assert_eq!(Target::read(body(&out, b'C')).unwrap(), target);

        out.clear();
        client::write::execute(&mut out, &name, max_rows).unwrap();
        exact(body(&out, b'E'), |body| Execute::read(body).map(|_| ()));
        prop_assert_eq!(Execute::read(body(&out, b'E')).unwrap(), Execute { portal: &name, max_rows });

        out.clear();
        client::write::copy_fail(&mut out, &name).unwrap();
        exact(body(&out, b'f'), |body| CopyFail::read(body).map(|_| ()));
        prop_assert_eq!(CopyFail::read(body(&out, b'f')).unwrap().message, &name);
    }

    #[test]
    fn bind_round_trips(portal in text(), statement in text(), values in values(), binary: bool) {
        let format = if binary { Format::Binary } else { Format::Text };
        let mut out = Vec::new();
        client::write::bind(&mut out, &portal, &statement, values.iter().map(Option::as_deref), format).unwrap();
        exact(body(&out, b'B'), |body| Bind::read(body).map(|_| ()));
        let bind = Bind::read(body(&out, b'B')).unwrap();
        prop_assert_eq!((bind.portal, bind.statement), (&portal[..], &statement[..]));
        prop_assert_eq!(bind.values.len(), values.len());
        let read: Vec<_> = bind.values.iter().map(|value| value.map(<[u8]>::to_vec)).collect();
        prop_assert_eq!(read, values);
        prop_assert_eq!(bind.param_formats.of(3), Some(Format::Text));
        prop_assert_eq!(bind.result_formats.of(7), Some(format));
    }

    #[test]
    fn credentials_round_trip(secret in text(), data: Option<Vec<u8>>) {
        let mut out = Vec::new();
        client::write::password(&mut out, &secret).unwrap();
        exact(body(&out, b'p'), |body| Password::read(body).map(|_| ()));
        prop_assert_eq!(Password::read(body(&out, b'p')).unwrap().text, &secret);

        out.clear();
        client::write::sasl_initial_response(&mut out, &secret, data.as_deref()).unwrap();
        exact(body(&out, b'p'), |body| SaslInitialResponse::read(body).map(|_| ()));
        let initial = SaslInitialResponse::read(body(&out, b'p')).unwrap();
        prop_assert_eq!((initial.mechanism, initial.response), (&secret[..], data.as_deref()));

        out.clear();
        client::write::sasl_response(&mut out, &secret).unwrap();
        prop_assert_eq!(body(&out, b'p'), &secret);
    }

    #[test]
    fn rows_round_trip(values in values(), columns in prop::collection::vec(column(), 0..6)) {
        let mut out = Vec::new();
        server::write::data_row(&mut out, values.iter().map(Option::as_deref)).unwrap();
        exact(body(&out, b'D'), |body| DataRow::read(body).map(|_| ()));
        let row = DataRow::read(body(&out, b'D')).unwrap();
        prop_assert_eq!(row.len(), values.len());
        let read: Vec<_> = row.values().map(|value| value.map(<[u8]>::to_vec)).collect();
        prop_assert_eq!(read, values);

        let columns: Vec<_> = columns.iter().map(|(name, column)| Column { name, ..*column }).collect();
        out.clear();
        server::write::row_description(&mut out, columns.iter().copied()).unwrap();
        exact(body(&out, b'T'), |body| RowDescription::read(body).map(|_| ()));
        let description = RowDescription::read(body(&out, b'T')).unwrap();
        prop_assert_eq!(description.len(), columns.len());
        prop_assert_eq!(description.columns().collect::<Vec<_>>(), columns);
    }

    #[test]
    fn errors_round_trip(fields in prop::collection::vec((1_u8.., text()), 0..8)) {
        let mut out = Vec::new();
        server::write::error_response(&mut out, fields.iter().map(|(letter, text)| (*letter, &text[..]))).unwrap();
        exact(body(&out, b'E'), |body| Fields::read(body).map(|_| ()));
        let read: Vec<_> = Fields::read(body(&out, b'E')).unwrap().iter().map(|(l, t)| (l, t.to_vec())).collect();
        prop_assert_eq!(&read, &fields);
        out.clear();
        server::write::notice_response(&mut out, fields.iter().map(|(letter, text)| (*letter, &text[..]))).unwrap();
        prop_assert!(Fields::read(body(&out, b'N')).is_ok());
    }

    #[test]
    fn statuses_round_trip(name in text(), value in text(), pid: u32, secret in prop::collection::vec(any::<u8>(), 4..=256)) {
        let mut out = Vec::new();
        server::write::parameter_status(&mut out, &name, &value).unwrap();
        exact(body(&out, b'S'), |body| ParameterStatus::read(body).map(|_| ()));
        prop_assert_eq!(ParameterStatus::read(body(&out, b'S')).unwrap(), ParameterStatus { name: &name, value: &value });

        out.clear();
        server::write::backend_key_data(&mut out, pid, &secret).unwrap();
        prop_assert_eq!(BackendKeyData::read(body(&out, b'K')).unwrap(), BackendKeyData { pid, secret: &secret });

        out.clear();
        server::write::command_complete(&mut out, &name).unwrap();
        exact(body(&out, b'C'), |body| CommandComplete::read(body).map(|_| ()));
        prop_assert_eq!(CommandComplete::read(body(&out, b'C')).unwrap().tag, &name);
    }

    /// No reader panics on any body, and what its iterators yield lies within it.
    #[test]
    fn garbage_is_read_or_refused(body: Vec<u8>) {
        let _ = Query::read(&body);
        let _ = Parse::read(&body).map(|parse| parse.param_types.iter().count());
        let _ = Bind::read(&body).map(|bind| bind.values.iter().count());
        let _ = Target::read(&body);
        let _ = Execute::read(&body);
        let _ = SaslInitialResponse::read(&body);
        let _ = Authentication::read(&body);
        let _ = BackendKeyData::read(&body);
        let _ = ReadyForQuery::read(&body);
        let _ = CopyResponse::read(&body);
        let _ = ParameterDescription::read(&body);
        let _ = NotificationResponse::read(&body);
        let _ = NegotiateProtocolVersion::read(&body);
        let _ = chaperone_pgwire::startup::StartupPacket::read(&body);
        if let Ok(fields) = Fields::read(&body) {
            prop_assert!(fields.iter().map(|(_, text)| text.len() + 2).sum::<usize>() + 1 == body.len());
        }
        if let Ok(row) = DataRow::read(&body) {
            prop_assert_eq!(row.values().count(), row.len());
            prop_assert_eq!(row.values().map(|v| v.map_or(0, <[u8]>::len) + 4).sum::<usize>() + 2, body.len());
        }
        if let Ok(description) = RowDescription::read(&body) {
            prop_assert_eq!(description.columns().count(), description.len());
        }
    }

    /// Any text becomes an error that can be read, without NULs, bounded, and valid UTF-8.
    #[test]
    fn own_errors_hold_any_text(message: String, detail: Option<String>, repeat in 1_usize..2000) {
        let message = message.repeat(repeat);
        let fields = ErrorFields {
            severity: Severity::Error, code: "42501", message: &message, detail: detail.as_deref(), hint: None,
        };
        let out = fields.to_error();
        let read = Fields::read(body(&out, b'E')).unwrap();
        prop_assert_eq!(read.find(field::CODE), Some(&b"42501"[..]));
        let shown = std::str::from_utf8(read.find(field::MESSAGE).unwrap()).unwrap();
        prop_assert!(shown.len() <= FIELD_MAX);
        let clean = message.replace('\0', "");
        if clean.len() <= FIELD_MAX {
            prop_assert_eq!(shown, clean);
        } else {
            prop_assert!(clean.starts_with(shown.strip_suffix('…').unwrap()));
            prop_assert!(shown.len() > FIELD_MAX - 8);
        }
        prop_assert_eq!(read.find(field::DETAIL).is_some(), detail.is_some());
    }
}

#[test]
fn bytes_are_as_postgresql_documents_them() {
    let mut out = Vec::new();
    client::write::query(&mut out, b"select 1").unwrap();
    client::write::sync(&mut out);
    client::write::flush(&mut out);
    client::write::terminate(&mut out);
    client::write::copy_done(&mut out);
    assert_eq!(out, b"Q\0\0\0\x0dselect 1\0S\0\0\0\x04H\0\0\0\x04X\0\0\0\x04c\0\0\0\x04");
    out.clear();
    server::write::authentication_ok(&mut out);
    server::write::authentication_cleartext_password(&mut out);
    server::write::authentication_md5_password(&mut out, *b"salt");
    server::write::ready_for_query(&mut out, TransactionStatus::Failed);
    server::write::empty(&mut out, b'n');
    assert_eq!(
        out,
        b"R\0\0\0\x08\0\0\0\0R\0\0\0\x08\0\0\0\x03R\0\0\0\x0c\0\0\0\x05saltZ\0\0\0\x05En\0\0\0\x04"
    );
    let error = ErrorFields {
        severity: Severity::Error,
        code: "42501",
        message: "no",
        detail: Some("why"),
        hint: Some("ask"),
    };
    assert_eq!(error.to_error(), b"E\0\0\0\x28SERROR\0VERROR\0C42501\0Mno\0Dwhy\0Hask\0\0");
    let notice = ErrorFields { severity: Severity::Notice, detail: None, hint: None, ..error };
    assert_eq!(notice.to_notice(), b"N\0\0\0\x20SNOTICE\0VNOTICE\0C42501\0Mno\0\0");
}

#[test]
fn a_malformed_code_is_not_sent() {
    for code in ["", "4250", "42501x", "4250\0", "ééé"] {
        let error = ErrorFields { severity: Severity::Fatal, code, message: "", detail: None, hint: None };
        let out = error.to_error();
        assert_eq!(Fields::read(body(&out, b'E')).unwrap().find(field::CODE), Some(&b"XX000"[..]));
    }
}

#[test]
fn authentication_requests_are_told_apart() {
    let mut out = Vec::new();
    server::write::authentication_sasl(&mut out, [&b"SCRAM-SHA-256-PLUS"[..], b"SCRAM-SHA-256"]).unwrap();
    let sasl = body(&out, b'R');
    exact(sasl, |body| Authentication::read(body).map(|_| ()));
    let Ok(Authentication::Sasl(mechanisms)) = Authentication::read(sasl) else { panic!() };
    assert_eq!(mechanisms.iter().collect::<Vec<_>>(), [&b"SCRAM-SHA-256-PLUS"[..], b"SCRAM-SHA-256"]);

    let cases: [(&[u8], Authentication<'_>); 6] = [
        (b"\0\0\0\0", Authentication::Ok),
        (b"\0\0\0\x03", Authentication::CleartextPassword),
        (b"\0\0\0\x05salt", Authentication::Md5Password { salt: *b"salt" }),
        (b"\0\0\0\x07", Authentication::Other(7)),
        (b"\0\0\0\x0br=1", Authentication::SaslContinue(b"r=1")),
        (b"\0\0\0\x0cv=1", Authentication::SaslFinal(b"v=1")),
    ];
    for (bytes, expected) in cases {
        assert_eq!(Authentication::read(bytes), Ok(expected));
    }
    for bad in [&b""[..], b"\0\0\0", b"\0\0\0\0x", b"\0\0\0\x03x", b"\0\0\0\x05sal", b"\0\0\0\x05salty"] {
        assert!(Authentication::read(bad).is_err(), "{bad:?}");
    }
    out.clear();
    server::write::authentication_sasl_continue(&mut out, b"r=1").unwrap();
    assert_eq!(Authentication::read(body(&out, b'R')), Ok(Authentication::SaslContinue(b"r=1")));
    out.clear();
    server::write::authentication_sasl_final(&mut out, b"v=1").unwrap();
    assert_eq!(Authentication::read(body(&out, b'R')), Ok(Authentication::SaslFinal(b"v=1")));
    assert_eq!(server::write::authentication_sasl(&mut out, [&b""[..]]), Err(WriteError::Nul));
}

#[test]
fn a_value_may_not_reach_over_the_end() {
    // One value, said to have 2^31-1, 5, -2 or the smallest number of bytes; four are there.
    for len in [i32::MAX, 5, -2, i32::MIN] {
        let bytes = [&[0, 1][..], &len.to_be_bytes(), b"four"].concat();
        assert!(DataRow::read(&bytes).is_err(), "{len}");
    }
    assert_eq!(DataRow::read(&[0, 1, 0xff, 0xff, 0xff, 0xfe]), Err(ReadError::Value), "only -1 is NULL");
    assert_eq!(DataRow::read(&[0, 2, 0, 0, 0, 0]), Err(ReadError::Truncated));
    assert_eq!(DataRow::read(&[0, 0, 0]), Err(ReadError::Trailing));
}

#[test]
fn a_nul_inside_a_text_is_neither_read_nor_written() {
    assert_eq!(Query::read(b"select 1\0; drop table t\0"), Err(ReadError::Trailing));
    assert_eq!(Query::read(b"select 1"), Err(ReadError::Unterminated));
    assert_eq!(Query::read(b""), Err(ReadError::Unterminated));
    let mut out = b"before".to_vec();
    assert_eq!(client::write::query(&mut out, b"select 1\0"), Err(WriteError::Nul));
    assert_eq!(client::write::parse(&mut out, b"a\0", b"", &[]), Err(WriteError::Nul));
    assert_eq!(server::write::error_response(&mut out, [(0, &b""[..])]), Err(WriteError::Nul));
    assert_eq!(out, b"before");
}

#[test]
fn too_many_parts_are_not_written() {
    let mut out = Vec::new();
    let count = usize::from(u16::MAX);
    assert_eq!(
        server::write::data_row(&mut out, std::iter::repeat_n(None, count + 1)),
        Err(WriteError::Count)
    );
    assert!(out.is_empty());
    server::write::data_row(&mut out, std::iter::repeat_n(None, count)).unwrap();
    assert_eq!(DataRow::read(body(&out, b'D')).unwrap().len(), count);
}

#[test]
fn formats_follow_the_rule_of_bind() {
    let bind = |formats: &[u8], values: u8| {
        let mut bytes = vec![0, 0];
        bytes.extend(formats);
        bytes.extend([0, values]);
        bytes.extend(std::iter::repeat_n([0xff; 4], values.into()).flatten());
        bytes.extend([0, 0]);
        bytes
    };
    let read =
        |bytes: &[u8]| Bind::read(bytes).map(|bind| (0..3).map(|i| bind.param_formats.of(i)).collect());
    let (text, binary) = (Some(Format::Text), Some(Format::Binary));
    assert_eq!(read(&bind(&[0, 0], 3)), Ok(vec![text, text, text]));
    assert_eq!(read(&bind(&[0, 1, 0, 1], 3)), Ok(vec![binary, binary, binary]));
    assert_eq!(read(&bind(&[0, 2, 0, 1, 0, 0], 2)), Ok(vec![binary, text, None]));
    assert_eq!(read(&bind(&[0, 2, 0, 1, 0, 0], 3)), Err(ReadError::Count));
    assert_eq!(read(&bind(&[0, 1, 0, 2], 3)), Err(ReadError::Value));
    assert_eq!(read(&bind(&[0, 1, 0xff, 0xff], 1)), Err(ReadError::Value));
}

#[test]
fn copy_and_other_statuses_are_read() {
    let copy = CopyResponse::read(&[1, 0, 2, 0, 1, 0, 1]).unwrap();
    assert_eq!((copy.overall, copy.columns.len()), (Format::Binary, 2));
    exact(&[0, 0, 1, 0, 0], |body| CopyResponse::read(body).map(|_| ()));
    exact(&[0, 1, 0, 0, 0, 23], |body| ParameterDescription::read(body).map(|_| ()));
    exact(b"\0\0\0\x07chan\0text\0", |body| NotificationResponse::read(body).map(|_| ()));
    exact(b"\0\0\0\0\0\0\0\x01_pq_.x\0", |body| NegotiateProtocolVersion::read(body).map(|_| ()));
    assert!(NegotiateProtocolVersion::read(b"\0\0\0\0\xff\xff\xff\xff_pq_.x\0").is_err());
    exact(b"I", |body| ReadyForQuery::read(body).map(|_| ()));
    assert_eq!(ReadyForQuery::read(b"X"), Err(ReadError::Value));
    for (tag, rows) in [("UPDATE 3", Some(3)), ("INSERT 0 12", Some(12)), ("BEGIN", None), ("", None)] {
        assert_eq!(CommandComplete { tag: tag.as_bytes() }.rows(), rows);
    }
    assert_eq!(BackendKeyData::read(&[0; 7]), Err(ReadError::Count));
    assert_eq!(BackendKeyData::read(&[0; 4 + 257]), Err(ReadError::Count));
}

#[test]
fn debug_shows_no_secrets() {
    let mut out = Vec::new();
    client::write::password(&mut out, b"hunter2").unwrap();
    let password = format!("{:?}", Password::read(body(&out, b'p')).unwrap());
    let key = format!("{:?}", BackendKeyData { pid: 7, secret: b"hunter2" });
    out.clear();
    server::write::data_row(&mut out, [Some(&b"hunter2"[..])]).unwrap();
    let row = format!("{:?}", DataRow::read(body(&out, b'D')).unwrap());
    let numbers = format!("{:?}", b"hunter2").trim_matches(['[', ']']).to_owned();
    for shown in [password, key, row] {
        assert!(!shown.contains("hunter2") && !shown.contains(&numbers), "{shown}");
    }
}
