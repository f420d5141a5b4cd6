//! `chaperone-stack`: the stack from the command line. `make` calls it; see `make` alone for the verbs.

use std::process::ExitCode;

use chaperone_stack::{demo, down, status, up};

fn main() -> ExitCode {
    let verb = std::env::args().nth(1).unwrap_or_default();
    let done = match verb.as_str() {
        "demo" => demo().map(|()| true),
        "down" => down().map(|()| true),
        "status" => status(),
        "up" => up().map(|()| true),
        _ => {
            eprintln!("usage: chaperone-stack demo | up | status | down");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaperone-stack: {error}");
            ExitCode::FAILURE
        }
    }
}
