//! `chaperone policy test`.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chaperone_model::UnixSeconds;
use chaperone_policy::Policy;
use serde_json::{Value, json};

use super::{read, time_of};
use crate::cli::{Answer, Trouble, print_json};
use crate::deliver;
use crate::rehearse::{Case, Cases, Outcome};
use crate::terminal::{BAD, FAINT, GOOD, STRONG, one_line, styled};

/// Run cases against a policy: who says what, and what must come of it. Exit code 1 when a case does not hold.
///
/// A file of cases is YAML:
///
///   policy: policy.yaml             # from the file's directory
///   who: { groups: [analysts, readers] }   # of all cases that say nothing else
///   cases:
///     - name: nothing is dropped
///       run: [BEGIN, DROP TABLE customers]   # one session; all but the last must be allowed
///       expect: { verdict: deny, rule: no-drop, reason: SG102 }
///     - name: cards are hidden
///       run: SELECT * FROM customers
///       expect: { verdict: allow, hidden: [public.customers.card, public.customers.email] }
///
/// `who` takes subject, groups, issuer, resource, role and database; a case may have a time, `at`.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// Files of cases.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Another policy than the files name: one that is to be.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// One file's cases, run.
#[derive(Debug)]
struct Report {
    file: PathBuf,
    policy: Policy,
    outcomes: Vec<(String, Result<Outcome, String>)>,
    /// Rules that decided none of the cases.
    untested: Vec<String>,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let now = time_of(None);
    let mut reports = Vec::new();
    for file in &args.files {
        reports.push(report(file, args.policy.as_deref(), now)?);
    }
    let holds = reports.iter().flat_map(|report| &report.outcomes).all(|(_, outcome)| is_well(outcome));
    if args.json {
        print_json(out, &reports.iter().map(told).collect::<Vec<_>>())?;
    } else {
        for report in &reports {
            print(report, out)?;
        }
    }
    Ok(if holds { Answer::Yes } else { Answer::No })
}

fn report(file: &Path, policy: Option<&Path>, now: UnixSeconds) -> Result<Report, Trouble> {
    let other = |error: &dyn std::fmt::Display| Trouble::Other(format!("{}: {error}", file.display()));
    let text = deliver::read(file).map_err(|error| Trouble::Other(error.to_string()))?;
    let cases = Cases::from_text(&text).map_err(|error| other(&error))?;
    let beside = || {
        let name = cases.policy.as_deref().ok_or("it names no policy: `policy: FILE`, or --policy")?;
        Ok(file.parent().unwrap_or_else(|| Path::new("")).join(name))
    };
    let path = policy.map_or_else(beside, |path| Ok(path.to_owned()));
    let path = path.map_err(|error: &str| other(&error))?;
    let policy = read(&path)?.map_err(Trouble::Other)?;
    if cases.cases.is_empty() {
        return Err(other(&"it has no cases"));
    }
    let run = |case: &Case| (case.name.clone(), cases.run(case, &policy, now));
    let outcomes: Vec<_> = cases.cases.iter().map(run).collect();
    let decided: BTreeSet<_> = outcomes
        .iter()
        .filter_map(|(_, outcome)| outcome.as_ref().ok()?.judged.verdict.rule.as_ref())
        .collect();
    let untested = policy.rules().filter(|rule| !decided.contains(rule)).map(ToString::to_string).collect();
    Ok(Report { file: file.to_owned(), policy, outcomes, untested })
}

fn is_well(outcome: &Result<Outcome, String>) -> bool {
    outcome.as_ref().is_ok_and(|outcome| outcome.differences.is_empty())
}

fn print(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let digest = report.policy.digest().to_hex();
    let digest = styled(FAINT, digest.get(..12).unwrap_or_default());
    let name = one_line(report.policy.name());
    writeln!(out, "{}, policy `{name}` {digest}", styled(STRONG, report.file.display()))?;
    for (name, outcome) in &report.outcomes {
        let (style, mark) = if is_well(outcome) { (GOOD, "✓") } else { (BAD, "✗") };
        writeln!(out, "  {} {}", styled(style, mark), one_line(name))?;
        match outcome {
            Ok(outcome) if outcome.differences.is_empty() => {}
            Ok(outcome) => failure(outcome, out)?,
            Err(why) => writeln!(out, "      {}", one_line(why))?,
        }
    }
    let (all, well) = (report.outcomes.len(), report.outcomes.iter().filter(|(_, it)| is_well(it)).count());
    let style = if all == well { GOOD } else { BAD };
    writeln!(out, "{}", styled(style, format!("{well} of {all} cases hold")))?;
    if !report.untested.is_empty() {
        let untested = one_line(&report.untested.join(", "));
        writeln!(out, "{}", styled(FAINT, format!("no case is decided by: {untested}")))?;
    }
    Ok(())
}

/// What is otherwise than expected, as a difference.
fn failure(outcome: &Outcome, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "      => {}", one_line(&outcome.text))?;
    for difference in &outcome.differences {
        let what = difference.what;
        writeln!(out, "      {}", styled(GOOD, format!("- {what}: {}", one_line(&difference.expected))))?;
        writeln!(out, "      {}", styled(BAD, format!("+ {what}: {}", one_line(&difference.found))))?;
    }
    writeln!(out, "      {}", styled(FAINT, one_line(&outcome.judged.verdict.message)))
}

fn told(report: &Report) -> Value {
    let cases = report.outcomes.iter().map(|(name, outcome)| match outcome {
        Ok(outcome) => json!({
            "name": name,
            "holds": outcome.differences.is_empty(),
            "text": outcome.text,
            "verdict": outcome.judged.verdict,
            "differences": outcome.differences,
        }),
        Err(why) => json!({ "name": name, "holds": false, "error": why }),
    });
    json!({
        "file": report.file,
        "policy": { "name": report.policy.name(), "digest": report.policy.digest().to_hex() },
        "cases": cases.collect::<Vec<_>>(),
        "untested": report.untested,
    })
}
