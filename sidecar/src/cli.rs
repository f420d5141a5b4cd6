//! The command line: one file a verb.

mod approvals;
mod completions;
mod dev;
mod policy;
mod reasons;
mod serve;
mod sessions;
mod span;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client;

/// The sidecar of Chaperone, and the tools around it.
///
/// Exit codes: 0 for success, 1 for a negative answer (nothing found, not whole, refused), 2 for trouble.
#[derive(Debug, Parser)]
#[command(name = "chaperone", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Approvals(approvals::Args),
    Sessions(sessions::Args),
    Policy(policy::Args),
    Reasons(reasons::Args),
    Dev(dev::Args),
    /// Print completions for a shell.
    Completions(completions::Args),
}

/// How a command ended, where nothing went wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    /// Exit code 1.
    No,
    /// Exit code 0.
    Yes,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A document is not what it must be.
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Other(String),
    /// What was asked for may be one of several.
    #[error("{0}")]
    Unclear(String),
}

/// Runs what the arguments say.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let mut out = anstream::AutoStream::auto(io::stdout());
    let answer = match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Approvals(args) => approvals::run(&args, &mut out),
        Command::Sessions(args) => sessions::run(&args, &mut out),
        Command::Policy(args) => policy::run(&args, &mut out),
        Command::Reasons(args) => reasons::run(&args, &mut out),
        Command::Dev(args) => dev::run(&args, &mut out),
        Command::Completions(args) => completions::run(&args, &mut out),
    };
    let flushed = out.flush().map_err(Trouble::from);
    match answer.and_then(|answer| flushed.map(|()| answer)) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        // Whoever reads has read enough, such as `head`.
        Err(Trouble::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(trouble) => {
            let negative = match &trouble {
                Trouble::Client(error) => error.is_negative(),
                Trouble::Invalid(_) | Trouble::Unclear(_) => true,
                Trouble::Io(_) | Trouble::Other(_) => false,
            };
            let _lost = writeln!(io::stderr(), "chaperone: {trouble}");
            ExitCode::from(if negative { 1 } else { 2 })
        }
    }
}

/// Writes pretty JSON.
fn print_json(out: &mut impl Write, value: &impl serde::Serialize) -> Result<Answer, Trouble> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Trouble::Other(error.to_string()))?;
    writeln!(out, "{text}")?;
    Ok(Answer::Yes)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
