//! `chaperone approvals`.

mod print;

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Subcommand;
use serde::Deserialize;

use super::span::span;
use super::{Answer, Trouble, print_json};
use crate::approval::{self, StateName, View};
use crate::client::{Place, Sidecar, segment};
use crate::clock::{Clock, SystemClock};
use crate::terminal::{BAD, GOOD, WAITING, cut, one_line, safe, styled};

/// How often a wait for something to decide looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// How long one request to the sidecar waits.
const ONE_WAIT: Duration = Duration::from_secs(20);

/// See what waits for approval, and decide it.
///
/// Needs CHAPERONE_OPERATOR_TOKEN.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What waits for approval; exit code 1 when there is nothing.
    List {
        /// Of another state: approved, rejected, expired, cancelled, all.
        #[arg(long, default_value = "pending")]
        state: String,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Wait so long for something to come, such as `30s`.
        #[arg(long, value_name = "TIME", value_parser = span)]
        wait: Option<Duration>,
    },
    /// One request with everything that is known of it.
    Show {
        /// The id, or the beginning of it.
        id: String,
        /// Wait so long until it is decided, such as `5m`.
        #[arg(long, value_name = "TIME", value_parser = span)]
        wait: Option<Duration>,
    },
    /// Let the command run.
    Approve(Decision),
    /// Refuse the command.
    Reject(Decision),
}

#[derive(Debug, clap::Args)]
struct Decision {
    /// The id, or the beginning of it.
    id: String,
    /// Why; the agent sees it.
    #[arg(long, default_value = "")]
    reason: String,
    /// Who decides. The requester cannot.
    #[arg(long, env = "CHAPERONE_OPERATOR_NAME")]
    by: Option<String>,
}

#[derive(Debug, Deserialize)]
struct List {
    approvals: Vec<View>,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let sidecar = Sidecar::at(&args.place)?;
    let now = SystemClock.now();
    match &args.command {
        Command::List { state, limit, wait } => {
            let found = list(&sidecar, state, *limit, wait.unwrap_or_default())?;
            if args.json {
                print_json(out, &found)?;
            } else {
                print::list(out, &found, state, now)?;
            }
            Ok(if found.is_empty() { Answer::No } else { Answer::Yes })
        }
        Command::Show { id, wait } => {
            let view = decided(&sidecar, resolve(&sidecar, id)?, wait.unwrap_or_default())?;
            if args.json { print_json(out, &view) } else { print::one(out, &view, now) }
        }
        Command::Approve(decision) => decide(&sidecar, decision, "approve", args.json, out),
        Command::Reject(decision) => decide(&sidecar, decision, "reject", args.json, out),
    }
}

fn list(sidecar: &Sidecar, state: &str, limit: u32, wait: Duration) -> Result<Vec<View>, Trouble> {
    let path = format!("/v1/approvals?state={}&limit={limit}", segment(state));
    let began = Instant::now();
    loop {
        let List { approvals } = sidecar.get(&path)?;
        if !approvals.is_empty() || began.elapsed() >= wait {
            return Ok(approvals);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Finds a request by its id, or by the beginning of one.
fn resolve(sidecar: &Sidecar, id: &str) -> Result<View, Trouble> {
    let missing = match sidecar.get(&format!("/v1/approvals/{}", segment(id))) {
        Ok(view) => return Ok(view),
        Err(error) if error.is_missing() => error,
        Err(error) => return Err(error.into()),
    };
    let List { approvals } = sidecar.get("/v1/approvals?state=all&limit=10000")?;
    let prefix = if id.starts_with("ap-") { id.to_owned() } else { format!("ap-{id}") };
    let mut fitting = approvals.into_iter().filter(|view| view.id.as_str().starts_with(&prefix));
    match (fitting.next(), fitting.next()) {
        (Some(view), None) => Ok(view),
        (Some(one), Some(other)) => {
            Err(Trouble::Unclear(format!("`{id}` may be {} or {}", one.id, other.id)))
        }
        (None, _) => Err(missing.into()),
    }
}

fn decided(sidecar: &Sidecar, mut view: View, wait: Duration) -> Result<View, Trouble> {
    let began = Instant::now();
    while view.state == StateName::Pending {
        let left = wait.saturating_sub(began.elapsed()).min(ONE_WAIT);
        if left.is_zero() {
            break;
        }
        let path = format!("/v1/approvals/{}?wait={}s", view.id, left.as_secs().max(1));
        view = sidecar.get_patiently(&path, left)?;
    }
    Ok(view)
}

fn decide(
    sidecar: &Sidecar,
    decision: &Decision,
    verb: &str,
    json: bool,
    out: &mut impl Write,
) -> Result<Answer, Trouble> {
    let name = || ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let Some(by) = decision.by.clone().or_else(name) else {
        return Err(Trouble::Other("say who decides, with --by".to_owned()));
    };
    let view = resolve(sidecar, &decision.id)?;
    let answer = approval::Answer { by, reason: decision.reason.clone() };
    let view: View = sidecar.post(&format!("/v1/approvals/{}/{verb}", view.id), &answer)?;
    if json {
        return print_json(out, &view);
    }
    let by = safe(&answer.by);
    let statement = cut(&one_line(&view.request.statement), 60);
    match view.state {
        StateName::Approved => {
            writeln!(out, "{} {} by {by}: {statement}", view.id, styled(GOOD, "approved"))?;
        }
        StateName::Pending => {
            let more = view.request.count.saturating_sub(u32::try_from(view.approved_by.len()).unwrap_or(0));
            let waits = styled(WAITING, format!("approved by {by}, {more} more needed"));
            writeln!(out, "{} {waits}: {statement}", view.id)?;
        }
        StateName::Rejected => {
            writeln!(out, "{} {} by {by}: {statement}", view.id, styled(BAD, "rejected"))?;
        }
        StateName::Cancelled | StateName::Expired => {
            writeln!(out, "{} is {}", view.id, view.state.as_str())?;
        }
    }
    Ok(Answer::Yes)
}
