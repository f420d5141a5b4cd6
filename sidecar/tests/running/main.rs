//! The program as a whole: a real process, a real port, a real directory.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod approvals;
mod dev;
mod policy;
mod process;
mod records;
mod rehearse;
mod render;
mod restart;
mod sessions;
mod tokens;
