//! `chaperone policy replay`.

use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use chaperone_policy::Policy;
use serde_json::json;

use super::{compared, read};
use crate::cli::sessions::{detail, latest, verdicts};
use crate::cli::{Answer, Trouble, print_json};
use crate::client::{Place, Sidecar};
use crate::rehearse::{Comparison, Recorded};
use crate::store::Session;

/// Say which recorded commands a policy would have decided otherwise; exit code 1 when there are any.
///
/// Each session is judged again from its beginning, for the same caller and at the same times. Needs
/// CHAPERONE_OPERATOR_TOKEN. What cannot be judged again is counted: statements of more than 4 KiB, of which a record has the
/// beginning, and commands that could have been one of several.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The policy that is to be.
    file: PathBuf,
    /// Sessions: an id, the beginning of it, or `last`; the latest where nothing is said.
    sessions: Vec<String>,
    /// At most so many of the latest.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    #[command(flatten)]
    place: Place,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What came of all sessions.
#[derive(Debug, Default)]
struct Replayed {
    sessions: u64,
    /// Sessions in which nobody signed in, or which lead to what the policy does not have, with why.
    skipped: Vec<String>,
    /// Commands that cannot be judged again.
    unclear: u64,
    /// There are sessions that are older than those that were looked at.
    older: bool,
    comparison: Comparison,
}

pub(super) fn run(args: &Args, out: &mut impl Write) -> Result<Answer, Trouble> {
    let policy = read(&args.file)?.map_err(Trouble::Other)?;
    let sidecar = Sidecar::at(&args.place)?;
    let (sessions, older) = if args.sessions.is_empty() {
        // One more tells whether there are more.
        let mut sessions = latest(&sidecar, args.limit.saturating_add(1))?;
        let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
        let older = sessions.len() > most;
        sessions.truncate(most);
        (sessions, older)
    } else {
        let named = args.sessions.iter().map(|id| Ok(detail(&sidecar, id)?.session));
        (named.collect::<Result<Vec<_>, Trouble>>()?, false)
    };
    let mut replayed = all(&policy, &sidecar, sessions)?;
    replayed.older = older;
    replayed.comparison.sort();
    if args.json {
        let Replayed { sessions, skipped, unclear, older, comparison } = &replayed;
        let told = json!({
            "policy": compared::told(&policy),
            "sessions": sessions,
            "skipped": skipped,
            "unclear": unclear,
            "older_sessions_left_out": older,
            "compared": comparison,
        });
        print_json(out, &told)?;
    } else {
        print(&policy, &replayed, out)?;
    }
    Ok(if replayed.comparison.changes.is_empty() { Answer::Yes } else { Answer::No })
}

fn print(policy: &Policy, replayed: &Replayed, out: &mut impl Write) -> Result<(), Trouble> {
    let commands = replayed.comparison.commands;
    let many = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (sessions, commands) = (many(replayed.sessions, "session"), many(commands, "command"));
    writeln!(out, "{sessions}, {commands}, under {}", compared::named(policy))?;
    if replayed.unclear > 0 {
        writeln!(out, "{} more cannot be judged again from their records", replayed.unclear)?;
    }
    if replayed.older {
        writeln!(out, "older sessions were not looked at; --limit takes more")?;
    }
    for why in &replayed.skipped {
        writeln!(out, "left out: {}", crate::terminal::one_line(why))?;
    }
    compared::print(&replayed.comparison, out)?;
    Ok(())
}

/// Replays on all cores: each takes the next session as soon as it is done with one.
fn all(policy: &Policy, sidecar: &Sidecar, sessions: Vec<Session>) -> Result<Replayed, Trouble> {
    let count = sessions.len();
    let queue = Mutex::new(VecDeque::from(sessions));
    let (done, total) = (AtomicUsize::new(0), Mutex::new(Ok(Replayed::default())));
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(count.max(1));
    let next = || queue.lock().ok().and_then(|mut queue| queue.pop_front());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(session) = next() {
                    let one = one(policy, sidecar, &session);
                    let Ok(mut total) = total.lock() else { return };
                    match (total.as_mut(), one) {
                        (Ok(total), Ok(one)) => total.add(one),
                        (Ok(_), Err(trouble)) => *total = Err(trouble),
                        (Err(_), _) => return,
                    }
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1, count);
                }
            });
        }
    });
    progress(0, 0);
    total.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// On a terminal, which session of how many; nothing any more for none.
fn progress(done: usize, count: usize) {
    let mut err = std::io::stderr();
    if err.is_terminal() {
        let line = if count == 0 { String::new() } else { format!("replayed {done} of {count} sessions") };
        let _lost = write!(err, "\r\x1b[K{line}");
    }
}

fn one(policy: &Policy, sidecar: &Sidecar, session: &Session) -> Result<Replayed, Trouble> {
    let recorded = Recorded::new(&session.summary, verdicts(sidecar, session)?);
    let mut replayed = Replayed::default();
    match recorded.replay(policy, session.id.as_str()) {
        Ok((comparison, unclear)) => {
            replayed.sessions = 1;
            (replayed.comparison, replayed.unclear) = (comparison, unclear);
        }
        Err(why) => replayed.skipped.push(format!("{}: {why}", session.id)),
    }
    Ok(replayed)
}

impl Replayed {
    fn add(&mut self, other: Self) {
        self.sessions += other.sessions;
        self.skipped.extend(other.skipped);
        self.unclear += other.unclear;
        self.comparison.merge(other.comparison);
    }
}
