//! The whole stack on loopback: a stock Envoy with the filters, a real PostgreSQL, the sidecar, and a development identity
//! provider. The demo, `make up`, the end-to-end tests and the benchmarks all start it here.
//!
//! ```text
//!   Stack::start(options)
//!     PostgreSQL      initdb in the run directory, examples/shop/schema.sql    (or somebody's own: `Upstream`)
//!     chaperone       dev idp, serve, policy deliver --watch
//!     Envoy           envoy/postgres.yaml with its placeholders filled
//! ```
//!
//! Every part listens on free ports of its own, so stacks run side by side. Every part ends with the process that started
//! it, whatever ends that process; only `make up` leaves its parts running. Logs stay in the run directory.

mod background;
mod chaperone;
mod demo;
mod envoy;
mod error;
mod http;
mod options;
mod part;
mod ports;
mod postgres;
mod programs;
mod psql;
mod rundir;
mod secret;
mod stack;
mod template;
mod unprivileged;
mod upstream;

pub use crate::background::{down, status, up};
pub use crate::demo::demo;
pub use crate::error::Error;
pub use crate::http::Response;
pub use crate::options::{Chain, Delivery, Policy, StackOptions};
pub use crate::programs::Programs;
pub use crate::psql::Login;
pub use crate::stack::Stack;
pub use crate::upstream::Upstream;
