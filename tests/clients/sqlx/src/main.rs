//! sqlx: every statement is prepared, described and cached, results are binary, and a pool pings with a lone Sync.

mod scenarios;
mod session;

use std::env;
use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use crate::scenarios::Outcome;

const LIMIT: Duration = Duration::from_secs(30);

/// What the driver cannot do, whatever it is connected to.
const WITHOUT: [(&str, &str); 3] = [
    ("cancel", "sqlx keeps the server's key and never sends a CancelRequest"),
    ("pipeline", "sqlx sends a statement when the one before is answered"),
    ("pipeline_error", "sqlx sends a statement when the one before is answered"),
];

async fn run(name: &str, scenario: impl Future<Output = Outcome>, failed: &mut bool) {
    if !is_wanted(name) {
        return;
    }
    let outcome = tokio::time::timeout(LIMIT, scenario).await.unwrap_or_else(|_| Err("took too long".into()));
    match outcome {
        Ok(()) => println!("ok {name}"),
        Err(error) => {
            *failed = true;
            println!("FAILED {name} {}", error.to_string().replace('\n', " | "));
        }
    }
}

/// Whether the command line names a scenario, or none.
fn is_wanted(name: &str) -> bool {
    env::args().len() < 2 || env::args().skip(1).any(|wanted| wanted == name)
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    if log::set_logger(&session::NOTICES).is_ok() {
        log::set_max_level(log::LevelFilter::Info);
    }
    let mut failed = false;
    runtime.block_on(async {
        macro_rules! all {
            ($($name:ident)*) => {$( run(stringify!($name), scenarios::$name(), &mut failed).await; )*};
        }
        all!(connect simple prepared binary introspection metadata error denied transaction copy_in copy_in_failure copy_out
            copy_out_binary cursors notices pool large masks);
    });
    for (name, why) in WITHOUT.iter().filter(|(name, _)| is_wanted(name)) {
        println!("skipped {name} {why}");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
