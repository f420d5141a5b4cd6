//! What comparisons of policies print.

use std::io::{self, Write};

use chaperone_policy::Policy;
use serde_json::{Value, json};

use super::explain::spoken;
use crate::rehearse::{Comparison, Decided};
use crate::terminal::{FAINT, GOOD, STRONG, cut, one_line, styled};

/// Letters of a statement that are shown.
const STATEMENT: usize = 72;

/// A policy by name and digest.
pub(super) fn named(policy: &Policy) -> String {
    let digest = policy.digest().to_hex();
    format!("`{}` {}", one_line(policy.name()), styled(FAINT, digest.get(..12).unwrap_or_default()))
}

/// The same for programs.
pub(super) fn told(policy: &Policy) -> Value {
    json!({ "name": policy.name(), "digest": policy.digest().to_hex() })
}

pub(super) fn print(comparison: &Comparison, out: &mut impl Write) -> io::Result<()> {
    let changed: u64 = comparison.changes.iter().map(|change| change.commands).sum();
    if changed == 0 {
        writeln!(out, "{}", styled(GOOD, "nothing is decided otherwise"))?;
        return Ok(());
    }
    writeln!(out, "{} of {} are decided otherwise", styled(STRONG, changed), comparison.commands)?;
    for change in &comparison.changes {
        let (before, now) = (said(&change.before), said(&change.now));
        writeln!(out, "\n{:>7}  {before} → {now}", change.commands)?;
        let statement = cut(&one_line(&change.statement), STATEMENT);
        writeln!(out, "         {} {statement}", styled(FAINT, one_line(&change.place)))?;
    }
    Ok(())
}

fn said(decided: &Decided) -> String {
    let word = match decided.decision() {
        Some(decision) => {
            let (style, word) = spoken(decision);
            styled(style, word)
        }
        None => one_line(&decided.decision),
    };
    match (&decided.rule, decided.decision.as_str()) {
        (Some(rule), _) => format!("{word} by `{}`", one_line(rule)),
        (None, "allow") => word,
        (None, _) => format!("{word} {}", one_line(&decided.reason)),
    }
}
