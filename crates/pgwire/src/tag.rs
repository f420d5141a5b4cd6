//! The letter that begins each message. The two directions reuse letters, hence two modules.

/// In the place of a letter, for packets that have none.
pub const UNTAGGED: u8 = 0;

/// What a client sends.
pub mod client {
    /// Bind parameters to a prepared statement, which makes a portal.
    pub const BIND: u8 = b'B';
    /// Close a prepared statement or portal.
    pub const CLOSE: u8 = b'C';
    /// A piece of COPY data.
    pub const COPY_DATA: u8 = b'd';
    /// The end of COPY data.
    pub const COPY_DONE: u8 = b'c';
    /// The client gives COPY up.
    pub const COPY_FAIL: u8 = b'f';
    /// Describe a prepared statement or portal.
    pub const DESCRIBE: u8 = b'D';
    /// Run a portal.
    pub const EXECUTE: u8 = b'E';
    /// Ask for the answers so far.
    pub const FLUSH: u8 = b'H';
    /// Call a function by its OID (fast path).
    pub const FUNCTION_CALL: u8 = b'F';
    /// Prepare a statement.
    pub const PARSE: u8 = b'P';
    /// `PasswordMessage`, `SASLInitialResponse`, `SASLResponse` or `GSSResponse`: the exchange tells which.
    pub const PASSWORD: u8 = b'p';
    /// A simple query.
    pub const QUERY: u8 = b'Q';
    /// The end of a batch of the extended protocol.
    pub const SYNC: u8 = b'S';
    /// Goodbye.
    pub const TERMINATE: u8 = b'X';

    /// Every message a client may send after its start-up packet.
    pub const ALL: [u8; 14] = [
        BIND,
        CLOSE,
        COPY_DATA,
        COPY_DONE,
        COPY_FAIL,
        DESCRIBE,
        EXECUTE,
        FLUSH,
        FUNCTION_CALL,
        PARSE,
        PASSWORD,
        QUERY,
        SYNC,
        TERMINATE,
    ];
}

/// What a server sends.
pub mod server {
    /// An authentication request, or that it is over.
    pub const AUTHENTICATION: u8 = b'R';
    /// The process id and secret with which a query may be cancelled.
    pub const BACKEND_KEY_DATA: u8 = b'K';
    /// Bind succeeded.
    pub const BIND_COMPLETE: u8 = b'2';
    /// Close succeeded.
    pub const CLOSE_COMPLETE: u8 = b'3';
    /// A command has ended.
    pub const COMMAND_COMPLETE: u8 = b'C';
    /// COPY in both directions begins (replication).
    pub const COPY_BOTH_RESPONSE: u8 = b'W';
    /// A piece of COPY data.
    pub const COPY_DATA: u8 = b'd';
    /// The end of COPY data.
    pub const COPY_DONE: u8 = b'c';
    /// The server waits for COPY data.
    pub const COPY_IN_RESPONSE: u8 = b'G';
    /// COPY data follow.
    pub const COPY_OUT_RESPONSE: u8 = b'H';
    /// A row.
    pub const DATA_ROW: u8 = b'D';
    /// The query was empty.
    pub const EMPTY_QUERY_RESPONSE: u8 = b'I';
    /// An error.
    pub const ERROR_RESPONSE: u8 = b'E';
    /// The answer to a function call.
    pub const FUNCTION_CALL_RESPONSE: u8 = b'V';
    /// The server speaks an older minor version, or does not know some option.
    pub const NEGOTIATE_PROTOCOL_VERSION: u8 = b'v';
    /// What was described returns no rows.
    pub const NO_DATA: u8 = b'n';
    /// A notice or warning.
    pub const NOTICE_RESPONSE: u8 = b'N';
    /// NOTIFY by some session.
    pub const NOTIFICATION_RESPONSE: u8 = b'A';
    /// The types of a prepared statement's parameters.
    pub const PARAMETER_DESCRIPTION: u8 = b't';
    /// The value of a setting that the client should know.
    pub const PARAMETER_STATUS: u8 = b'S';
    /// Parse succeeded.
    pub const PARSE_COMPLETE: u8 = b'1';
    /// Execute stopped at its row limit.
    pub const PORTAL_SUSPENDED: u8 = b's';
    /// The server waits for the next command.
    pub const READY_FOR_QUERY: u8 = b'Z';
    /// The columns of the rows that follow.
    pub const ROW_DESCRIPTION: u8 = b'T';

    /// Every message a server may send.
    pub const ALL: [u8; 24] = [
        AUTHENTICATION,
        BACKEND_KEY_DATA,
        BIND_COMPLETE,
        CLOSE_COMPLETE,
        COMMAND_COMPLETE,
        COPY_BOTH_RESPONSE,
        COPY_DATA,
        COPY_DONE,
        COPY_IN_RESPONSE,
        COPY_OUT_RESPONSE,
        DATA_ROW,
        EMPTY_QUERY_RESPONSE,
        ERROR_RESPONSE,
        FUNCTION_CALL_RESPONSE,
        NEGOTIATE_PROTOCOL_VERSION,
        NO_DATA,
        NOTICE_RESPONSE,
        NOTIFICATION_RESPONSE,
        PARAMETER_DESCRIPTION,
        PARAMETER_STATUS,
        PARSE_COMPLETE,
        PORTAL_SUSPENDED,
        READY_FOR_QUERY,
        ROW_DESCRIPTION,
    ];
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_letter_is_used_once_in_a_direction() {
        for all in [&super::client::ALL[..], &super::server::ALL[..]] {
            let mut letters = all.to_vec();
            letters.sort_unstable();
            letters.dedup();
            assert_eq!(letters.len(), all.len());
        }
    }
}
