//! Read, written, the same: for every message that has a writer.

use chaperone_pgwire::client::{
    self, Bind, CopyFail, Execute, Parse, Password, Query, SaslInitialResponse, SaslResponse, Target,
};
use chaperone_pgwire::server::{
    self, Authentication, BackendKeyData, CommandComplete, CopyResponse, DataRow, Fields,
    NegotiateProtocolVersion, NotificationResponse, ParameterDescription, ParameterStatus, ReadyForQuery,
    RowDescription,
};
use chaperone_pgwire::startup::StartupPacket;
use chaperone_pgwire::{Format, WriteError, tag};

/// Asserts that what was read and `write` appends again is the message.
fn same(bytes: &[u8], write: impl FnOnce(&mut Vec<u8>) -> Result<(), WriteError>) {
    let mut out = Vec::new();
    let written = write(&mut out);
    assert_eq!((written, out.as_slice()), (Ok(()), bytes), "what was read is not written again");
}

/// A client's message under its tag.
pub(super) fn of_client(letter: u8, bytes: &[u8], body: &[u8]) {
    use client::write;
    match letter {
        tag::UNTAGGED => {
            if let Ok(packet) = StartupPacket::read(body) {
                same(bytes, |out| packet.write(out));
            }
        }
        tag::client::QUERY => {
            if let Ok(query) = Query::read(body) {
                same(bytes, |out| write::query(out, query.text));
            }
        }
        tag::client::PARSE => {
            if let Ok(parse) = Parse::read(body) {
                let types: Vec<u32> = parse.param_types.iter().collect();
                same(bytes, |out| write::parse(out, parse.name, parse.text, &types));
            }
        }
        tag::client::BIND => {
            let Ok(bind) = Bind::read(body) else { return };
            assert_eq!(bind.values.iter().count(), bind.values.len(), "values are lost");
            assert!((0..bind.values.len()).all(|index| bind.param_formats.of(index).is_some()));
            let mut results = bind.result_formats.iter();
            if let (true, Some(format), None) =
                (bind.param_formats.is_empty(), results.next(), results.next())
            {
                same(bytes, |out| write::bind(out, bind.portal, bind.statement, bind.values.iter(), format));
            }
        }
        tag::client::DESCRIBE | tag::client::CLOSE => {
            let Ok(target) = Target::read(body) else { return };
            same(bytes, |out| match letter {
                tag::client::DESCRIBE => write::describe(out, target),
                _ => write::close(out, target),
            });
        }
        tag::client::EXECUTE => {
            if let Ok(execute) = Execute::read(body) {
                same(bytes, |out| write::execute(out, execute.portal, execute.max_rows));
            }
        }
        tag::client::COPY_FAIL => {
            if let Ok(fail) = CopyFail::read(body) {
                same(bytes, |out| write::copy_fail(out, fail.message));
            }
        }
        tag::client::COPY_DATA => same(bytes, |out| write::copy_data(out, body)),
        tag::client::PASSWORD => {
            same(bytes, |out| write::sasl_response(out, SaslResponse::read(body).data));
            if let Ok(password) = Password::read(body) {
                same(bytes, |out| write::password(out, password.text));
            }
            if let Ok(first) = SaslInitialResponse::read(body) {
                same(bytes, |out| write::sasl_initial_response(out, first.mechanism, first.response));
            }
        }
        _ => {}
    }
}

