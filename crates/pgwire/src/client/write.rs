//! Appends a client's messages to a buffer. Where a function can fail, a failure leaves the buffer as it was.

use crate::{
    client::Target,
    format::Format,
    tag::client as tag,
    write::{WriteError, counted, fixed, message, text, value},
};

/// A simple query.
///
/// # Errors
///
/// When the text holds a NUL or is too long.
pub fn query(out: &mut Vec<u8>, query: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::QUERY), |out| text(out, query))
}

/// Prepares a statement.
///
/// # Errors
///
/// When a text holds a NUL or is too long, or there are too many types.
pub fn parse(out: &mut Vec<u8>, name: &[u8], query: &[u8], param_types: &[u32]) -> Result<(), WriteError> {
    message(out, Some(tag::PARSE), |out| {
        text(out, name)?;
        text(out, query)?;
        counted(out, param_types, |out, oid| {
            out.extend(oid.to_be_bytes());
            Ok(())
        })
    })
}

/// Binds values, all in text format, and asks for the result in `result_format`.
///
/// # Errors
///
/// When a name holds a NUL, or there are too many values.
pub fn bind<'v>(
    out: &mut Vec<u8>,
    portal: &[u8],
    statement: &[u8],
    values: impl IntoIterator<Item = Option<&'v [u8]>>,
    result_format: Format,
) -> Result<(), WriteError> {
    message(out, Some(tag::BIND), |out| {
        text(out, portal)?;
        text(out, statement)?;
        out.extend(0_u16.to_be_bytes());
        counted(out, values, value)?;
        out.extend(1_u16.to_be_bytes());
        out.extend(result_format.code().to_be_bytes());
        Ok(())
    })
}

/// Describes a prepared statement or portal.
///
/// # Errors
///
/// When the name holds a NUL.
pub fn describe(out: &mut Vec<u8>, target: Target<'_>) -> Result<(), WriteError> {
    message(out, Some(tag::DESCRIBE), |out| target_body(out, target))
}

/// Closes a prepared statement or portal.
///
/// # Errors
///
/// When the name holds a NUL.
pub fn close(out: &mut Vec<u8>, target: Target<'_>) -> Result<(), WriteError> {
    message(out, Some(tag::CLOSE), |out| target_body(out, target))
}

fn target_body(out: &mut Vec<u8>, target: Target<'_>) -> Result<(), WriteError> {
    let (kind, name) = match target {
        Target::Portal(name) => (b'P', name),
        Target::Statement(name) => (b'S', name),
    };
    out.push(kind);
    text(out, name)
}

/// Runs a portal; no limit of rows when `max_rows` is 0.
///
/// # Errors
///
/// When the name holds a NUL.
pub fn execute(out: &mut Vec<u8>, portal: &[u8], max_rows: i32) -> Result<(), WriteError> {
    message(out, Some(tag::EXECUTE), |out| {
        text(out, portal)?;
        out.extend(max_rows.to_be_bytes());
        Ok(())
    })
}

/// Asks for the answers so far.
pub fn flush(out: &mut Vec<u8>) {
    fixed(out, tag::FLUSH, &[]);
}

/// Ends a batch of the extended protocol; always answered by `ReadyForQuery`.
pub fn sync(out: &mut Vec<u8>) {
    fixed(out, tag::SYNC, &[]);
}

/// Says goodbye.
pub fn terminate(out: &mut Vec<u8>) {
    fixed(out, tag::TERMINATE, &[]);
}

/// A password, in clear or as an MD5 response.
///
/// # Errors
///
/// When it holds a NUL.
pub fn password(out: &mut Vec<u8>, password: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::PASSWORD), |out| text(out, password))
}

/// Chooses a SASL mechanism and begins it.
///
/// # Errors
///
/// When the mechanism's name holds a NUL.
pub fn sasl_initial_response(
    out: &mut Vec<u8>,
    mechanism: &[u8],
    response: Option<&[u8]>,
) -> Result<(), WriteError> {
    message(out, Some(tag::PASSWORD), |out| {
        text(out, mechanism)?;
        value(out, response)
    })
}

/// Goes on with SASL.
///
/// # Errors
///
/// When it is too long.
pub fn sasl_response(out: &mut Vec<u8>, data: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::PASSWORD), |out| {
        out.extend_from_slice(data);
        Ok(())
    })
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

/// Ends COPY data.
pub fn copy_done(out: &mut Vec<u8>) {
    fixed(out, tag::COPY_DONE, &[]);
}

/// Gives COPY up.
///
/// # Errors
///
/// When the text holds a NUL.
pub fn copy_fail(out: &mut Vec<u8>, why: &[u8]) -> Result<(), WriteError> {
    message(out, Some(tag::COPY_FAIL), |out| text(out, why))
}
