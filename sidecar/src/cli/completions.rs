//! `chaperone completions`.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Answer, Cli, Trouble};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell, for example `source <(chaperone completions bash)`.
    shell: Shell,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    // Into memory first: clap_complete panics where a pipe is closed.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "chaperone", &mut script);
    out.write_all(&script)?;
    Ok(Answer::Yes)
}