/// A server's message under its tag.
pub(super) fn of_server(letter: u8, bytes: &[u8], body: &[u8]) {
    use server::write;
    match letter {
        tag::server::DATA_ROW => {
            let Ok(row) = DataRow::read(body) else { return };
            assert_eq!(row.values().count(), row.len(), "values are lost");
            same(bytes, |out| write::data_row(out, row.values()));
        }
        tag::server::ROW_DESCRIPTION => {
            let Ok(row) = RowDescription::read(body) else { return };
            assert_eq!(row.columns().count(), row.len(), "columns are lost");
            same(bytes, |out| write::row_description(out, row.columns()));
        }
        tag::server::ERROR_RESPONSE | tag::server::NOTICE_RESPONSE => {
            let Ok(fields) = Fields::read(body) else { return };
            same(bytes, |out| match letter {
                tag::server::ERROR_RESPONSE => write::error_response(out, fields.iter()),
                _ => write::notice_response(out, fields.iter()),
            });
        }
        tag::server::PARAMETER_STATUS => {
            if let Ok(status) = ParameterStatus::read(body) {
                same(bytes, |out| write::parameter_status(out, status.name, status.value));
            }
        }
        tag::server::BACKEND_KEY_DATA => {
            if let Ok(key) = BackendKeyData::read(body) {
                same(bytes, |out| write::backend_key_data(out, key.pid, key.secret));
            }
        }
        tag::server::COMMAND_COMPLETE => {
            if let Ok(complete) = CommandComplete::read(body) {
                let _ = complete.rows();
                same(bytes, |out| write::command_complete(out, complete.tag));
            }
        }
        tag::server::READY_FOR_QUERY => {
            if let Ok(ready) = ReadyForQuery::read(body) {
                same(bytes, |out| {
                    write::ready_for_query(out, ready.status);
                    Ok(())
                });
            }
        }
        tag::server::AUTHENTICATION => authentication(bytes, body),
        _ => {}
    }
}

fn authentication(bytes: &[u8], body: &[u8]) {
    use server::write;
    let Ok(read) = Authentication::read(body) else { return };
    let plain = |write: fn(&mut Vec<u8>)| {
        same(bytes, |out| {
            write(out);
            Ok(())
        });
    };
    match read {
        Authentication::CleartextPassword => plain(write::authentication_cleartext_password),
        Authentication::Md5Password { salt } => same(bytes, |out| {
            write::authentication_md5_password(out, salt);
            Ok(())
        }),
        Authentication::Ok => plain(write::authentication_ok),
        Authentication::Other(_) => {}
        Authentication::Sasl(mechanisms) => {
            same(bytes, |out| write::authentication_sasl(out, mechanisms.iter()));
        }
        Authentication::SaslContinue(data) => {
            same(bytes, |out| write::authentication_sasl_continue(out, data));
        }
        Authentication::SaslFinal(data) => same(bytes, |out| write::authentication_sasl_final(out, data)),
    }
}

/// Every reader on the same bytes, whatever their tag, and every iterator to its end.
pub(super) fn every_reader(body: &[u8]) {
    let _ = StartupPacket::read(body).map(|packet| format!("{packet:?}"));
    let _ = Query::read(body);
    let _ = Parse::read(body).map(|parse| parse.param_types.iter().count());
    let _ = Bind::read(body).map(|bind| (bind.values.iter().count(), bind.result_formats.of(usize::MAX)));
    let _ = Target::read(body);
    let _ = Execute::read(body);
    let _ = CopyFail::read(body);
    let _ = Password::read(body);
    let _ = SaslInitialResponse::read(body);
    let _ = Authentication::read(body);
    let _ = BackendKeyData::read(body);
    let _ = CommandComplete::read(body).map(|complete| complete.rows());
    let _ = CopyResponse::read(body).map(|copy| copy.columns.iter().all(|format| format == Format::Text));
    let _ = NegotiateProtocolVersion::read(body);
    let _ = NotificationResponse::read(body);
    let _ = ParameterDescription::read(body).map(|types| types.types.iter().count());
    let _ = ParameterStatus::read(body);
    let _ = ReadyForQuery::read(body);
    if let Ok(row) = DataRow::read(body) {
        let size: usize = row.values().map(|value| value.map_or(0, <[u8]>::len) + 4).sum();
        assert_eq!(size + 2, body.len(), "a row yields more or less than it holds");
    }
    if let Ok(fields) = Fields::read(body) {
        let size: usize = fields.iter().map(|(_, text)| text.len() + 2).sum();
        assert_eq!(size + 1, body.len(), "fields yield more or less than they hold");
    }
    if let Ok(row) = RowDescription::read(body) {
        let size: usize = row.columns().map(|column| column.name.len() + 19).sum();
        assert_eq!(size + 2, body.len(), "a description yields more or less than it holds");
    }
}
