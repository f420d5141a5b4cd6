//! What a client sends, once its start-up packet has passed.

mod authentication;
mod bind;
mod statement;
pub mod write;

pub use authentication::{Password, SaslInitialResponse, SaslResponse};
pub use bind::{Bind, Values};
pub use statement::{CopyFail, Execute, Parse, Query, Target};
