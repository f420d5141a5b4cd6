//! What a server sends.

mod authentication;
mod fields;
mod row;
mod status;
pub mod write;

pub use authentication::{Authentication, BackendKeyData, Mechanisms};
pub use fields::{ErrorFields, FIELD_MAX, Fields, Severity, field};
pub use row::{Column, DataRow, RowDescription};
pub use status::{
    CommandComplete, CopyResponse, NegotiateProtocolVersion, NotificationResponse, ParameterDescription,
    ParameterStatus, ReadyForQuery, TransactionStatus,
};
