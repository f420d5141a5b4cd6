//! The `chaperone` command: the sidecar, and what people do with it.
//!
//! ```text
//!  filters ──▶ http ──▶ desk ──────▶ approval (pure)        cli ──▶ client ──▶ http
//!                │        └──▶ store::ApprovalStore          │
//!                └──▶ store::Writer ──▶ store::RecordStore   └──▶ play, chain, deliver, render, rehearse, idp
//! ```

mod approval;
mod chain;
mod cli;
mod client;
mod clock;
mod deliver;
mod desk;
mod hex;
mod http;
mod idp;
mod log;
mod metrics;
mod play;
mod presence;
mod rehearse;
mod render;
mod serve;
mod store;
mod terminal;

fn main() -> std::process::ExitCode {
    cli::run()
}
