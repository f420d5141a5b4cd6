//! `chaperone policy lint`.

use std::io::Write;
use std::path::PathBuf;

use chaperone_policy::{Policy, Warning, WarningKind};
use serde_json::{Value, json};

use super::read;
use crate::cli::{Answer, Trouble, print_json};
use crate::terminal::{FAINT, GOOD, WAITING, safe, styled};

/// Say what is wrong with policies, and what was probably not meant; exit code 1 when there is anything.
///
/// Warnings are of rules that are never reached, that are for roles or databases that the policy does not have, holds that too
/// few people could approve, allow rules without a limit, or that let through what cannot be read or changes how it is read,
/// deny rules for a whole schema (they are about every name without one too), approvers whom nobody asks, and shadow mode. A rule that is never reached is certain never to decide anything.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policies, YAML or JSON.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Say nothing of this kind, for it is meant; may be repeated.
    #[arg(long, value_name = "KIND", value_parser = kinds())]
    allow: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let mut told = Vec::new();
    let mut answer = Answer::Yes;
    for file in &args.files {
        let name = file.display().to_string();
        let linted = read(file)?.map(|policy| {
            let meant = |warning: &Warning| args.allow.iter().any(|kind| kind == warning.kind.name());
            let warnings = policy.lint().into_iter().filter(|warning| !meant(warning)).collect::<Vec<_>>();
            (policy, warnings)
        });
        if !linted.as_ref().is_ok_and(|(_, warnings)| warnings.is_empty()) {
            answer = Answer::No;
        }
        if args.json {
            told.push(one(&name, &linted));
            continue;
        }
        match &linted {
            Err(error) => writeln!(out, "{}", safe(error))?,
            Ok((policy, warnings)) => print(&name, policy, warnings, out)?,
        }
    }
    if args.json {
        print_json(out, &told)?;
    }
    Ok(answer)
}

fn kinds() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(WarningKind::ALL.map(WarningKind::name))
}

fn print(name: &str, policy: &Policy, warnings: &[Warning], out: &mut impl Write) -> Result<(), Trouble> {
    for warning in warnings {
        let kind = styled(FAINT, format!("[{}]", warning.kind.name()));
        writeln!(out, "{name}: {}: {} {kind}", styled(WAITING, "warning"), safe(&warning.to_string()))?;
    }
    if warnings.is_empty() {
        let rules = policy.rules().count();
        writeln!(out, "{name}: {}, policy `{}`, {rules} rules", styled(GOOD, "fine"), safe(policy.name()))?;
    }
    Ok(())
}

fn one(name: &str, linted: &Result<(Policy, Vec<Warning>), String>) -> Value {
    match linted {
        Err(error) => json!({ "file": name, "valid": false, "error": error, "warnings": [] }),
        Ok((policy, warnings)) => {
            let warnings = warnings.iter().map(|warning| {
                json!({
                    "rule": warning.rule,
                    "line": warning.at.map(|at| at.line),
                    "column": warning.at.map(|at| at.column),
                    "kind": warning.kind.name(),
                    "message": warning.message,
                })
            });
            json!({
                "file": name,
                "valid": true,
                "policy": { "name": policy.name(), "digest": policy.digest().to_hex() },
                "warnings": warnings.collect::<Vec<_>>(),
            })
        }
    }
}
