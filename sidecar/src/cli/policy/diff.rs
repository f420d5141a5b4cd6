//! `chaperone policy diff`.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::{compared, moment, read, time_of};
use crate::cli::{Answer, Trouble, print_json};
use crate::deliver;
use crate::rehearse::{Cases, Comparison, Decided, Session, Who};

/// Say which statements another policy decides otherwise; exit code 1 when there are any.
///
/// The statements come from files of cases (see `policy test`; what they expect does not count), or from a file with a
/// statement a line, all of one caller. `policy replay` compares with what was recorded.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy that is.
    before: PathBuf,
    /// The policy that is to be.
    after: PathBuf,
    /// Files of cases; may be repeated.
    #[arg(long, value_name = "FILE")]
    cases: Vec<PathBuf>,
    /// A file with a statement a line.
    #[arg(long, value_name = "FILE", required_unless_present = "cases")]
    statements: Option<PathBuf>,
    #[command(flatten)]
    who: Who,
    /// When the statements come: a time such as 2026-01-31T22:00:00Z; now where nothing is said.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let before = read(&args.before)?.map_err(Trouble::Other)?;
    let after = read(&args.after)?.map_err(Trouble::Other)?;
    let now = time_of(args.at);
    let mut comparison = Comparison::default();
    for file in &args.cases {
        let other = |error: &dyn std::fmt::Display| Trouble::Other(format!("{}: {error}", file.display()));
        let text = deliver::read(file).map_err(|error| Trouble::Other(error.to_string()))?;
        let cases = Cases::from_text(&text).map_err(|error| other(&error))?;
        for case in &cases.cases {
            let run = |policy| cases.run(case, policy, now).map_err(|error| other(&error));
            let (one, another) = (run(&before)?, run(&after)?);
            let decided = [&one, &another].map(|outcome| Decided::of(&outcome.judged.verdict));
            let [one_decided, another_decided] = decided;
            comparison.add(one_decided, another_decided, &case.name, &another.text);
        }
    }
    if let Some(file) = &args.statements {
        let text = deliver::read(file).map_err(|error| Trouble::Other(error.to_string()))?;
        let session = |policy| -> Result<_, Trouble> {
            Ok(Session::new(policy, args.who.known(policy).map_err(Trouble::Other)?, now))
        };
        let (mut one, mut another) = (session(&before)?, session(&after)?);
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let (one, another) = (one.say(line), another.say(line));
            let place = format!("line {number}");
            comparison.add(Decided::of(&one.verdict), Decided::of(&another.verdict), &place, line);
        }
    }
    comparison.sort();
    if args.json {
        let policies = [&before, &after].map(compared::told);
        print_json(out, &json!({ "before": policies[0], "after": policies[1], "compared": comparison }))?;
    } else {
        writeln!(out, "{} → {}", compared::named(&before), compared::named(&after))?;
        compared::print(&comparison, out)?;
    }
    Ok(if comparison.changes.is_empty() { Answer::Yes } else { Answer::No })
}
