//! Appends a server's messages to a buffer. Where a function can fail, a failure leaves the buffer as it was.

use crate::{
    server::{Column, TransactionStatus},
    tag::server as tag,
    write::{WriteError, counted, fixed, message, text, value},
};

/// An `ErrorResponse` of these letters and texts (for one's own errors see [`ErrorFields`](crate::server::ErrorFields)).
///
/// # Errors
///
/// When a letter is or a text holds a NUL.
pub fn error_response<'f>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (u8, &'f [u8])>,
) -> Result<(), WriteError> {
    response(out, tag::ERROR_RESPONSE, fields)
}

/// A `NoticeResponse` of these letters and texts.
///
/// # Errors
///
/// When a letter is or a text holds a NUL.
pub fn notice_response<'f>(
    out: &mut Vec<u8>,
    fields: impl IntoIterator<Item = (u8, &'f [u8])>,
) -> Result<(), WriteError> {
    response(out, tag::NOTICE_RESPONSE, fields)
}

fn response<'f>(
    out: &mut Vec<u8>,
    tag: u8,
    fields: impl IntoIterator<Item = (u8, &'f [u8])>,
) -> Result<(), WriteError> {
    message(out, Some(tag), |out| {
        for (letter, body) in fields {
            if letter == 0 {
                return Err(WriteError::Nul);
            }
            out.push(letter);
            text(out, body)?;
        }
        out.push(0);
        Ok(())
    })
}

/// The server waits for the next command.
pub fn ready_for_query(out: &mut Vec<u8>, status: TransactionStatus) {
    fixed(out, tag::READY_FOR_QUERY, &[status.letter()]);
}

/// The client is who it says.
pub fn authentication_ok(out: &mut Vec<u8>) {
    fixed(out, tag::AUTHENTICATION, &0_u32.to_be_bytes());
}

/// Asks for the password in clear.
pub fn authentication_cleartext_password(out: &mut Vec<u8>) {
    fixed(out, tag::AUTHENTICATION, &3_u32.to_be_bytes());
}

/// Asks for the password hashed with `salt`.
pub fn authentication_md5_password(out: &mut Vec<u8>, salt: [u8; 4]) {
    let [a, b, c, d] = salt;
    fixed(out, tag::AUTHENTICATION, &[0, 0, 0, 5, a, b, c, d]);
}

/// Asks for one of these SASL mechanisms.
///
/// # Errors
///
/// When a name is empty or holds a NUL.
pub fn authentication_sasl<'m>(
    out: &mut Vec<u8>,
    mechanisms: impl IntoIterator<Item = &'m [u8]>,
) -> Result<(), WriteError> {
    message(out, Some(tag::AUTHENTICATION), |out| {
        out.extend(10_u32.to_be_bytes());
        for mechanism in mechanisms {
            // An empty name ends the list.
            if mechanism.is_empty() {
                return Err(WriteError::Nul);
            }
            text(out, mechanism)?;
        }
        out.push(0);
        Ok(())
    })
}

/// The server's next SASL message.
///
/// # Errors
///
/// When it is too long.
pub fn authentication_sasl_continue(out: &mut Vec<u8>, data: &[u8]) -> Result<(), WriteError> {
    sasl_data(out, 11, data)
}

/// The server's last SASL message.
///
/// # Errors
///
/// When it is too long.
pub fn authentication_sasl_final(out: &mut Vec<u8>, data: &[u8]) -> Result<(), WriteError> {
    sasl_data(out, 12, data)
}

fn sasl_data(out: &mut Vec<u8>, code: u32, data: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::AUTHENTICATION), |out| {
        out.extend(code.to_be_bytes());
        out.extend_from_slice(data);
        Ok(())
    })
}

/// How to cancel what this session does.
///
/// # Errors
///
/// When the secret is too long.
pub fn backend_key_data(out: &mut Vec<u8>, pid: u32, secret: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::BACKEND_KEY_DATA), |out| {
        out.extend(pid.to_be_bytes());
        out.extend_from_slice(secret);
        Ok(())
    })
}

/// The value of a setting.
///
/// # Errors
///
/// When a text holds a NUL.
pub fn parameter_status(out: &mut Vec<u8>, name: &[u8], setting: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::PARAMETER_STATUS), |out| {
        text(out, name)?;
        text(out, setting)
    })
}

/// The columns of the rows that follow.
///
/// # Errors
///
/// When a name holds a NUL, or there are too many columns.
pub fn row_description<'c>(
    out: &mut Vec<u8>,
    columns: impl IntoIterator<Item = Column<'c>>,
) -> Result<(), WriteError> {
    message(out, Some(tag::ROW_DESCRIPTION), |out| {
        counted(out, columns, |out, column| {
            text(out, column.name)?;
            out.extend(column.table_oid.to_be_bytes());
            out.extend(column.attnum.to_be_bytes());
            out.extend(column.type_oid.to_be_bytes());
            out.extend(column.type_len.to_be_bytes());
            out.extend(column.typmod.to_be_bytes());
            out.extend(column.format.code().to_be_bytes());
            Ok(())
        })
    })
}

/// One row.
///
/// # Errors
///
/// When there are too many values, or it is too long.
pub fn data_row<'v>(
    out: &mut Vec<u8>,
    values: impl IntoIterator<Item = Option<&'v [u8]>>,
) -> Result<(), WriteError> {
    message(out, Some(tag::DATA_ROW), |out| counted(out, values, value))
}

/// A command has ended.
///
/// # Errors
///
/// When the text holds a NUL.
pub fn command_complete(out: &mut Vec<u8>, command: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::COMMAND_COMPLETE), |out| text(out, command))
}

/// A piece of COPY data.
///
/// # Errors
///
/// When it is too long.
pub fn copy_data(out: &mut Vec<u8>, data: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::COPY_DATA), |out| {
        out.extend_from_slice(data);
        Ok(())
    })
}

/// A message without a body, such as `ParseComplete` or `NoData`.
pub fn empty(out: &mut Vec<u8>, tag: u8) {
    fixed(out, tag, &[]);
}
